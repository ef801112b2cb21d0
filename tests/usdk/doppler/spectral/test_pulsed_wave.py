from __future__ import annotations

import math
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import usdk
from usdk.acquisition import Acquisition, Gap, ReceiveSettings
from usdk.doppler.spectral import PulsedWaveDoppler, SampleVolume
from usdk.errors import ArgumentError
from usdk.probe import Probe
from usdk.sequences import plane_waves

C, FS, FC, PRF = 1540.0, 20e6, 5e6, 4000.0
PROBE = Probe.linear(
    "L", n_elements=8, pitch_m=0.3e-3, centre_frequency_hz=FC, fractional_bandwidth=0.6
)
N_SAMPLES = 400
VOLUME = SampleVolume(centre_m=(0.0, 10e-3), length_m=1.5e-3)
VELOCITY = 0.1


def flowing(n_pulses: int = 800, velocity_m_s: float = VELOCITY, **changes: Any) -> Acquisition:
    """Scatterers in a row that stream towards the probe, beside a strong one that stands still."""
    random = np.random.default_rng(7)
    depths_m = 10e-3 + np.arange(-20, 120) * 0.25e-3
    amplitudes = random.standard_normal(depths_m.size)
    times_s = np.arange(n_pulses) / PRF
    late_s = np.arange(N_SAMPLES) / FS
    data = np.zeros((n_pulses, 1, 8, N_SAMPLES), np.float32)
    x_m = PROBE.element_positions_m[:, 0]
    for depth_m, amplitude in [*zip(depths_m, amplitudes, strict=True), (10.1e-3, 100.0)]:
        z_m = depth_m - (0.0 if amplitude == 100.0 else 1.0) * velocity_m_s * times_s
        way_m = z_m[:, None] + np.hypot(z_m[:, None], x_m)
        late = late_s - way_m[..., None] / C
        near = np.abs(late) < 1e-6
        pulse = np.exp(-((late[near] * 2.5e6) ** 2)) * np.cos(2 * np.pi * FC * late[near])
        data[:, 0][near] += (amplitude * pulse).astype(np.float32)
    return Acquisition(
        **(
            {
                "data": np.rint(data * 20).astype(np.int16),
                "probe": PROBE,
                "sequence": plane_waves(prf_hz=PRF),
                "receive": ReceiveSettings(
                    sampling_frequency_hz=FS, n_samples=N_SAMPLES, time_zero_s=(0.0,)
                ),
                "device_timestamps_s": 5.0 + times_s,
            }
            | changes
        )
    )


@pytest.fixture(scope="module")
def recording() -> Acquisition:
    return flowing()


def doppler(acquisition: Acquisition, volume: SampleVolume = VOLUME, **options: Any) -> Any:
    return PulsedWaveDoppler(
        acquisition, volume, **({"sweep_s": 0.2, "n_columns": 50, "wall_m_s": 0.03} | options)
    )


@pytest.mark.parametrize("angle_deg", [0, 60])
def test_channel_data_become_a_calibrated_picture(recording: Acquisition, angle_deg: int) -> None:
    frame = doppler(recording, replace(VOLUME, angle_rad=math.radians(angle_deg)))(recording)
    expected_m_s = VELOCITY / math.cos(math.radians(angle_deg))
    mean = frame.pixels[:, frame.has_signal][:, 5:].mean(axis=1)
    assert frame.velocity_m_s(int(mean.argmax())) == pytest.approx(expected_m_s, rel=0.06)
    # Times are those of the device's clock.
    assert frame.time_s(49) == pytest.approx(5.2, abs=0.03)
    assert frame.provenance is not None
    told = dict(frame.provenance.processing)
    assert "Butterworth" in told["wall filter"]
    assert told["spectral estimator"].startswith("periodogram of 128 pulses")
    assert "gate of" in told["gate"]


def test_the_wall_filter_may_be_left_out(recording: Acquisition) -> None:
    frame = doppler(recording, wall_m_s=0)(recording)
    mean = frame.pixels[:, frame.has_signal].mean(axis=1)
    assert abs(frame.velocity_m_s(int(mean.argmax()))) < 0.01


def test_live_frames_and_recordings_give_the_same_picture(
    recording: Acquisition, tmp_path: Path
) -> None:
    at_once = doppler(recording)(recording)
    one_by_one = doppler(recording)
    for n in range(recording.n_frames):
        one_by_one.add(recording[n : n + 1])
    assert one_by_one.frame().pixels.tobytes() == at_once.pixels.tobytes()
    path = tmp_path / "flow.usdk"
    usdk.save_recording(path, recording)
    with usdk.open_front_end(f"file:{path}") as front_end:
        front_end.configure()
        streamed = doppler(recording)
        for acquisition in front_end.stream():
            streamed.add(acquisition)
    frame = streamed.frame()
    assert frame.pixels.tobytes() == at_once.pixels.tobytes()
    assert frame.start_s == at_once.start_s


def test_a_live_stream_makes_pictures_at_the_rate_asked_for(
    recording: Acquisition, tmp_path: Path
) -> None:
    """Pulse by pulse, as a device sends them; the first windows are not whole yet."""
    path = tmp_path / "flow.usdk"
    usdk.save_recording(path, recording)
    stream = usdk.Stream(f"file:{path}")
    plan = usdk.Planned(
        PulsedWaveDoppler,
        sample_volume=VOLUME,
        picture_rate_hz=20,
        sweep_s=0.2,
        n_columns=50,
        wall_m_s=0.03,
    )
    branch = stream.to(plan, name="spectral", capacity=800, when_full="block")
    outlet = branch.outlet(name="display", capacity=800)
    with stream:
        pictures = list(outlet)
    # From the first window of 128 pulses on, one every 4000 / 20 pulses.
    assert len(pictures) == 1 + (800 - 128) // 200
    whole = doppler(recording)
    for begin, stop in ((0, 128), (128, 328), (328, 528), (528, 728)):
        picture = whole(recording[begin:stop])
    assert pictures[-1].pixels.tobytes() == picture.pixels.tobytes()


def test_a_call_without_a_whole_window_returns_nothing(recording: Acquisition) -> None:
    planned = doppler(recording)
    assert planned(recording[:127]) is None
    assert planned(recording[127:128]) is not None


def test_gaps_are_holes_in_the_picture_and_told(recording: Acquisition) -> None:
    kept = np.r_[0:300, 420:800]
    gap = Gap(first_sequence_number=300, n_frames=120)
    broken = replace(
        recording,
        data=recording.data[kept],
        sequence_numbers=kept,
        device_timestamps_s=recording.device_timestamps_s[kept],
        host_timestamps_s=np.empty(0),
        gaps=(gap,),
    )
    planned = doppler(recording)
    spectra = planned.add(broken)
    touches = (spectra.first_pulse < 420) & (spectra.first_pulse + 128 > 300)
    assert not touches.any()
    frame = planned.frame()
    middle = frame.has_signal[10:-5]
    assert not middle.all()
    assert middle.any()
    assert frame.provenance.gaps == (gap,)
    # What is left is as clean as the whole: the spectra on both sides of the hole agree.
    mean_m_s = (spectra.power @ spectra.velocity_m_s) / spectra.power.sum(axis=1)
    np.testing.assert_allclose(mean_m_s, VELOCITY, rtol=0.15)


def test_every_estimator_and_several_looks(recording: Acquisition) -> None:
    for estimator in ("welch", "capon", "blood APES"):
        volume = replace(VOLUME, n_looks=2)
        planned = doppler(recording, volume, estimator=estimator, n_window=64, overlap=0.0)
        spectra = planned.add(recording)
        peak = spectra.velocity_m_s[spectra.power.mean(axis=0).argmax()]
        assert peak == pytest.approx(VELOCITY, rel=0.08)


def test_iq_gives_the_same_velocities(recording: Acquisition) -> None:
    iq = usdk.demodulate(recording)
    frame = doppler(iq)(iq)
    other = doppler(recording)(recording)
    difference = frame.pixels.astype(int) - other.pixels.astype(int)
    # float32 sums round: echoes of the wall are 100 times those of blood.
    assert np.abs(difference).mean() < 0.5


def test_reset_begins_a_new_picture(recording: Acquisition) -> None:
    planned = doppler(recording)
    first = planned(recording)
    planned.reset()
    with pytest.raises(ArgumentError, match="no spectrum"):
        planned.frame()
    assert planned(recording).pixels.tobytes() == first.pixels.tobytes()


def test_memory_is_bounded(recording: Acquisition) -> None:
    planned = doppler(recording)
    for begin in range(0, 800, 50):
        planned.add(recording[begin : begin + 50])
    blocks = [
        replace(
            recording[0:100],
            sequence_numbers=np.arange(begin, begin + 100),
            device_timestamps_s=5 + np.arange(begin, begin + 100) / PRF,
        )
        for begin in range(800, 8000, 100)
    ]
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for block in blocks:
            planned.add(block)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 50_000
    assert 50 * 256 * 4 < planned.n_bytes < 50 * 256 * 4 + 50_000


def test_wall_filter_and_wall_velocity_exclude_each_other(recording: Acquisition) -> None:
    from usdk.doppler.clutter import IirFilter

    with pytest.raises(ArgumentError, match="not both"):
        doppler(recording, wall_filter=IirFilter(0.05))
    with pytest.raises(ArgumentError, match="Nyquist"):
        doppler(recording, wall_m_s=10.0)
