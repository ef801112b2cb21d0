from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from usdk.acquisition import Acquisition, DeviceInfo, Gap, ReceiveSettings
from usdk.bmode import BMode, bmode, envelope, log_compression
from usdk.demodulation import demodulate
from usdk.errors import ArgumentError
from usdk.frame import Frame
from usdk.probe import Probe
from usdk.scan import LinearScan
from usdk.sequences import plane_waves

C, FS, FC = 1540.0, 25e6, 5e6
PROBE = Probe.linear(
    "L", n_elements=32, pitch_m=0.3e-3, centre_frequency_hz=FC, fractional_bandwidth=0.6
)
POINT_M = (1.2e-3, 14e-3)
SCAN = LinearScan(x_m=np.linspace(-4e-3, 4e-3, 81), z_m=np.linspace(8e-3, 20e-3, 241))


def echoes(amplitudes: tuple[float, ...] = (1.0,), **changes: Any) -> Acquisition:
    """A point target in three plane waves, one frame per amplitude."""
    sequence = plane_waves([-6, 0, 6])
    point_m = np.array([POINT_M[0], 0, POINT_M[1]])
    flights_s = np.linalg.norm(PROBE.element_positions_m - point_m, axis=1) / C
    arrivals_s = [t.arrival_time_s(point_m, PROBE, C) for t in sequence.transmits]
    time_s = np.arange(800) / FS
    late_s = time_s - (np.array(arrivals_s)[:, None] + flights_s)[..., None]
    pulse = np.exp(-((late_s * 2.5e6) ** 2)) * np.cos(2 * np.pi * FC * late_s)
    entries: dict[str, Any] = {
        "data": np.stack([(a * pulse).astype(np.float32) for a in amplitudes]),
        "probe": PROBE,
        "sequence": sequence,
        "receive": ReceiveSettings(
            sampling_frequency_hz=FS, n_samples=800, time_zero_s=(0.0,) * 3, sound_speed_m_s=C
        ),
    }
    return Acquisition(**(entries | changes))


def brightest_m(frame: Frame) -> tuple[float, float]:
    row, column = np.unravel_index(np.argmax(frame.pixels), frame.shape)
    return frame.position_m(float(row), float(column))


@pytest.mark.parametrize("options", [{}, {"scan": SCAN}])
def test_a_point_is_brightest_where_it_is(options: dict[str, Any]) -> None:
    frame = bmode(echoes(), **options)
    assert brightest_m(frame) == pytest.approx(POINT_M, abs=0.1e-3)
    assert frame.pixels.max() == 255
    assert frame.pixels.min() == 0


def test_levels_are_greys_linear_in_decibels() -> None:
    # The second frame is 20 dB weaker, of 60 dB that are shown: 85 greys of 255.
    frames = BMode(echoes((1.0, 0.1)), scan=SCAN)(echoes((1.0, 0.1)))
    assert int(frames[0].pixels.max()) - int(frames[1].pixels.max()) == 85
    narrow = BMode(echoes(), scan=SCAN, dynamic_range_db=50.0)(echoes((1.0, 0.1)))
    assert [int(frame.pixels.max()) for frame in narrow] == [255, 153]


def test_gain_is_added_before_the_greys() -> None:
    quieter = bmode(echoes(), scan=SCAN, gain_db=-12.0)
    assert int(quieter.pixels.max()) == 204


def test_the_reference_stays_that_of_the_first_frame_unless_given() -> None:
    plan = BMode(echoes(), scan=SCAN)
    assert plan(echoes((0.1,)))[0].pixels.max() == 255
    kept = plan.reference
    assert plan(echoes((0.01,)))[0].pixels.max() == 170
    assert plan.reference == kept
    assert kept is not None
    given = BMode(echoes(), scan=SCAN, reference=10 * kept)
    assert given(echoes((0.1,)))[0].pixels.max() == 170


def test_a_silent_frame_is_black_and_sets_no_reference() -> None:
    plan = BMode(echoes(), scan=SCAN)
    assert np.all(plan(echoes((0.0,)))[0].pixels == 0)
    assert plan.reference is None
    assert plan(echoes())[0].pixels.max() == 255


def test_iq_data_make_the_picture_of_their_rf() -> None:
    rf = echoes()
    from_rf, from_iq = bmode(rf, scan=SCAN), bmode(demodulate(rf), scan=SCAN)
    assert np.array_equal(from_rf.pixels, from_iq.pixels)


def test_each_frame_carries_its_number_times_and_gaps() -> None:
    gaps = (
        Gap(first_sequence_number=5, n_frames=2),
        Gap(first_sequence_number=8, n_frames=1),
    )
    data = echoes(
        (1.0, 1.0),
        sequence_numbers=np.array([7, 9]),
        device_timestamps_s=np.array([0.5, 0.6]),
        gaps=gaps,
        device=DeviceInfo(manufacturer="m", model="d"),
    )
    first, second = BMode(data, scan=SCAN)(data)
    assert (first.sequence_number, second.sequence_number) == (7, 9)
    assert (first.device_timestamp_s, second.device_timestamp_s) == (0.5, 0.6)
    assert (first.provenance.gaps, second.provenance.gaps) == (gaps[:1], gaps[1:])
    assert first.provenance.device == data.device
    assert first.provenance.probe == "L"
    assert first.provenance.sequence == "3 × plane"
    processing = dict(first.provenance.processing)
    expected = ["demodulation", "beamforming", "dynamic range", "gain", "grey map"]
    assert list(processing) == expected
    assert "5e+06 Hz" in processing["demodulation"]
    assert processing["dynamic range"] == "60 dB"


def test_data_of_another_kind_are_refused() -> None:
    plan = BMode(echoes(), scan=SCAN)
    plan(echoes(probe=Probe.from_dict(PROBE.to_dict())))
    other_probe = replace(PROBE, lens_delay_s=1e-7)
    other_receive = replace(echoes().receive, sound_speed_m_s=1480.0)
    for changes in (
        {"probe": other_probe},
        {"sequence": plane_waves([-6, 0, 7])},
        {"receive": other_receive},
    ):
        with pytest.raises(ArgumentError, match="planned for another"):
            plan(echoes(**changes))
    iq = demodulate(echoes())
    faster = replace(iq, receive=replace(iq.receive, sampling_frequency_hz=2 * FS))
    with pytest.raises(ArgumentError, match="planned for another"):
        BMode(iq, scan=SCAN)(faster)


@pytest.mark.parametrize("iq", [False, True])
def test_samples_that_are_not_finite_are_refused(iq: bool) -> None:
    good = demodulate(echoes()) if iq else echoes()
    data = good.data.copy()
    data[0, 1, 2, 3] = np.nan
    with pytest.raises(ArgumentError, match="frame 0, transmit 1, element 2, sample 3"):
        bmode(replace(good, data=data), scan=SCAN)


@pytest.mark.parametrize(
    "options",
    [
        {"dynamic_range_db": 0.0},
        {"dynamic_range_db": float("nan")},
        {"gain_db": float("inf")},
        {"reference": -1.0},
        {"reference": 0.0},
        {"reference": float("nan")},
        {"f_number": -1.0},
        {"window": "unknown"},
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        BMode(echoes(), **({"scan": SCAN} | options))


def test_many_frames_need_a_plan() -> None:
    with pytest.raises(ArgumentError, match="2 frames"):
        bmode(echoes((1.0, 1.0)))


def test_the_envelope_is_the_magnitude() -> None:
    rng = np.random.default_rng(5)
    iq = (rng.standard_normal((7, 9)) + 1j * rng.standard_normal((7, 9))).astype(np.complex64)
    assert np.allclose(envelope(iq), np.abs(iq.astype(complex)), rtol=1e-6)
    assert np.allclose(envelope(iq.T), envelope(iq).T)


def test_log_compression_is_twenty_times_the_decimal_logarithm() -> None:
    image = np.geomspace(1e-4, 10, 60, dtype=np.float32).reshape(6, 10)
    assert np.allclose(log_compression(image), 20 * np.log10(image / 10), atol=1e-4)
    assert np.allclose(log_compression(image, reference=2.0), 20 * np.log10(image / 2), atol=1e-4)
    assert np.all(log_compression(np.zeros((2, 3), np.float32)) == -200)


@pytest.mark.parametrize("reference", [0.0, -1.0, float("inf"), float("nan")])
def test_a_reference_is_positive_and_finite(reference: float) -> None:
    with pytest.raises(ArgumentError, match="reference"):
        log_compression(np.ones((2, 2), np.float32), reference=reference)


@pytest.mark.parametrize("shape", [(5,), (0, 4), (2, 2, 2)])
def test_images_have_two_dimensions(shape: tuple[int, ...]) -> None:
    with pytest.raises(ArgumentError, match="two dimensions"):
        envelope(np.zeros(shape, np.complex64))
    with pytest.raises(ArgumentError, match="two dimensions"):
        log_compression(np.zeros(shape, np.float32))
