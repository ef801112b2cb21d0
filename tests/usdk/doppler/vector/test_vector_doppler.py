"""Speed and direction of simulated flow whose truth is known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

import usdk
from usdk.acquisition import Gap, ReceiveSettings
from usdk.beamform import Beamformer
from usdk.demodulation import demodulate
from usdk.doppler import Averaging, Interleaved
from usdk.doppler.clutter import MeanFilter
from usdk.doppler.vector import VectorDoppler, look_directions
from usdk.errors import ArgumentError
from usdk.probe import Probe
from usdk.sequences import plane_waves
from usdk.transmit import FocusedWave, TransmitSequence

OPTIONS = {
    "packet_size": 12,
    "averaging": Averaging(n_lines=7, n_samples=9),
    "clutter": None,  # there is no tissue
    "f_number": 2.0,
}


def uniform(speed, degrees):
    """Return a velocity that is the same everywhere; the angle is from +z towards +x."""
    angle = math.radians(degrees)
    vector = speed * np.array([math.sin(angle), math.cos(angle)])
    return vector, lambda x, z: np.multiply.outer(vector, np.ones_like(x))


@pytest.mark.parametrize("degrees", [0, 60, 135, -90])
def test_speed_and_direction_of_uniform_flow(flow, scan, degrees):
    truth, velocity = uniform(0.2, degrees)
    acquisition = flow(velocity, seed=degrees % 7)
    vectors = VectorDoppler(acquisition, scan, **OPTIONS)(acquisition)[0]
    error = (vectors.velocity_m_s - truth) / 0.2
    # Bias and rms of the parts, of the speed: the part along the array is the less sure one.
    assert np.abs(error.mean(axis=(0, 1)))[0] < 0.06
    assert np.abs(error.mean(axis=(0, 1)))[1] < 0.01
    assert error[..., 0].std() < 0.20
    assert error[..., 1].std() < 0.03
    turned = (vectors.direction_rad - math.radians(degrees) + np.pi) % (2 * np.pi) - np.pi
    assert abs(np.degrees(np.median(turned))) < 4
    assert np.degrees(turned).std() < 12
    assert vectors.confidence.min() > 0.9
    # What is predicted is of the size of what happens, or cautious: of flow along z all looks see
    # the same echoes change alike, and their errors cancel.
    for part in range(2):
        predicted = np.sqrt(vectors.covariance_m2_s2[..., part, part].mean()) / 0.2
        assert 0.1 < error[..., part].std() / predicted < 2.0


def test_a_wide_aperture_hears_aslant_and_is_allowed_for(flow, scan):
    truth, velocity = uniform(0.2, 0)
    acquisition = flow(velocity)
    vectors = VectorDoppler(acquisition, scan, **{**OPTIONS, "f_number": 1.0})(acquisition)[0]
    assert vectors.velocity_m_s[..., 1].mean() == pytest.approx(truth[1], rel=0.01)


SLOPE = math.radians(70)  # from +z: 20° against the array
ALONG = np.array([math.sin(SLOPE), math.cos(SLOPE)])


def vessel(x, z, radius=3e-3):
    """Return the speed at a point of a vessel through the middle."""
    across = -(x * ALONG[1]) + (z - 14e-3) * ALONG[0]
    return 0.25 * np.clip(1 - (across / radius) ** 2, 0, None)


def through(x, z, radius=3e-3):
    """Return its velocity, (2, n)."""
    return np.multiply.outer(ALONG, vessel(x, z, radius))


def test_a_parabolic_vessel_and_its_uncertainty(flow, scan):
    acquisition = flow(through, seed=2)
    vectors = VectorDoppler(acquisition, scan, **OPTIONS)(acquisition)[0]
    points_m = scan.points_m()
    truth = vessel(points_m[..., 0], points_m[..., 2])
    fast = truth > 0.12
    error = vectors.velocity_m_s - truth[..., np.newaxis] * ALONG
    assert np.abs(error[fast].mean(axis=0))[0] < 0.025
    assert np.abs(error[fast].mean(axis=0))[1] < 0.01
    assert error[fast].std(axis=0)[0] < 0.05
    assert error[fast].std(axis=0)[1] < 0.012
    angle = np.degrees(vectors.direction_rad[fast] - SLOPE)
    assert abs(np.median(angle)) < 3
    np.testing.assert_allclose(np.degrees(vectors.direction_std_rad[fast]).mean(), 7, atol=6)


def test_looks_that_all_are_aliased_are_unwrapped_by_their_neighbours(flow, scan):
    # A narrow vessel: most of what is seen is still, and says so.
    acquisition = flow(lambda x, z: through(x, z, 1.5e-3), prf_hz=1100.0, seed=2)
    points_m = scan.points_m()
    truth = vessel(points_m[..., 0], points_m[..., 2], 1.5e-3)[..., np.newaxis] * ALONG
    plain = VectorDoppler(acquisition, scan, **OPTIONS)
    along = np.einsum("lijk,ijk->lij", plain.directions, truth)
    is_aliased = (np.abs(along) > plain.slow_time.nyquist_m_s).any(axis=0)
    assert is_aliased.mean() > 0.1
    errors = [
        np.linalg.norm(one(acquisition)[0].velocity_m_s - truth, axis=-1)[is_aliased]
        for one in (plain, VectorDoppler(acquisition, scan, unwrap=True, **OPTIONS))
    ]
    assert np.median(errors[0]) > 0.15
    assert np.median(errors[1]) < 0.05
    assert (errors[1] < 0.15).mean() > 0.95


def test_what_is_added_to_an_aliased_look_is_a_turn_at_the_frequency_of_the_echoes(flow, scan):
    """The frequency given is 12 % too high, and makes no difference."""
    acquisition = flow(lambda x, z: through(x, z, 1.5e-3), prf_hz=1100.0, seed=2)
    points_m = scan.points_m()
    truth = vessel(points_m[..., 0], points_m[..., 2], 1.5e-3)[..., np.newaxis] * ALONG
    fast = np.linalg.norm(truth, axis=-1) > 0.18
    found = []
    for frequency_hz in (
        acquisition.transmit_frequency_hz,
        1.12 * acquisition.transmit_frequency_hz,
    ):
        plan = VectorDoppler(acquisition, scan, unwrap=True, frequency_hz=frequency_hz, **OPTIONS)
        # Axial velocities: what is added weighs most there.
        found.append(np.median(plan(acquisition)[0].velocity_m_s[fast, 1]))
    assert found[1] == pytest.approx(found[0], rel=0.02)


def test_aliased_looks_are_found_by_their_residuals(flow, scan):
    # Flow along the array at 2.4 times what the outer looks can tell without aliasing.
    truth, velocity = uniform(0.4, 75)
    acquisition = flow(velocity, prf_hz=1500.0, angles=(-15.0, -6.0, 5.0, 15.0))
    plain = VectorDoppler(acquisition, scan, **OPTIONS)
    assert np.abs(plain.directions @ truth).max() > plain.slow_time.nyquist_m_s
    aliased = plain(acquisition)[0]
    assert np.abs(aliased.velocity_m_s - truth).max(axis=-1).mean() > 0.15
    searched = VectorDoppler(acquisition, scan, greatest_wrap=1, expected_speed_m_s=0.5, **OPTIONS)(
        acquisition
    )[0]
    right = np.linalg.norm(searched.velocity_m_s - truth, axis=-1) < 0.15
    assert right.mean() > 0.9
    assert searched.n_wraps.any()
    assert np.nanmedian(searched.fit) > np.nanmedian(aliased.fit)


def test_two_receive_apertures_are_looks_of_one_transmit(flow, scan):
    truth, velocity = uniform(0.2, 50)
    acquisition = flow(velocity, angles=(0.0,))
    crossed = VectorDoppler(
        acquisition,
        scan,
        receive_apertures=[(0, 36), (60, 96)],
        **{**OPTIONS, "f_number": 0.0},
    )
    assert crossed.n_looks == 2
    assert 0.25 < crossed.crossing_angles_rad().mean() < 0.6
    vectors = crossed(acquisition)[0]
    mean = vectors.velocity_m_s.mean(axis=(0, 1))
    np.testing.assert_allclose(mean, truth, atol=0.02)
    assert np.isnan(vectors.fit).all()


def test_looks_of_one_aperture_half_the_angle_of_the_transmit(scan):
    probe = Probe.linear(
        "p", n_elements=96, pitch_m=2e-4, centre_frequency_hz=5e6, fractional_bandwidth=0.6
    )
    receive = ReceiveSettings(sampling_frequency_hz=25e6, n_samples=8, time_zero_s=(0.0, 0.0))
    narrow = Beamformer(probe, plane_waves((0, 20)), receive, scan, f_number=8.0)
    directions = look_directions(narrow)
    middle = directions[:, 10, 20]
    np.testing.assert_allclose(middle[0], [0, -1], atol=2e-3)
    sent = math.radians(20)
    expected = [-math.sin(sent) / 2, -(1 + math.cos(sent)) / 2]
    np.testing.assert_allclose(middle[1], expected, atol=2e-3)


def test_packets_follow_each_other_and_iq_is_taken_as_it_is(flow, scan):
    acquisition = flow(uniform(0.2, 60)[1], n_frames=8)
    options = {**OPTIONS, "packet_size": 4, "clutter": MeanFilter()}
    maps = VectorDoppler(acquisition, scan, **options)(acquisition)
    assert [one.sequence_number for one in maps] == [0, 1]
    assert dict(maps[0].provenance.processing)["clutter filter"] == "mean removal"
    iq = demodulate(acquisition)
    same = VectorDoppler(iq, scan, **options)(iq)
    np.testing.assert_array_equal(same[1].velocity_m_s, maps[1].velocity_m_s)


def test_packets_go_over_the_ends_of_acquisitions_and_not_over_gaps(flow, scan):
    acquisition = flow(uniform(0.2, 60)[1], n_frames=6)
    options = {**OPTIONS, "packet_size": 4}
    (whole,) = VectorDoppler(acquisition[:4], scan, **options)(acquisition[:4])
    plan = VectorDoppler(acquisition, scan, **options)
    empty_bytes = plan.n_bytes
    assert plan(acquisition[:3]) == []
    assert plan.n_bytes == empty_bytes + 2 * acquisition.data[:3].nbytes  # as IQ
    (joined,) = plan(acquisition[3:5])
    np.testing.assert_array_equal(joined.velocity_m_s, whole.velocity_m_s)
    plan.reset()
    assert plan.n_bytes == empty_bytes
    lost = replace(
        acquisition,
        sequence_numbers=np.array([0, 1, 5, 6, 7, 8]),
        gaps=(Gap(first_sequence_number=2, n_frames=3),),
    )
    (behind,) = plan(lost)
    plan.reset()
    (expected,) = plan(acquisition[2:])
    np.testing.assert_array_equal(behind.velocity_m_s, expected.velocity_m_s)
    assert behind.provenance.gaps == lost.gaps


def test_a_live_stream_hands_over_frames_one_by_one(flow, scan, tmp_path):
    acquisition = flow(uniform(0.2, 60)[1], n_frames=8)
    path = tmp_path / "flow.usdk"
    usdk.save_recording(path, acquisition)
    stream = usdk.Stream(f"file:{path}")
    plan = usdk.Planned(VectorDoppler, scan=scan, **{**OPTIONS, "packet_size": 4})
    branch = stream.to(plan, name="vectors", capacity=8, when_full="block")
    outlet = branch.outlet(name="display", capacity=8)
    with stream:
        maps = list(outlet)
    (_, expected) = VectorDoppler(acquisition, scan, **{**OPTIONS, "packet_size": 4})(acquisition)
    np.testing.assert_array_equal(maps[1].velocity_m_s, expected.velocity_m_s)


@pytest.mark.parametrize("order", ["interleaved", "packet"])
def test_packets_of_an_interleaved_sequence_are_taken_in_either_order(flow, scan, order):
    acquisition = flow(uniform(0.2, 60)[1], n_frames=6, angles=(-12.0, 12.0))
    # 3 kHz for each angle: beams that take turns share the rate of all transmits.
    prf_hz = 6000.0 if order == "interleaved" else 3000.0
    interleaved = Interleaved(
        colour=acquisition.sequence, packet_size=6, prf_hz=prf_hz, order=order
    )
    # The same pulses, as one frame of such a sequence.
    axes = (0, 1) if order == "interleaved" else (1, 0)
    pulses = np.moveaxis(acquisition.data, (0, 1), axes).reshape(1, 12, *acquisition.data.shape[2:])
    one = replace(
        acquisition,
        data=pulses,
        sequence=interleaved.sequence,
        receive=replace(acquisition.receive, time_zero_s=(0.0,) * 12),
        sequence_numbers=np.array([5]),
        device_timestamps_s=np.array([0.0]),
        host_timestamps_s=np.array([0.0]),
    )
    _, packets = interleaved.split(one)
    options = {**OPTIONS, "packet_size": 6}
    found = VectorDoppler(packets, scan, **options)(packets)
    expected = VectorDoppler(acquisition, scan, **options)(acquisition)
    assert len(found) == 1
    np.testing.assert_array_equal(found[0].velocity_m_s, expected[0].velocity_m_s)


def test_what_cannot_be_planned_is_refused(flow, scan):
    acquisition = flow(uniform(0.2, 60)[1], n_frames=2, angles=(0.0, 10.0))
    for options in (
        {"packet_size": 1},
        {"estimator": "best"},
        {"groups": (0, 0)},
        {"receive_apertures": [(0, 200)]},
        {"receive_apertures": [3]},
        {"prf_hz": -1},
    ):
        with pytest.raises(ArgumentError):
            VectorDoppler(acquisition, scan, **{"packet_size": 2, **options})
    bare = replace(acquisition, sequence=replace(acquisition.sequence, prf_hz=None))
    with pytest.raises(ArgumentError, match="PRF"):
        VectorDoppler(bare, scan, packet_size=2)
    focused = replace(
        acquisition,
        sequence=TransmitSequence(
            transmits=tuple(FocusedWave(focus_m=(x, 0, 2e-2)) for x in (0, 1e-3)), prf_hz=1e3
        ),
    )
    with pytest.raises(ArgumentError, match="plane or diverging"):
        VectorDoppler(focused, scan, packet_size=2, receive_apertures=[(0, 40), (50, 96)])
    plan = VectorDoppler(acquisition, scan, packet_size=2)
    with pytest.raises(ArgumentError, match="shape"):
        plan.vectors(np.zeros(3, np.complex64))
    with pytest.raises(ArgumentError, match="new VectorDoppler"):
        plan(focused)
