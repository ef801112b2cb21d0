"""A simulated front-end's physics: echoes of a scene, from the very delays that were uploaded."""

from __future__ import annotations

import itertools
import math
import os
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import DeviceInfo
from usdk.errors import ArgumentError
from usdk.front_end import Capabilities, GainCurve, SelfTest
from usdk.probe import Probe
from usdk_drivers.simulator.electronics import MAX_CELSIUS, Electronics
from usdk_drivers.simulator.element_faults import ElementFaults, measured
from usdk_drivers.simulator.engine import RefusedError
from usdk_drivers.simulator.scene import Scatterers, Scene
from usdk_drivers.wire import DataType, DeviceDescription, ErrorCode, SequenceSettings
from usdk_kernels.point_echoes import add_point_echoes

__all__ = ["EchoEngine"]

# Converters need a moment after the trigger, as real ones do.
FIRST_SAMPLE_S = 0.4e-6
# Between the last sample of one transmit and the next.
PAUSE_S = 10e-6
# What arithmetic may add to a limit that is met exactly.
_TOLERANCE = 1 + 1e-9
_FULL_SCALE = 30_000
# −6 dB bandwidth of a burst of n cycles is this over n: |sinc| falls to 1/2 at 0.603.
_BURST_BANDWIDTH = 1.207
_CACHE_BYTES = 256 * 2**20
# A frame of fewer transmits has the scatterers of each shared out, too.
_FLOW_SHARES = 4


class EchoEngine:
    """Makes int16 RF of a scene.

    Parameters
    ----------
    probe : Probe
        What sends and listens.
    scene : Scene
        What reflects.
    serial_number : str
        As reported.
    n_cine_frames : int or None
        Frames after which the motion repeats, and time starts anew for what flows; None for a flow
        without end.
    noise_db : float
        Thermal noise (rms), dB relative to full scale.
    seed : int
        Of the noise.
    electronics : Electronics, optional
        Limits, gain and labels.
    dead_elements, shorted_elements, weak_elements : sequence of int
        As in `ElementFaults`.

    Notes
    -----
    Echoes do not fade with depth, and the gain is such that the strongest scatterer in a focus of
    the whole array does not clip, unless the electronics or the gain over time (TGC) add to it.
    Both amplify the thermal noise, too, and what exceeds the converter's range is clipped.
    """

    n_frames: int | None = None

    def __init__(
        self,
        probe: Probe,
        scene: Scene,
        *,
        serial_number: str = "SIM-1",
        n_cine_frames: int | None = 32,
        noise_db: float = -80.0,
        seed: int = 1,
        electronics: Electronics | None = None,
        dead_elements: Sequence[int] | NDArray[np.intp] = (),
        shorted_elements: Sequence[int] = (),
        weak_elements: Sequence[int] = (),
    ) -> None:
        if n_cine_frames is None and scene.flowing is None:
            raise ArgumentError("frames must be given: this scene moves from frame to frame")
        if n_cine_frames is not None and n_cine_frames < 1:
            raise ArgumentError(f"frames must be at least 1, got {n_cine_frames}")
        self._probe, self._scene, self._seed = probe, scene, seed
        self._n_cine_frames = n_cine_frames if scene.moves else 1
        electronics = electronics or Electronics()
        gain = 10 ** (electronics.gain_db / 20)
        self._gain = gain * _FULL_SCALE / (probe.n_elements * scene.peak_amplitude)
        self._faults = ElementFaults(
            dead=dead_elements, shorted=shorted_elements, weak=weak_elements
        )
        self._weights = self._faults.weights(probe.n_elements)
        self._noise = 0.0 if noise_db == -math.inf else 2**15 * 10 ** (noise_db / 20)
        self._positions_m = probe.element_positions_m.astype(np.float32)
        self._normals = probe.element_normals.astype(np.float32)
        centre_hz = probe.centre_frequency_hz
        rates_hz = electronics.sampling_frequencies_hz or tuple(n * centre_hz for n in (2, 4, 8))
        self.description = DeviceDescription(
            DeviceInfo(
                manufacturer=electronics.manufacturer,
                model=f"simulated {probe.name}",
                serial_number=serial_number,
                firmware_version=electronics.firmware_version,
            ),
            Capabilities(
                n_transmit_channels=probe.n_elements,
                n_receive_channels=min(
                    electronics.n_receive_channels or probe.n_elements, probe.n_elements
                ),
                sampling_frequencies_hz=rates_hz,
                max_samples=electronics.max_samples,
                max_transmits=electronics.max_transmits,
                max_prf_hz=electronics.max_prf_hz,
                max_duty_cycle=electronics.max_duty_cycle,
                max_cycles=electronics.max_cycles,
                tgc=electronics.tgc,
                trigger=electronics.trigger,
                watchdog=electronics.watchdog,
                max_temperature_celsius=MAX_CELSIUS,
                has_self_test=True,
                has_power_states=True,
            ),
            probe,
        )
        self.watchdog_s = electronics.watchdog_s
        """For how long the host may be silent after power on, s."""
        self.settings: SequenceSettings | None = None
        self._still: NDArray[np.float32] | None = None
        self._cine: OrderedDict[int, NDArray[np.int16]] = OrderedDict()

    def configure(self, request: SequenceSettings) -> SequenceSettings:
        """Check a sequence against the limits and set it."""
        self._check(request)
        listening_s = FIRST_SAMPLE_S + request.n_samples / request.sampling_frequency_hz
        can = self.description.capabilities
        prf_hz = request.sequence.prf_hz or min(
            can.max_prf_hz,
            1 / (listening_s + PAUSE_S),
            (can.max_duty_cycle or math.inf) / self._pulse_s(request),
        )
        fields = {
            **request.__dict__,
            "first_sample_s": (FIRST_SAMPLE_S,) * len(request.sequence),
            "data_type": DataType.INT16,
            "frame_rate_hz": prf_hz / len(request.sequence),
            "tgc": self._really(request.tgc),
            "apertures": request.apertures or self._all_channels(request),
        }
        self.settings = SequenceSettings(**fields)
        self._still = None
        self._cine.clear()
        return self.settings

    def self_test(self) -> SelfTest:
        """Return what is measured of the elements; faults are found, not looked up."""
        n_elements = self._probe.n_elements
        impedances_ohm = self._faults.impedances_ohm(n_elements, self._seed)
        return measured(impedances_ohm, self._weights, f"{self._probe.name} cable")

    def _really(self, tgc: GainCurve | None) -> GainCurve | None:
        limits = self.description.capabilities.tgc
        return None if tgc is None or limits is None else limits.quantised(tgc)

    def _all_channels(self, request: SequenceSettings) -> tuple[tuple[int, int], ...] | None:
        """Return the first elements for which there are channels, None if that is all of them."""
        n_channels = self.description.capabilities.n_receive_channels
        if n_channels == self._probe.n_elements:
            return None
        return ((0, n_channels),) * len(request.sequence)

    def frame(self, number: int) -> NDArray[np.int16]:
        """Return the frame at its phase of the motion, the same for the same number."""
        index = number % self._n_cine_frames if self._n_cine_frames else number
        if index not in self._cine:
            self._make_room()
            self._cine[index] = self._render(index)
        return self._cine[index]

    def timestamp_ns(self, number: int, transmit_index: int) -> int:
        """Return the time of a transmit at the sequence's PRF, ns from the start."""
        settings = self._set()
        n_transmits = len(settings.sequence)
        prf_hz = settings.frame_rate_hz * n_transmits
        return round((number * n_transmits + transmit_index) * 1e9 / prf_hz)

    def _render(self, index: int) -> NDArray[np.int16]:
        if self._still is None:
            self._still = self._echoes(self._scene.still)
        rf = self._still.copy()
        if self._n_cine_frames:
            moving = self._scene.moving(index / self._n_cine_frames)
            if moving.amplitudes.size:
                rf += self._echoes(moving)
        if self._scene.flowing is not None:
            self._add_flowing(index, rf)
        rf *= np.float32(self._gain) * self._weights[:, np.newaxis]
        if self._noise:
            random = np.random.default_rng((self._seed, index))
            rf += np.float32(self._noise) * random.standard_normal(rf.shape, np.float32)
        settings = self._set()
        if settings.tgc is not None:
            rf *= settings.tgc.factors(rf.shape[-1], settings.sampling_frequency_hz).astype(
                np.float32
            )
        np.rint(rf, out=rf)
        limits = np.iinfo(np.int16)
        return np.clip(rf, limits.min, limits.max).astype(np.int16)

    def _add_flowing(self, number: int, rf: NDArray[np.float32]) -> None:
        """Add what flows, each transmit at its own time; threads share transmits and scatterers."""
        flowing = self._scene.flowing
        assert flowing is not None
        n_transmits = len(rf)
        n_cine_frames, rate_hz = self._n_cine_frames, self._set().frame_rate_hz
        repeat_s = n_cine_frames / rate_hz if n_cine_frames else math.inf
        times_s = [1e-9 * self.timestamp_ns(number, t) for t in range(n_transmits)]
        moved = [flowing(time_s, repeat_s) for time_s in times_s]
        # Shares do not depend on the machine: a frame is the same on all of them.
        n_shares = math.ceil(_FLOW_SHARES / n_transmits)
        outs = np.zeros((n_shares, *rf.shape), np.float32) if n_shares > 1 else rf[np.newaxis]

        def add(share: int, t: int) -> None:
            part = _split(len(moved[t].amplitudes), n_shares)[share]
            one = slice(t, t + 1)
            self._add(moved[t], part, one, outs[share, one])

        with ThreadPoolExecutor(max(1, os.cpu_count() or 1)) as pool:
            shares = itertools.product(range(n_shares), range(n_transmits))
            for _ in pool.map(lambda share: add(*share), shares):
                pass
        if n_shares > 1:
            rf += outs.sum(axis=0)

    def _echoes(self, scatterers: Scatterers) -> NDArray[np.float32]:
        """Return the RF of scatterers, shared out over threads; they end with the call."""
        settings = self._set()
        shape = (*settings.delays_s.shape, settings.n_samples)
        n_workers = max(1, min(os.cpu_count() or 1, len(scatterers.amplitudes) // 256))
        if shape[0] >= 2 * n_workers:
            parts = _split(shape[0], n_workers)
            rf = np.zeros(shape, np.float32)
            with ThreadPoolExecutor(n_workers) as pool:
                for _ in pool.map(lambda t: self._add(scatterers, slice(None), t, rf[t]), parts):
                    pass
            return rf
        parts = _split(len(scatterers.amplitudes), n_workers)
        outs = np.zeros((n_workers, *shape), np.float32)
        with ThreadPoolExecutor(n_workers) as pool:
            for _ in pool.map(
                lambda part, out: self._add(scatterers, part, slice(None), out), parts, outs
            ):
                pass
        return np.asarray(outs.sum(axis=0) if n_workers > 1 else outs[0])

    def _add(
        self, scatterers: Scatterers, part: slice, transmits: slice, out: NDArray[np.float32]
    ) -> None:
        settings, probe = self._set(), self._probe
        delays_s = settings.delays_s[transmits]
        frequency_hz = settings.sequence.frequency_hz or probe.centre_frequency_hz
        add_point_echoes(
            scatterers.positions_m[part],
            scatterers.amplitudes[part],
            self._positions_m,
            self._normals,
            delays_s,
            np.broadcast_to(self._weights, delays_s.shape).copy(),
            np.array(settings.first_sample_s)[transmits],
            frequency_hz,
            _pulse_bandwidth(probe.fractional_bandwidth, settings.sequence.n_cycles),
            settings.sampling_frequency_hz,
            settings.sound_speed_m_s,
            probe.element_width_m,
            0.0,
            0,
            probe.n_elements,
            out,
        )

    def _check(self, request: SequenceSettings) -> None:
        can = self.description.capabilities
        delays_s = request.delays_s
        n_firing = np.count_nonzero(~np.isnan(delays_s), axis=1)
        prf_hz = request.sequence.prf_hz or 0.0
        checks = {
            f"{delays_s.shape[1]} elements instead of {self._probe.n_elements}": (
                delays_s.shape[1] == self._probe.n_elements
            ),
            f"more than {can.max_transmits} transmits": len(delays_s) <= can.max_transmits,
            f"more than {can.max_samples} samples": request.n_samples <= can.max_samples,
            "a transmit without a firing element": bool(np.all(n_firing > 0)),
            f"more than {can.n_transmit_channels} firing elements": bool(
                np.all(n_firing <= can.n_transmit_channels)
            ),
            "negative delays": not np.any(delays_s < 0),
            "a sampling frequency not on offer": (
                request.sampling_frequency_hz in can.sampling_frequencies_hz
            ),
            f"a receive aperture of more than {can.n_receive_channels} elements": (
                request.apertures is None or request.largest_aperture <= can.n_receive_channels
            ),
            "a gain out of range": request.tgc is None or self._is_gain(request.tgc),
            f"a pulse of more than {can.max_cycles} cycles": (
                request.sequence.n_cycles <= (can.max_cycles or math.inf)
            ),
            f"a PRF above {can.max_prf_hz} Hz": prf_hz <= can.max_prf_hz,
            "a PRF above what so many samples leave time for": (
                prf_hz * request.n_samples <= request.sampling_frequency_hz * _TOLERANCE
            ),
            f"pulses for more than {can.max_duty_cycle} of the time": (
                prf_hz * self._pulse_s(request) <= (can.max_duty_cycle or math.inf) * _TOLERANCE
            ),
        }
        for fault, is_right in checks.items():
            if not is_right:
                raise RefusedError(ErrorCode.OUT_OF_LIMITS, fault)

    def _pulse_s(self, request: SequenceSettings) -> float:
        frequency_hz = request.sequence.frequency_hz or self._probe.centre_frequency_hz
        return request.sequence.n_cycles / frequency_hz

    def _is_gain(self, tgc: GainCurve) -> bool:
        limits = self.description.capabilities.tgc
        if limits is None or len(tgc.times_s) > limits.max_points:
            return False
        return limits.least_db <= min(tgc.gains_db) and max(tgc.gains_db) <= limits.greatest_db

    def _make_room(self) -> None:
        settings = self._set()
        frame_bytes = settings.delays_s.size * settings.n_samples * 2
        while self._cine and (len(self._cine) + 1) * frame_bytes > _CACHE_BYTES:
            self._cine.popitem(last=False)

    def _set(self) -> SequenceSettings:
        assert self.settings is not None
        return self.settings


def _pulse_bandwidth(probe_bandwidth: float, n_cycles: float) -> float:
    """Return the bandwidth of a burst through the probe, both taken as Gaussian."""
    return 1 / math.hypot(1 / probe_bandwidth, n_cycles / _BURST_BANDWIDTH)


def _split(n: int, n_parts: int) -> list[slice]:
    edges = np.linspace(0, n, n_parts + 1).astype(int).tolist()
    return [slice(first, stop) for first, stop in itertools.pairwise(edges)]
