from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from usdk.acquisition import Acquisition, Gap, ReceiveSettings
from usdk.beamform import Beamformer
from usdk.demodulation import demodulate
from usdk.doppler.spectral import Gate, SampleVolume
from usdk.errors import ArgumentError
from usdk.probe import Probe
from usdk.sequences import plane_waves
from usdk.transmit import FocusedWave, PlaneWave, TransmitSequence

C, FS, FC, PRF = 1540.0, 25e6, 5e6, 5000.0
PROBE = Probe.linear(
    "L", n_elements=8, pitch_m=0.3e-3, centre_frequency_hz=FC, fractional_bandwidth=0.6
)
RECEIVE = ReceiveSettings(sampling_frequency_hz=FS, n_samples=700, time_zero_s=(0.0,))
VOLUME = SampleVolume(centre_m=(0.5e-3, 12e-3), length_m=1.5e-3, beam_rad=0.1)


def noise(n_frames: int = 5, dtype: Any = np.int16, **changes: Any) -> Acquisition:
    sequence = changes.pop("sequence", plane_waves(prf_hz=PRF))
    receive = replace(RECEIVE, time_zero_s=(0.0,) * len(sequence))
    random = np.random.default_rng(3)
    data = random.integers(-2000, 2000, (n_frames, len(sequence), 8, 700))
    return Acquisition(
        data=data.astype(dtype), probe=PROBE, sequence=sequence, receive=receive, **changes
    )


def moving(velocity_m_s: float, n_pulses: int, **changes: Any) -> Acquisition:
    """A point on the axis that moves towards the probe with this velocity, a frame each pulse."""
    sequence = plane_waves(prf_hz=PRF)
    sample_s = np.arange(700) / FS
    data = np.empty((n_pulses, 1, 8, 700), np.float32)
    for n, frame in enumerate(data):
        point_m = np.array([0.0, 0.0, 12e-3 - velocity_m_s * n / PRF])
        way_m = point_m[2] + np.linalg.norm(PROBE.element_positions_m - point_m, axis=1)
        late_s = sample_s - way_m[:, None] / C
        frame[0] = np.exp(-((late_s * 2.5e6) ** 2)) * np.cos(2 * np.pi * FC * late_s)
    entries = {"data": data, "probe": PROBE, "sequence": sequence, "receive": RECEIVE}
    return Acquisition(**(entries | changes))


def chain(acquisition: Acquisition, gate: Gate, volume: SampleVolume, **options: Any) -> Any:
    """Demodulator, Beamformer, and the sum along the gate without the carrier."""
    iq = acquisition if acquisition.is_iq else demodulate(acquisition)
    line = volume.line(gate.n_points)
    beamformer = Beamformer.for_acquisition(iq, line, **options)
    points_m = line.points_m()
    aligned = beamformer.aligned(iq.data[0])
    there_s = np.mean(
        [t.arrival_time_s(points_m, PROBE, C) for t in acquisition.sequence.transmits], axis=0
    )
    back_m = np.linalg.norm(points_m[:, None] - PROBE.element_positions_m, axis=-1)
    echo_s = there_s + np.average(back_m, axis=1, weights=aligned.apodization) / C
    turns = gate.slow_time.frequency_hz * (echo_s - echo_s[gate.n_points // 2])
    weights = volume.weights(gate.n_points) * np.exp(-2j * np.pi * turns)
    return np.stack([weights @ beamformer(frame) for frame in iq.data], axis=1)


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
@pytest.mark.parametrize("n_looks", [1, 3])
def test_the_signal_is_that_of_demodulator_beamformer_and_a_sum_along_the_gate(
    dtype: Any, n_looks: int
) -> None:
    acquisition = noise(dtype=dtype)
    volume = replace(VOLUME, n_looks=n_looks)
    gate = Gate(acquisition, volume)
    (signal,) = gate(acquisition)
    expected = chain(acquisition, gate, volume)
    assert signal.samples.shape == (n_looks, 5)
    np.testing.assert_allclose(signal.samples, expected, atol=1e-5 * np.abs(expected).max(), rtol=0)


def test_the_signal_of_iq_is_that_of_the_chain() -> None:
    acquisition = demodulate(noise())
    gate = Gate(acquisition, VOLUME, f_number=1.5, interpolation="cubic")
    expected = chain(acquisition, gate, VOLUME, f_number=1.5, interpolation="cubic")
    np.testing.assert_allclose(
        gate(acquisition)[0].samples, expected, atol=1e-5 * np.abs(expected).max(), rtol=0
    )


def test_several_angles_are_summed_to_one_pulse_a_frame() -> None:
    acquisition = noise(sequence=plane_waves((-6, 0, 6), prf_hz=9000.0))
    gate = Gate(acquisition, VOLUME)
    assert gate.slow_time.prf_hz == 3000.0
    expected = chain(acquisition, gate, VOLUME)
    np.testing.assert_allclose(
        gate(acquisition)[0].samples, expected, atol=1e-5 * np.abs(expected).max(), rtol=0
    )


def test_transmits_that_are_alike_are_a_pulse_each() -> None:
    waves = TransmitSequence(transmits=(PlaneWave(),) * 4, prf_hz=PRF)
    acquisition = noise(n_frames=3, sequence=waves)
    gate = Gate(acquisition, VOLUME)
    single = replace(
        acquisition,
        data=acquisition.data.reshape(12, 1, 8, 700),
        sequence=plane_waves(prf_hz=PRF),
        receive=RECEIVE,
        sequence_numbers=np.arange(12),
        device_timestamps_s=np.empty(0),
        host_timestamps_s=np.empty(0),
    )
    assert gate.slow_time.prf_hz == PRF
    (signal,) = gate(acquisition)
    assert signal.samples.tobytes() == Gate(single, VOLUME)(single)[0].samples.tobytes()


def test_samples_far_from_the_gate_are_not_read() -> None:
    acquisition = noise(dtype=np.float32)
    gate = Gate(acquisition, VOLUME)
    (before,) = gate(acquisition)
    acquisition.data[..., :150] = np.nan
    acquisition.data[..., 600:] = np.nan
    assert gate(acquisition)[0].samples.tobytes() == before.samples.tobytes()


def test_phase_grows_as_the_echo_comes_nearer() -> None:
    velocity_m_s = 0.12
    acquisition = moving(velocity_m_s, 12)
    gate = Gate(acquisition, replace(VOLUME, centre_m=(0.0, 12e-3), beam_rad=0.0))
    x = gate(acquisition)[0].samples[0]
    phase = np.angle(np.vdot(x[:-1], x[1:]))
    # The mean frequency of the gated echo is within a few percent of the carrier.
    assert gate.slow_time.velocity_m_s(phase) == pytest.approx(velocity_m_s, rel=0.03)


def test_a_long_gate_does_not_cancel_itself() -> None:
    acquisition = moving(0.0, 1)
    levels = []
    for length_m in (0.5e-3, 4e-3):
        volume = SampleVolume(centre_m=(0, 12e-3), length_m=length_m, window="boxcar")
        x = Gate(acquisition, volume)(acquisition)[0].samples
        levels.append(float(np.abs(x[0, 0])) * length_m)
    # The sum of one echo over the gate; the short one cuts it.
    assert levels[1] > levels[0]


def test_the_gate_hears_its_own_depth() -> None:
    acquisition = moving(0.0, 1)
    heard = [
        float(
            np.abs(
                Gate(acquisition, replace(VOLUME, centre_m=(0, z)))(acquisition)[0].samples[0, 0]
            )
        )
        for z in (9e-3, 12e-3, 15e-3)
    ]
    assert heard[1] > 100 * max(heard[0], heard[2])


def test_lost_frames_cut_the_signal() -> None:
    whole = noise(n_frames=6)
    numbers = np.array([3, 4, 7, 8, 9, 12])
    gaps = (Gap(first_sequence_number=5, n_frames=2), Gap(first_sequence_number=10, n_frames=2))
    acquisition = replace(
        whole,
        sequence_numbers=numbers,
        gaps=gaps,
        device_timestamps_s=10 + numbers / PRF,
    )
    signals = Gate(whole, VOLUME)(acquisition)
    assert [(s.first_pulse, s.n_pulses) for s in signals] == [(3, 2), (7, 3), (12, 1)]
    assert [s.start_s for s in signals] == pytest.approx((10 + np.array([3, 7, 12]) / PRF).tolist())


def test_read_only_data_give_the_same_signal() -> None:
    acquisition = noise()
    gate = Gate(acquisition, VOLUME)
    data = acquisition.data.copy()
    data.flags.writeable = False
    again = gate(replace(acquisition, data=data))[0]
    assert again.samples.tobytes() == gate(acquisition)[0].samples.tobytes()


def test_high_prf_hears_the_depth_behind_the_next_pulse() -> None:
    # At this PRF 8.6 mm are heard before the next pulse is sent.
    prf_hz = 90e3
    acquisition = moving(0.0, 1, sequence=plane_waves(prf_hz=prf_hz))
    volume = replace(VOLUME, centre_m=(0.0, 12e-3), beam_rad=0.0)
    with pytest.raises(ArgumentError, match="high_prf=True"):
        Gate(acquisition, volume)
    gate = Gate(acquisition, volume, high_prf=True)
    assert gate.n_pulses_behind == math.floor(12e-3 / (C / 2 / prf_hz)) == 1
    # The record after the next pulse begins one interval later: what it holds is as much nearer.
    late = replace(acquisition, data=np.roll(acquisition.data, -round(FS / prf_hz), axis=-1))
    ordinary = Gate(replace(acquisition, sequence=plane_waves(prf_hz=PRF)), volume)
    expected = ordinary(replace(acquisition, sequence=plane_waves(prf_hz=PRF)))[0].samples
    heard = gate(late)[0].samples
    # 90 kHz is not a whole number of samples: the echo is read a quarter of one beside it.
    assert np.abs(heard) == pytest.approx(np.abs(expected), rel=0.02)


@pytest.mark.parametrize(
    ("volume", "match"),
    [
        (replace(VOLUME, centre_m=(0.0, 30e-3)), "does not lie within the records"),
        (replace(VOLUME, centre_m=(0.0, 0.1e-3)), "on the probe's face"),
        (replace(VOLUME, centre_m=(9e-3, 12e-3)), "no element receives"),
    ],
)
def test_a_gate_that_cannot_be_heard_is_refused(volume: SampleVolume, match: str) -> None:
    with pytest.raises(ArgumentError, match=match):
        Gate(noise(), volume)


def test_a_sequence_without_prf_needs_one() -> None:
    acquisition = noise(sequence=plane_waves())
    with pytest.raises(ArgumentError, match="prf_hz"):
        Gate(acquisition, VOLUME)
    assert Gate(acquisition, VOLUME, prf_hz=4000).slow_time.prf_hz == 4000


def test_data_of_another_kind_are_refused() -> None:
    gate = Gate(noise(), VOLUME)
    with pytest.raises(ArgumentError, match="planned for another"):
        gate(noise(dtype=np.float32))
    focused = TransmitSequence(transmits=(FocusedWave(focus_m=(0, 0, 12e-3)),), prf_hz=PRF)
    with pytest.raises(ArgumentError, match="planned for another"):
        gate(noise(sequence=focused))


def test_samples_that_are_nan_near_the_gate_are_named_by_frame() -> None:
    acquisition = noise(dtype=np.float32)
    acquisition.data[3, 0, 4, 390] = np.nan
    with pytest.raises(ArgumentError, match="frame 3"):
        Gate(acquisition, VOLUME)(acquisition)


def test_compounding_that_is_no_coherent_sum_is_refused() -> None:
    with pytest.raises(ArgumentError, match="coherent sum"):
        Gate(noise(), VOLUME, compounding="none")
