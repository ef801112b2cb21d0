from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import hilbert, resample

from usdk.acquisition import Acquisition
from usdk.errors import ArgumentError
from usdk.front_end import ReceiveRequest
from usdk.probe import Probe
from usdk.sequences import focused_lines, plane_waves
from usdk.transmit import FocusedWave, PlaneWave, SingleElement, Transmit, TransmitSequence
from usdk_drivers.sequence_mapping import settings_for
from usdk_drivers.simulator import (
    PROBES,
    EchoEngine,
    SceneName,
    SimulatedFrontEnd,
    lesions_of,
    make_scene,
    simulated_probe,
)
from usdk_drivers.simulator.engine import RefusedError
from usdk_drivers.simulator.scenes import Scatterers, Scene

C_M_S = 1540.0
TARGET_M = np.array([4e-3, 0.0, 25e-3])
UPSAMPLING = 32
HALF = 64
# Echoes weaker than this, in least significant bits, are rounded too coarsely to be timed.
STRONG = 200


def lone(position_m: NDArray[np.float64], peak_amplitude: float = 1.0) -> Scene:
    """Return a scene of one scatterer; a small ``peak_amplitude`` turns up the gain."""
    one = Scatterers(position_m[np.newaxis].astype(np.float32), np.ones(1, np.float32))
    none = Scatterers(np.empty((0, 3), np.float32), np.empty(0, np.float32))
    return Scene(still=one, moving=lambda phase: none, moves=False, peak_amplitude=peak_amplitude)


def heard(
    probe: Probe, wave: Transmit, target_m: NDArray[np.float64], peak_amplitude: float = 1.0
) -> Acquisition:
    engine = EchoEngine(probe, lone(target_m, peak_amplitude), noise_db=-math.inf)
    with SimulatedFrontEnd(engine) as front_end:
        front_end.configure(TransmitSequence(transmits=(wave,)), depth_m=0.035)
        return front_end.read()


def echo_times_s(acquisition: Acquisition) -> NDArray[np.float64]:
    """Return when the envelope of each element's echo peaks, on the transmit's clock."""
    # Cut out about each echo, which resampling would else wrap round the record's ends.
    rf = np.pad(acquisition.data[0, 0].astype(float), ((0, 0), (HALF, HALF)))
    centre = np.abs(rf).argmax(axis=1)
    cut = rf[np.arange(len(rf))[:, np.newaxis], centre[:, np.newaxis] + np.arange(-HALF, HALF)]
    envelope = np.abs(hilbert(resample(cut, 2 * HALF * UPSAMPLING, axis=1), axis=1))
    peak = centre - 2 * HALF + envelope.argmax(axis=1) / UPSAMPLING
    receive = acquisition.receive
    return receive.time_zero_s[0] + peak / receive.sampling_frequency_hz


@pytest.mark.parametrize("name", PROBES)
def test_an_echo_comes_when_the_path_says_to_a_tenth_of_a_sample(name: str) -> None:
    probe = simulated_probe(name)
    element = probe.n_elements // 3
    # One element is weak against the focus for which gain is set.
    acquisition = heard(probe, SingleElement(element=element), TARGET_M, 1 / probe.n_elements)
    path_m = np.linalg.norm(probe.element_positions_m - TARGET_M, axis=1)
    expected_s = (path_m[element] + path_m) / C_M_S
    error = (echo_times_s(acquisition) - expected_s) * acquisition.receive.sampling_frequency_hz
    strong = np.abs(acquisition.data[0, 0].astype(int)).max(axis=1) > STRONG
    assert np.count_nonzero(strong) > probe.n_elements // 2
    assert np.abs(error[strong]).max() < 0.1


@pytest.mark.parametrize("name", PROBES)
def test_a_focus_is_reached_by_all_elements_at_once(name: str) -> None:
    probe = simulated_probe(name)
    wave = FocusedWave(focus_m=tuple(TARGET_M.tolist()))
    acquisition = heard(probe, wave, TARGET_M)
    arrival_s = wave.arrival_time_s(TARGET_M, probe, C_M_S)
    path_m = np.linalg.norm(probe.element_positions_m - TARGET_M, axis=1)
    error_s = echo_times_s(acquisition) - (arrival_s + path_m / C_M_S)
    strong = np.abs(acquisition.data[0, 0].astype(int)).max(axis=1) > STRONG
    assert np.count_nonzero(strong) > probe.n_elements // 2
    assert np.abs(error_s[strong]).max() * acquisition.receive.sampling_frequency_hz < 0.1


def test_the_echo_follows_the_delays_that_were_uploaded_not_the_wave_that_was_named() -> None:
    probe = simulated_probe("phased-p4-2v")
    sequence = TransmitSequence(transmits=(FocusedWave(focus_m=tuple(TARGET_M.tolist())),))
    request = settings_for(
        sequence,
        ReceiveRequest(depth_m=0.035),
        probe,
        EchoEngine(probe, lone(TARGET_M)).description.capabilities,
        1,
    )
    wrong = {**request.__dict__, "delays_s": request.delays_s[:, ::-1].copy()}
    peaks = []
    for settings in (request, type(request)(**wrong)):
        engine = EchoEngine(probe, lone(TARGET_M), noise_db=-math.inf)
        engine.configure(settings)
        peaks.append(int(np.abs(engine.frame(0)).max()))
    assert peaks[1] < 0.5 * peaks[0]


def test_the_record_holds_the_deepest_echo_at_the_edge() -> None:
    probe = simulated_probe("linear-l11-5v")
    edge_m = probe.element_positions_m[-1] + [0.0, 0.0, 0.035]
    acquisition = heard(probe, PlaneWave(azimuth_rad=math.radians(15)), edge_m)
    first = echo_times_s(acquisition)[0]
    wave = PlaneWave(azimuth_rad=math.radians(15))
    path_m = np.linalg.norm(probe.element_positions_m[0] - edge_m)
    expected_s = wave.arrival_time_s(edge_m, probe, C_M_S) + path_m / C_M_S
    # An unfocused wave's peak is not exactly its front's time: a period is near enough.
    assert first == pytest.approx(expected_s, abs=1 / probe.centre_frequency_hz)
    quiet = np.abs(acquisition.data[0, 0, 0, -2:]).max() / np.abs(acquisition.data).max()
    assert quiet < 0.01


@pytest.mark.parametrize("name", PROBES)
@pytest.mark.parametrize("scene", SceneName)
def test_no_default_scene_clips_not_even_in_focus(name: str, scene: SceneName) -> None:
    probe = simulated_probe(name)
    focus_m, depth_m = (0.0, 0.0, 10 * probe.pitch_m * 128 / 56), 0.02
    if scene is SceneName.LESIONS:
        strongest = lesions_of(probe)[-1]
        focus_m, depth_m = (strongest.x_m, 0.0, strongest.z_m), 1.2 * strongest.z_m
    with SimulatedFrontEnd.open(f"{name}?scene={scene}") as front_end:
        waves = (PlaneWave(), FocusedWave(focus_m=focus_m))
        front_end.configure(TransmitSequence(transmits=waves), depth_m=depth_m)
        greatest = int(np.abs(front_end.read().data.astype(np.int32)).max())
    assert 500 < greatest < 32_000


def test_the_same_seed_gives_the_same_frames_and_another_does_not() -> None:
    def cine(seed: int) -> NDArray[np.int16]:
        with SimulatedFrontEnd.open(f"phased-p4-2v?seed={seed}&frames=4") as front_end:
            front_end.configure(plane_waves(), depth_m=0.02)
            return front_end.read(6).data

    first = cine(1)
    assert np.array_equal(first, cine(1))
    assert not np.array_equal(first, cine(2))
    # The motion repeats after four frames, and moves within them.
    assert np.array_equal(first[:2], first[4:])
    assert not np.array_equal(first[0], first[1])


def falling(asked_s: list[float]) -> Scene:
    """Return a scene of one scatterer that goes down at 1 m/s, and tells when it was asked for."""
    none = Scatterers(np.empty((0, 3), np.float32), np.empty(0, np.float32))

    def at(time_s: float, repeat_s: float = math.inf) -> Scatterers:
        asked_s.append(time_s)
        place_m = np.array([[0.0, 0.0, 10e-3 + 1.0 * time_s]], np.float32)
        return Scatterers(place_m, np.ones(1, np.float32))

    return Scene(
        still=none, moving=lambda phase: none, moves=True, peak_amplitude=1 / 64, flowing=at
    )


def test_each_transmit_hears_what_flows_at_its_own_time() -> None:
    probe = simulated_probe("phased-p4-2v")
    asked_s: list[float] = []
    engine = EchoEngine(probe, falling(asked_s), n_cine_frames=None, noise_db=-math.inf)
    with SimulatedFrontEnd(engine) as front_end:
        waves = (SingleElement(element=31),) * 3
        front_end.configure(TransmitSequence(transmits=waves, prf_hz=2000.0), depth_m=0.02)
        acquisition = front_end.read(2)
    pulses_s = np.arange(6) / 2000.0
    assert sorted(asked_s) == pytest.approx(pulses_s)
    assert acquisition.device_timestamps_s == pytest.approx(pulses_s[::3])
    rate_hz = acquisition.receive.sampling_frequency_hz
    # The element in the middle hears itself: there and back.
    rf = acquisition.data[:, :, 31, :].reshape(6, -1).astype(float)
    delay_s = np.abs(hilbert(resample(rf, 16 * rf.shape[1], axis=1), axis=1)).argmax(axis=1)
    delay_s = delay_s / (16 * rate_hz)
    assert delay_s - delay_s[0] == pytest.approx(2 * 1.0 * pulses_s / C_M_S, abs=0.1 / rate_hz)


def test_what_flows_starts_anew_after_the_frames_that_are_asked_for() -> None:
    probe = simulated_probe("phased-p4-2v")

    def cine(n_cine_frames: int | None) -> NDArray[np.int16]:
        engine = EchoEngine(probe, falling([]), n_cine_frames=n_cine_frames)
        with SimulatedFrontEnd(engine) as front_end:
            front_end.configure(plane_waves(prf_hz=2000.0), depth_m=0.02)
            return front_end.read(4).data

    endless, again = cine(None), cine(2)
    assert np.array_equal(again[:2], endless[:2])
    assert np.array_equal(again[2:], again[:2])
    assert not np.array_equal(endless[2:], endless[:2])


def test_a_frame_of_what_flows_is_the_same_whenever_it_is_made() -> None:
    probe = simulated_probe("phased-p4-2v")
    scene = make_scene(SceneName.DISK, probe, 1)
    capabilities = EchoEngine(probe, scene).description.capabilities
    settings = settings_for(
        plane_waves((0, 2)), ReceiveRequest(depth_m=0.03), probe, capabilities, 1
    )
    frames = []
    for order in ((0, 1, 7), (7, 0)):
        engine = EchoEngine(probe, scene, n_cine_frames=None)
        engine.configure(settings)
        frames.append({number: engine.frame(number) for number in order})
    assert np.array_equal(frames[0][7], frames[1][7])
    assert not np.array_equal(frames[0][7], frames[0][0])


def test_threads_do_not_change_the_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    probe = simulated_probe("phased-p4-2v")
    scene = make_scene(SceneName.CYST, probe, 1)

    def frame(n_threads: int, sequence: TransmitSequence) -> NDArray[np.int16]:
        monkeypatch.setattr("os.cpu_count", lambda: n_threads)
        engine = EchoEngine(probe, scene)
        with SimulatedFrontEnd(engine) as front_end:
            front_end.configure(sequence, depth_m=0.01)
            return front_end.read().data[0]

    few = plane_waves((0.0, 5.0))
    # Parts are summed in another order: float32 rounding may turn the last bit.
    assert np.abs(frame(1, few) - frame(4, few)).max() <= 1
    many = plane_waves((-3.0, -1.0, 1.0, 3.0))
    assert np.array_equal(frame(1, many), frame(2, many))


def test_noise_has_the_level_asked_for() -> None:
    probe = simulated_probe("phased-p4-2v")
    nothing = lone(np.array([0.0, 0.0, -1.0]))
    engine = EchoEngine(probe, nothing, noise_db=-50.0)
    with SimulatedFrontEnd(engine) as front_end:
        front_end.configure(plane_waves(), depth_m=0.05)
        noise = front_end.read().data
    assert 20 * math.log10(noise.std() / 2**15) == pytest.approx(-50.0, abs=0.1)


def test_the_engine_refuses_what_its_hardware_could_not_do() -> None:
    probe = simulated_probe("phased-p4-2v")
    engine = EchoEngine(probe, lone(TARGET_M))
    can = engine.description.capabilities
    good = settings_for(plane_waves(), ReceiveRequest(depth_m=0.02), probe, can, 1)
    silent = np.full_like(good.delays_s, np.nan)
    for change in (
        {"delays_s": good.delays_s - 1e-6},
        {"delays_s": silent},
        {"delays_s": good.delays_s[:, 1:]},
        {"n_samples": can.max_samples + 1},
        {"sampling_frequency_hz": 1e6},
        {"sequence": plane_waves(prf_hz=2 * can.max_prf_hz)},
    ):
        with pytest.raises(RefusedError):
            engine.configure(type(good)(**{**good.__dict__, **change}))
    assert engine.settings is None
    assert engine.configure(good).frame_rate_hz > 1000


def test_many_lines_fit_the_cache_frame_by_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("usdk_drivers.simulator.echo_engine._CACHE_BYTES", 1)
    probe = simulated_probe("phased-p4-2v")
    engine = EchoEngine(probe, make_scene(SceneName.POINTS, probe, 1))
    with SimulatedFrontEnd(engine) as front_end:
        front_end.configure(focused_lines(probe, focus_depth_m=0.03, n_lines=4), depth_m=0.03)
        assert front_end.read(3).n_frames == 3


def test_a_cine_of_no_frames_is_refused() -> None:
    probe = simulated_probe("phased-p4-2v")
    with pytest.raises(ArgumentError, match="frames"):
        EchoEngine(probe, lone(TARGET_M), n_cine_frames=None)
    with pytest.raises(ArgumentError, match="frames"):
        EchoEngine(probe, lone(TARGET_M), n_cine_frames=0)
