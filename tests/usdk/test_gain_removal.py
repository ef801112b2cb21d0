from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from usdk.acquisition import Acquisition, GainCurve, ReceiveSettings
from usdk.errors import ArgumentError
from usdk.gain_removal import remove_gain
from usdk.probe import Probe
from usdk.transmit import PlaneWave, TransmitSequence

CURVE = GainCurve(times_s=(0.0, 1e-6), gains_db=(0.0, 20.0))


def made(dtype: Any, tgc: GainCurve | None) -> Acquisition:
    probe = Probe.linear(
        "p", n_elements=2, pitch_m=3e-4, centre_frequency_hz=5e6, fractional_bandwidth=0.6
    )
    is_iq = np.dtype(dtype).kind == "c"
    return Acquisition(
        data=np.full((1, 1, 2, 11), 100, dtype),
        probe=probe,
        sequence=TransmitSequence(transmits=(PlaneWave(),)),
        receive=ReceiveSettings(
            sampling_frequency_hz=10e6,
            n_samples=11,
            time_zero_s=(0.0,),
            demodulation_frequency_hz=5e6 if is_iq else 0.0,
            tgc=tgc,
        ),
    )


@pytest.mark.parametrize(
    ("dtype", "expected"), [("i2", np.float32), ("f4", np.float32), ("c8", np.complex64)]
)
def test_samples_are_divided_by_the_gain(dtype: str, expected: Any) -> None:
    acquisition = made(np.dtype(dtype), CURVE)
    removed = remove_gain(acquisition)
    assert removed.data.dtype == expected
    # 2 dB per sample, from the definition of the decibel.
    assert np.allclose(removed.data[0, 0, 1], 100 / 10 ** (np.arange(11) * 2 / 20), rtol=1e-6)
    assert removed.receive == replace(acquisition.receive, tgc=None)
    assert acquisition.data[0, 0, 0, -1] == 100


def test_an_unknown_gain_cannot_be_undone() -> None:
    with pytest.raises(ArgumentError, match="tgc"):
        remove_gain(made(np.int16, None))
