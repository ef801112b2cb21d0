from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import usdk
from usdk import view
from usdk.acquisition import Acquisition, Gap, ReceiveSettings
from usdk.doppler import ColourMMode
from usdk.doppler.clutter import PolynomialFilter
from usdk.doppler.colours import VelocityScale
from usdk.doppler.pulse_train import PulseTrain
from usdk.errors import ArgumentError
from usdk.probe import Probe
from usdk.scan import LineScan
from usdk.sequences import plane_waves
from usdk.transmit import PlaneWave, TransmitSequence

C, FS, FC, PRF = 1540.0, 20e6, 5e6, 4000.0
PROBE = Probe.linear(
    "L", n_elements=8, pitch_m=0.3e-3, centre_frequency_hz=FC, fractional_bandwidth=0.6
)
N_SAMPLES = 400
LINE = LineScan(start_m=(0, 6e-3), end_m=(0, 14e-3), n_samples=80, start_depth_m=6e-3)
PERIOD_S = 0.1
GREATEST = 0.15


def speed_m_s(time_s: Any) -> Any:
    """Flow that goes to and fro."""
    return GREATEST * np.sin(2 * np.pi * np.asarray(time_s) / PERIOD_S)


def flowing(n_pulses: int = 600, **changes: Any) -> Acquisition:
    """Blood between 8 and 12 mm that moves along the beam, and tissue that stands still."""
    random = np.random.default_rng(7)
    times_s = np.arange(n_pulses) / PRF
    come_m = GREATEST * PERIOD_S / (2 * np.pi) * (1 - np.cos(2 * np.pi * times_s / PERIOD_S))
    late_s = np.arange(N_SAMPLES) / FS
    data = np.zeros((n_pulses, 1, 8, N_SAMPLES), np.float32)
    x_m = PROBE.element_positions_m[:, 0]
    depths_m = random.uniform(5e-3, 15e-3, 150)
    for depth_m, amplitude in zip(depths_m, random.standard_normal(150), strict=True):
        z_m = depth_m - come_m
        is_blood = np.abs(z_m - 10e-3) < 2e-3
        way_m = z_m[:, None] + np.hypot(z_m[:, None], x_m)
        late = late_s - way_m[..., None] / C
        near = (np.abs(late) < 1e-6) & is_blood[:, None, None]
        pulse = np.exp(-((late[near] * 2.5e6) ** 2)) * np.cos(2 * np.pi * FC * late[near])
        data[:, 0][near] += (amplitude * pulse).astype(np.float32)
    for depth_m in (7e-3, 13e-3):
        late = late_s - (depth_m + np.hypot(depth_m, x_m))[:, None] / C
        data[:, 0] += 5 * np.exp(-((late * 2.5e6) ** 2)) * np.cos(2 * np.pi * FC * late)
    receive = ReceiveSettings(
        sampling_frequency_hz=FS, n_samples=N_SAMPLES, time_zero_s=(0.0,), sound_speed_m_s=C
    )
    entries: dict[str, Any] = {
        "data": np.rint(200 * data).astype(np.int16),
        "probe": PROBE,
        "sequence": plane_waves(prf_hz=PRF),
        "receive": receive,
        "device_timestamps_s": 2.0 + times_s,
    }
    return Acquisition(**(entries | changes))


@pytest.fixture(scope="module")
def recording() -> Acquisition:
    return flowing()


def planned(recording: Acquisition, **options: Any) -> ColourMMode:
    settings = {"packet_size": 8, "sweep_s": 0.15, "n_columns": 75, "threshold_db": 20.0}
    return ColourMMode(recording, LINE, **(settings | options))


def test_velocities_follow_the_flow_and_stand_beside_the_picture(recording: Acquisition) -> None:
    frame = planned(recording)(recording)
    assert frame.pixels.shape == (80, 75, 3)
    assert frame.overlay is not None
    depth_m = np.array([frame.depth_m(row) for row in range(80)])
    inside = np.abs(depth_m - 10e-3) < 1.3e-3
    shown_m_s = frame.overlay.velocity_m_s[inside]
    found_m_s = np.full(75, np.nan)
    some = np.isfinite(shown_m_s).any(axis=0)
    found_m_s[some] = np.nanmedian(shown_m_s[:, some], axis=0)
    truth_m_s = speed_m_s([frame.time_s(column) - 2.0 for column in range(75)])
    measured = frame.has_echoes & np.isfinite(found_m_s)
    # Slow flow is taken for tissue by the clutter filter.
    fast = measured & (np.abs(truth_m_s) > 0.08)
    assert fast.sum() > 30
    np.testing.assert_allclose(found_m_s[fast], truth_m_s[fast], atol=0.03)
    outside = np.abs(depth_m - 10e-3) > 2.6e-3
    assert np.isnan(frame.overlay.velocity_m_s[outside]).mean() > 0.98


def test_towards_the_probe_is_red_and_away_blue(recording: Acquisition) -> None:
    frame = planned(recording)(recording)
    assert frame.overlay is not None
    velocity_m_s = frame.overlay.velocity_m_s
    red, _, blue = frame.pixels.astype(int).transpose(2, 0, 1)
    assert np.all(red[velocity_m_s > 0.05] > blue[velocity_m_s > 0.05])
    assert np.all(red[velocity_m_s < -0.05] < blue[velocity_m_s < -0.05])
    is_grey = np.isnan(velocity_m_s)
    assert np.all(frame.pixels[is_grey] == frame.pixels[is_grey][:, :1])


def test_pulses_one_by_one_give_the_same_picture(recording: Acquisition) -> None:
    whole = planned(recording)(recording)
    mode = planned(recording)
    for n in range(recording.n_frames):
        mode.add(recording[n : n + 1])
    frame = mode.frame()
    assert frame.pixels.tobytes() == whole.pixels.tobytes()
    assert frame.start_s == whole.start_s


def test_transmits_that_are_alike_are_pulses(recording: Acquisition) -> None:
    several = Acquisition(
        data=recording.data.reshape(150, 4, 8, N_SAMPLES),
        probe=PROBE,
        sequence=TransmitSequence(transmits=(PlaneWave(),) * 4, prf_hz=PRF),
        receive=replace(recording.receive, time_zero_s=(0.0,) * 4),
        device_timestamps_s=recording.device_timestamps_s[::4],
    )
    frame, whole = planned(several)(several), planned(recording)(recording)
    assert frame.pixels.tobytes() == whole.pixels.tobytes()


def test_a_packet_with_a_lost_pulse_is_left_out(recording: Acquisition) -> None:
    kept = np.r_[0:300, 317:600]
    broken = replace(
        recording,
        data=recording.data[kept],
        sequence_numbers=kept,
        device_timestamps_s=recording.device_timestamps_s[kept],
        host_timestamps_s=np.empty(0),
        gaps=(Gap(first_sequence_number=300, n_frames=17),),
    )
    levels: dict[str, Any] = {"m_mode": {"reference": 2000.0}, "reference_power": 1e5}
    frame, whole = planned(broken, **levels)(broken), planned(recording, **levels)(recording)
    assert frame.overlay is not None
    assert whole.overlay is not None
    lost = whole.has_echoes & ~frame.has_echoes
    # Packets 37 to 39: pulses 296 to 319, 6 ms in columns of 2 ms.
    assert 2 <= lost.sum() <= 4
    assert not frame.pixels[:, lost].any()
    np.testing.assert_array_equal(frame.pixels[:, ~lost], whole.pixels[:, ~lost])


def test_baseline_and_angle_are_those_of_the_scale(recording: Acquisition) -> None:
    plain = planned(recording)(recording).overlay
    scale = VelocityScale(angle_rad=math.pi / 3, baseline_m_s=0.2)
    turned = planned(recording, scale=scale)(recording).overlay
    assert plain is not None
    assert turned is not None
    nyquist_m_s = C * PRF / (4 * FC)
    assert plain.scale == pytest.approx((-nyquist_m_s, nyquist_m_s))
    assert turned.scale == pytest.approx((0.2 - 2 * nyquist_m_s, 0.2 + 2 * nyquist_m_s))
    both = np.isfinite(plain.velocity_m_s)
    np.testing.assert_allclose(turned.velocity_m_s[both], 2 * plain.velocity_m_s[both], rtol=1e-5)


def test_another_clutter_filter_may_be_taken_and_is_told(recording: Acquisition) -> None:
    frame = planned(recording, clutter=PolynomialFilter(1))(recording)
    assert "olynomial" in dict(frame.provenance.processing)["clutter filter"]
    frame = planned(recording, clutter=None)(recording)
    assert dict(frame.provenance.processing)["clutter filter"] == "none"


def test_the_picture_has_its_colour_scale(recording: Acquisition, tmp_path: Path) -> None:
    frame = planned(recording)(recording)
    with Image.open(view.write_png(frame, tmp_path / "flow.png")) as image:
        pixels = np.asarray(image)
    assert pixels.shape[2] == 3
    assert pixels.shape[1] > 75 + 34


def test_a_picture_needs_a_packet(recording: Acquisition) -> None:
    mode = planned(recording)
    mode.add(recording[0:7])
    with pytest.raises(ArgumentError, match="no packet"):
        mode.frame()
    assert mode(recording[7:8]).has_echoes.sum() == 1
    mode.reset()
    assert mode(recording[0:7]) is None


def test_a_live_stream_makes_pictures_at_the_rate_asked_for(
    recording: Acquisition, tmp_path: Path
) -> None:
    path = tmp_path / "flow.usdk"
    usdk.save_recording(path, recording)
    stream = usdk.Stream(f"file:{path}")
    plan = usdk.Planned(ColourMMode, line=LINE, packet_size=8, sweep_s=0.15, picture_rate_hz=20)
    branch = stream.to(plan, name="colour", capacity=600, when_full="block")
    outlet = branch.outlet(name="display", capacity=600)
    with stream:
        pictures = list(outlet)
    # From the first packet on, one every 4000 / 20 pulses.
    assert len(pictures) == 1 + (600 - 8) // 200
    assert np.isfinite(pictures[-1].overlay.velocity_m_s).any()


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"packet_size": 1}, "packet_size"),
        ({"colours": "power"}, "does not"),
        ({"n_samples": 4}, "odd"),
        ({"prf_hz": 0}, "prf_hz"),
    ],
)
def test_options_out_of_range_are_refused(recording: Acquisition, options: Any, match: str) -> None:
    with pytest.raises(ArgumentError, match=match):
        planned(recording, **options)


def test_several_angles_are_one_pulse_a_frame() -> None:
    sequence = plane_waves((-5, 0, 5), prf_hz=9000.0)
    receive = ReceiveSettings(sampling_frequency_hz=FS, n_samples=8, time_zero_s=(0.0,) * 3)
    data = np.zeros((1, 3, 8, 8), np.int16)
    train = PulseTrain.of(Acquisition(data=data, probe=PROBE, sequence=sequence, receive=receive))
    assert (train.n_pulses_per_frame, train.prf_hz) == (1, 3000.0)
    assert train.transmit_rate_hz == 9000.0


def test_memory_does_not_grow_with_the_pulses(recording: Acquisition) -> None:
    plan = planned(recording)
    held = plan.n_bytes
    # Sums of power and correlation, and of greys, of every column.
    assert held > (3 + 1) * 75 * LINE.n_samples * 4
    plan.add(recording)
    assert plan.n_bytes == held


def test_pulses_beamformed_elsewhere_give_the_same_picture(recording: Acquisition) -> None:
    plans = [ColourMMode(recording, LINE, packet_size=12, sweep_s=0.15) for _ in range(2)]
    whole = plans[0](recording)
    beamformed = usdk.demodulate(recording)
    beamformer = usdk.Beamformer.for_acquisition(beamformed, LINE)
    for number, data in enumerate(beamformed.data):
        time_s = float(recording.device_timestamps_s[number])
        plans[1].add_line(beamformer(data), time_s=time_s, sequence_number=number)
    assert whole is not None
    lines = plans[1].frame()
    np.testing.assert_array_equal(lines.pixels, whole.pixels)
    assert lines.overlay is not None
    assert whole.overlay is not None
    np.testing.assert_array_equal(lines.overlay.velocity_m_s, whole.overlay.velocity_m_s)


@pytest.mark.parametrize(
    ("samples", "number", "time_s"),
    [
        (np.zeros(79, np.complex64), 0, 0.0),
        (np.zeros(80, np.float32), 0, 0.0),
        (np.full(80, np.nan, np.complex64), 0, 0.0),
        (np.zeros(80, np.complex64), -1, 0.0),
        (np.zeros(80, np.complex64), 0, math.nan),
        (None, 0, 0.0),
    ],
)
def test_a_line_that_is_none_is_refused(
    recording: Acquisition, samples: Any, number: int, time_s: float
) -> None:
    plan = ColourMMode(recording, LINE)
    with pytest.raises(ArgumentError):
        plan.add_line(samples, time_s=time_s, sequence_number=number)
