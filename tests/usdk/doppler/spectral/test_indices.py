from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from usdk.doppler.spectral import Spectrogram, VelocityTrace, flow_indices, trace_of
from usdk.errors import ArgumentError
from usdk_drivers.simulator.vessel import Vessel

VESSEL = Vessel(psv_m_s=0.8, edv_m_s=0.2, heart_rate_hz=1.2)


def exact(vessel: Vessel, duration_s: float = 5.0, sign: int = 1) -> VelocityTrace:
    """The trace of a vessel without any error, columns 6.4 ms apart."""
    time_s = 3.0 + np.arange(int(duration_s / 6.4e-3)) * 6.4e-3
    maximum = sign * vessel.axis_velocity_m_s(time_s).astype(np.float32)
    return VelocityTrace(
        time_s=time_s,
        maximum_m_s=maximum,
        mean_m_s=maximum / 2,
        column_s=6.4e-3,
        noise_power=0.0,
    )


@pytest.mark.parametrize("heart_rate_hz", [0.7, 1.2, 2.5])
@pytest.mark.parametrize("sign", [1, -1])
def test_indices_of_an_exact_trace(heart_rate_hz: float, sign: int) -> None:
    vessel = replace(VESSEL, heart_rate_hz=heart_rate_hz)
    found = flow_indices(exact(vessel, 6.0, sign))
    tamax_m_s = 0.2 + 0.6 * 0.3306
    assert found.heart_rate_hz == pytest.approx(heart_rate_hz, rel=0.01)
    assert found.psv_m_s == pytest.approx(sign * 0.8, rel=0.02)
    assert found.edv_m_s == pytest.approx(sign * 0.2, rel=0.02)
    assert found.tamax_m_s == pytest.approx(sign * tamax_m_s, rel=0.01)
    assert found.tamean_m_s == pytest.approx(sign * tamax_m_s / 2, rel=0.01)
    assert found.resistance_index == pytest.approx(0.75, abs=0.01)
    assert found.pulsatility_index == pytest.approx(0.6 / tamax_m_s, rel=0.03)
    assert found.systolic_diastolic_ratio == pytest.approx(4.0, rel=0.04)
    assert len(found.beats) >= int(6.0 * heart_rate_hz) - 2


def test_indices_from_the_spectrogram_of_a_pulsatile_flow(pulsatile: Any) -> None:
    trace = trace_of(Spectrogram(pulsatile.slow_time)(pulsatile.signal))
    found = flow_indices(trace)
    vessel = pulsatile.vessel
    assert found.heart_rate_bpm == pytest.approx(72.0, rel=0.02)
    assert found.psv_m_s == pytest.approx(vessel.psv_m_s, rel=0.05)
    assert found.edv_m_s == pytest.approx(vessel.edv_m_s, abs=0.02)
    assert found.tamax_m_s == pytest.approx(vessel.mean_m_s, rel=0.05)
    assert found.tamean_m_s == pytest.approx(vessel.mean_m_s / 2, rel=0.08)
    assert found.resistance_index == pytest.approx(0.22 / 0.3, abs=0.05)


def test_flow_that_turns_back_has_an_index_above_one() -> None:
    vessel = Vessel(psv_m_s=0.6, edv_m_s=-0.1)
    found = flow_indices(exact(vessel))
    assert found.edv_m_s == pytest.approx(-0.1, abs=0.01)
    assert found.resistance_index == pytest.approx(0.7 / 0.6, rel=0.03)


def test_a_beat_with_a_hole_does_not_count() -> None:
    trace = exact(VESSEL)
    whole = flow_indices(trace)
    hole = int(np.searchsorted(trace.time_s, whole.beats[1].start_s + 0.4))
    trace.maximum_m_s[hole : hole + 3] = np.nan
    found = flow_indices(trace)
    assert [beat.start_s for beat in found.beats] == [
        beat.start_s for n, beat in enumerate(whole.beats) if n != 1
    ]


def test_every_beat_is_told() -> None:
    found = flow_indices(exact(VESSEL))
    starts_s = np.array([beat.start_s for beat in found.beats])
    # Beats begin in the end of diastole, at whole periods.
    np.testing.assert_allclose(np.round(starts_s * 1.2) / 1.2, starts_s, atol=0.03)
    assert found.beats[0].duration_s == pytest.approx(1 / 1.2, rel=0.02)
    assert found.beats[0].systolic_diastolic_ratio == pytest.approx(4, rel=0.05)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda t: replace(t, maximum_m_s=np.full_like(t.maximum_m_s, np.nan)), "no signal"),
        (lambda t: replace(t, maximum_m_s=np.ones_like(t.maximum_m_s)), "does not repeat"),
    ],
)
def test_a_trace_without_beats_is_refused(change: Any, match: str) -> None:
    with pytest.raises(ArgumentError, match=match):
        flow_indices(change(exact(VESSEL)))


def test_one_beat_is_not_enough() -> None:
    with pytest.raises(ArgumentError, match="two heart beats"):
        flow_indices(exact(VESSEL, 0.9))


def test_noise_has_no_beat() -> None:
    trace = exact(VESSEL)
    random = np.random.default_rng(1)
    noise = random.standard_normal(trace.maximum_m_s.size).astype(np.float32)
    with pytest.raises(ArgumentError, match="does not repeat"):
        flow_indices(replace(trace, maximum_m_s=noise))


def test_limits_of_the_heart_rate_are_in_order() -> None:
    with pytest.raises(ArgumentError, match="less than"):
        flow_indices(exact(VESSEL), min_heart_rate_hz=3, max_heart_rate_hz=2)
