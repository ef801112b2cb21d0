from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from usdk.acquisition import Acquisition, ReceiveSettings
from usdk.demodulation import Demodulator
from usdk.errors import ArgumentError
from usdk.probe import Probe
from usdk.sequences import plane_waves

PROBE = Probe.linear(
    "L", n_elements=20, pitch_m=0.3e-3, centre_frequency_hz=5e6, fractional_bandwidth=0.6
)


def pulses(dtype: Any, rate_hz: float) -> Acquisition:
    """Noise: five pulses of two transmits, each with a time zero of its own."""
    rng = np.random.default_rng(2)
    return Acquisition(
        data=rng.integers(-999, 999, (5, 2, 20, 700)).astype(dtype),
        probe=PROBE,
        sequence=plane_waves([-5, 5]),
        receive=ReceiveSettings(
            sampling_frequency_hz=rate_hz, n_samples=700, time_zero_s=(0.3e-6, 1.7e-6)
        ),
    )


@pytest.mark.parametrize("rate_hz", [20e6, 27e6, 20e6 / 3])
@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_pulses_side_by_side_are_those_demodulated_one_by_one(dtype: Any, rate_hz: float) -> None:
    """At four samples a period half of the taps vanish; band-pass-sampled data need all."""
    acquisition = pulses(dtype, rate_hz)
    plan = Demodulator(acquisition)
    expected = plan(acquisition).data
    out = np.full((2, 20, 700, 8), np.nan, np.complex64)
    plan.pulses(8)(acquisition.data, first_sample=0, out=out)
    np.testing.assert_allclose(
        np.moveaxis(out[..., :5], -1, 0), expected, atol=1e-6 * np.abs(expected).max()
    )
    assert not out[..., 5:].any()


def test_part_of_a_record_is_demodulated_where_it_lies() -> None:
    acquisition = pulses(np.int16, 20e6)
    whole = Demodulator(acquisition)(acquisition).data
    part = Acquisition(
        data=acquisition.data[..., 100:400],
        probe=PROBE,
        sequence=acquisition.sequence,
        receive=ReceiveSettings(
            sampling_frequency_hz=20e6, n_samples=300, time_zero_s=(5.3e-6, 6.7e-6)
        ),
    )
    plan = Demodulator(part)
    out = np.empty((2, 20, 300, 8), np.complex64)
    plan.pulses(8)(acquisition.data, first_sample=100, out=out)
    inside = slice(plan.reach, 300 - plan.reach)
    np.testing.assert_allclose(
        np.moveaxis(out[..., :5], -1, 0)[..., inside],
        whole[..., 100:400][..., inside],
        atol=1e-6 * np.abs(whole).max(),
    )


def test_pulses_keep_their_sampling_frequency() -> None:
    with pytest.raises(ArgumentError, match="decimation 1"):
        Demodulator(pulses(np.int16, 20e6), decimation=2).pulses(8)


def test_several_frames_are_demodulated_together() -> None:
    acquisition = pulses(np.int16, 20e6)
    plan = Demodulator(acquisition)
    out = np.empty((3, 2, 20, 700), np.complex64)
    plan.frames(acquisition.data[1:4], out=out)
    np.testing.assert_array_equal(out, plan(acquisition).data[1:4])
    with pytest.raises(ArgumentError, match="rf must be real"):
        plan.frames(acquisition.data[0], out=out)
    with pytest.raises(ArgumentError, match="out must be C-contiguous"):
        plan.frames(acquisition.data, out=out)
