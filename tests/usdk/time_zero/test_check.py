"""Clocks that are right pass; clocks that are wrong are told, and by how much they are."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import usdk
from usdk.acquisition import Acquisition, ReceiveSettings
from usdk.demodulation import demodulate
from usdk.errors import ArgumentError
from usdk.io import load_recording
from usdk.probe import Probe
from usdk.sequences import single_elements
from usdk.time_zero import TimeZeroReport, check_time_zero
from usdk.transmit import TransmitSequence

PYBF = "pybf/rf_dataset.hdf5"
PHASED = "simus/p4_2v_diverging7.npz"
CONVEX = "simus/c5_2v_allfire_sta12.npz"


@pytest.fixture(scope="module")
def recorded(data_dir: Path) -> Callable[[str], Acquisition]:
    def load(name: str) -> Acquisition:
        if not (data_dir / name).is_file():
            pytest.skip(f"tests/data/{name} is not in this checkout")
        return load_recording(data_dir / name)[:1]

    return load


def late(acquisition: Acquisition, shift_s: Any) -> Acquisition:
    """Return the recording with a clock that is late by some time, one or one per transmit."""
    times_s = np.array(acquisition.receive.time_zero_s) + shift_s
    receive = replace(acquisition.receive, time_zero_s=tuple(times_s.tolist()))
    return replace(acquisition, receive=receive)


def periods(report: TimeZeroReport) -> NDArray[np.float64]:
    return np.array(report.transmit_offsets_s) / report.period_s


def first_firing_s(acquisition: Acquisition) -> NDArray[np.float64]:
    delays_s = acquisition.sequence.delays_s(acquisition.probe, acquisition.receive.sound_speed_m_s)
    return np.asarray(np.nanmin(delays_s, axis=1))


@pytest.mark.parametrize(
    ("name", "coherence", "worst"), [(PYBF, 0.99, 0.03), (PHASED, 0.95, 0.05), (CONVEX, 0.8, 0.18)]
)
def test_a_right_clock_passes(recorded: Any, name: str, coherence: float, worst: float) -> None:
    """Measured: coherence 0.999, 0.98 and 0.87; offsets up to 0.00, 0.01 and 0.12 periods.

    The convex recording fires all elements at once and then single ones, whose waves differ by an
    eighth of a period (Gouy).
    """
    report = check_time_zero(recorded(name))
    assert report.verdict == "right", str(report)
    assert report.coherence > coherence
    assert np.abs(periods(report)).max() < worst
    assert report.convention == ""
    assert abs(report.common_offset_s) < report.common_uncertainty_s


@pytest.mark.parametrize("name", [PYBF, PHASED, CONVEX])
def test_half_a_period_of_one_transmit_is_told(recorded: Any, name: str) -> None:
    """Measured: 0.45 to 0.50 periods, the others within 0.12."""
    right = recorded(name)
    shift_s = np.zeros(len(right.sequence))
    shift_s[len(shift_s) // 2] = 0.5 / right.transmit_frequency_hz
    report = check_time_zero(late(right, shift_s))
    assert report.verdict == "wrong", str(report)
    found = periods(report)
    assert found[len(found) // 2] == pytest.approx(0.5, abs=0.08)
    assert np.abs(np.delete(found, len(found) // 2)).max() < 0.18
    assert report.coherence_corrected > report.coherence + 0.2
    assert report.convention == ""


@pytest.mark.parametrize(("name", "sign"), [(PYBF, 1), (PYBF, -1), (PHASED, -1), (CONVEX, 1)])
def test_counting_from_the_first_element_is_told(recorded: Any, name: str, sign: int) -> None:
    """Measured: 15.4, 3.0 and 23.5 periods, each to 0.2 periods."""
    right = recorded(name)
    wrong = late(right, -sign * first_firing_s(right))
    report = check_time_zero(wrong)
    assert report.verdict == "wrong", str(report)
    assert report.convention.startswith("the first element that fires")
    assert report.convention.endswith("wrong sign") == (sign < 0)
    assert "the first element that fires" in str(report)
    error_s = np.array(report.time_zero_s) - np.array(right.receive.time_zero_s)
    assert np.abs(error_s).max() < 0.25 * report.period_s
    assert check_time_zero(late(wrong, -np.array(report.transmit_offsets_s))).verdict == "right"


@pytest.mark.parametrize(
    ("name", "shift_s"), [(PYBF, 1e-6), (PYBF, -1e-6), (PYBF, 3e-6), (PHASED, 3e-6), (CONVEX, 3e-6)]
)
def test_an_offset_of_all_transmits_is_told(recorded: Any, name: str, shift_s: float) -> None:
    """Measured: 0.05 µs off with pybf, 0.2 µs with the phased, 0.1 µs with the convex array."""
    report = check_time_zero(late(recorded(name), shift_s))
    assert report.verdict == "wrong", str(report)
    assert np.abs(periods(report)).max() < 0.18
    assert abs(report.common_offset_s - shift_s) < report.common_uncertainty_s
    assert ("late" if shift_s > 0 else "early") in report.reason


def test_a_common_offset_below_the_error_is_not_told(recorded: Any) -> None:
    report = check_time_zero(late(recorded(PYBF), 0.05e-6))
    assert report.verdict == "right"
    assert report.common_uncertainty_s > 0.05e-6


@pytest.mark.slow
def test_focused_beams_are_compared_with_their_neighbours(recorded: Any) -> None:
    """Measured: 0.50 periods of one beam in 49, the others within 0.16."""
    right = recorded("simus/l11_5v_focused49.npz")
    shift_s = np.zeros(49)
    shift_s[24] = 0.5 / right.transmit_frequency_hz
    report = check_time_zero(late(right, shift_s))
    assert report.verdict == "wrong"
    found = periods(report)
    assert found[24] == pytest.approx(0.5, abs=0.1)
    assert np.abs(np.delete(found, 24)).max() < 0.2


def test_rf_and_iq_tell_the_same(recorded: Any) -> None:
    rf = recorded(PYBF)
    of_rf, of_iq = check_time_zero(rf), check_time_zero(demodulate(rf))
    assert of_rf.transmit_offsets_s == pytest.approx(of_iq.transmit_offsets_s, abs=1e-9)
    assert of_rf.coherence == pytest.approx(of_iq.coherence, abs=1e-3)


def one_transmit(acquisition: Acquisition) -> Acquisition:
    return replace(
        acquisition,
        data=acquisition.data[:, 1:2],
        sequence=TransmitSequence(transmits=acquisition.sequence.transmits[1:2]),
        receive=replace(acquisition.receive, time_zero_s=acquisition.receive.time_zero_s[1:2]),
    )


def test_a_single_transmit_is_judged_by_its_focus(recorded: Any) -> None:
    alone = one_transmit(recorded(PYBF))
    report = check_time_zero(alone)
    assert report.verdict == "right"
    assert "single transmit" in report.reason
    assert math.isnan(report.coherence)
    assert np.isnan(report.transmit_offsets_s).tolist() == [True]
    assert report.time_zero_s == alone.receive.time_zero_s
    wrong = check_time_zero(late(alone, 3e-6))
    assert wrong.verdict == "wrong"
    assert abs(wrong.common_offset_s - 3e-6) < wrong.common_uncertainty_s


@pytest.mark.parametrize("kind", ["silence", "noise"])
def test_without_echoes_nothing_is_told(recorded: Any, kind: str) -> None:
    right = recorded(PYBF)
    data = np.zeros(right.data.shape, np.int16)
    if kind == "noise":
        data = np.random.default_rng(5).integers(-999, 999, right.data.shape).astype(np.int16)
    report = check_time_zero(replace(right, data=data))
    assert report.verdict == "untold"
    assert report.reason
    assert "untold" in str(report)
    assert report.time_zero_s == right.receive.time_zero_s


def test_the_report_can_be_read(recorded: Any) -> None:
    text = str(check_time_zero(recorded(PYBF)))
    for part in ("time zero: right", "coherence of the transmits 0.99", "3 of 3", "periods", "µs"):
        assert part in text


def matrix_recording(late_s: float) -> Acquisition:
    """Three points before a matrix array, heard from four of its elements one by one."""
    probe = Probe.matrix(
        "M",
        n_elements_x=8,
        n_elements_y=8,
        pitch_m=0.4e-3,
        centre_frequency_hz=3e6,
        fractional_bandwidth=0.6,
    )
    sequence = single_elements([0, 7, 56, 63])
    points_m = np.array([[0.0, 0.0, 12e-3], [3e-3, 0.0, 20e-3], [-4e-3, 0.0, 28e-3]])
    range_m = np.linalg.norm(points_m[:, None] - probe.element_positions_m, axis=-1)
    n_samples, rate_hz = 1200, 24e6
    time_s = np.arange(n_samples) / rate_hz
    data = np.zeros((1, 4, 64, n_samples), np.float32)
    for t, element in enumerate((0, 7, 56, 63)):
        due_s = (range_m[:, element, None] + range_m) / 1540.0 + (late_s if t == 2 else 0.0)
        cycles = 3e6 * (time_s - due_s[..., None])
        data[0, t] = (np.exp(-((cycles / 1.2) ** 2)) * np.cos(2 * np.pi * cycles)).sum(axis=0)
    receive = ReceiveSettings(
        sampling_frequency_hz=rate_hz, n_samples=n_samples, time_zero_s=(0.0,) * 4
    )
    return Acquisition(data=data, probe=probe, sequence=sequence, receive=receive)


def test_a_matrix_array_is_checked_too() -> None:
    assert check_time_zero(matrix_recording(0.0)).verdict == "right"
    # Its echoes come late, as if the clock had been early.
    report = check_time_zero(matrix_recording(0.4e-6))
    assert report.verdict == "wrong"
    assert report.transmit_offsets_s[2] == pytest.approx(0.4e-6, abs=0.02e-6)


def test_what_cannot_be_checked_is_refused(recorded: Any) -> None:
    right = recorded(PYBF)
    for options in (
        {"frame": 1},
        {"frame": -2},
        {"max_offset_s": 0.0},
        {"max_offset_s": math.nan},
        # A second beside a record of microseconds would take gigabytes.
        {"max_offset_s": 1.0},
    ):
        with pytest.raises(ArgumentError):
            check_time_zero(right, **options)
    with pytest.raises(ArgumentError, match="Acquisition"):
        check_time_zero(right.data)  # type: ignore[arg-type]


def test_it_is_offered_at_the_front_door() -> None:
    assert usdk.check_time_zero is check_time_zero
    assert usdk.TimeZeroReport is TimeZeroReport
