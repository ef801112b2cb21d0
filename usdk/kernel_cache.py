"""Compiling and caching every kernel ahead of the first frame.

A kernel is compiled on its first call, for the types of that call. Here small frames go through
the same objects that make the real ones, so that exactly those types are compiled; only the
kernels that drivers use are called by themselves.
"""

from __future__ import annotations

import pkgutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numba.core import event

import usdk_kernels
from usdk.acquisition import Acquisition, ReceiveSettings
from usdk.band_pass import band_pass
from usdk.beamform import Beamformer
from usdk.beamform.ensemble import LEAST_FRAMES
from usdk.bmode import BMode
from usdk.demodulation import demodulate
from usdk.doppler import (
    Autocorrelator,
    Averaging,
    ColourFlow,
    FlowMap,
    SlowTime,
    average,
    flow_values,
)
from usdk.doppler.clutter import FirFilter, IirFilter, MeanFilter, SimilarityCut, SvdFilter
from usdk.doppler.colours import ColourComposer
from usdk.doppler.dealiasing import StaggeredPrfs, unwrap_velocity
from usdk.doppler.spectral import DopplerAudio, Gate, SampleVolume
from usdk.doppler.vector import solve_vectors
from usdk.errors import StateError
from usdk.image import ScanConverter, SliceConverter, VolumeConverter
from usdk.probe import ArrayKind, Probe
from usdk.scan import LinearScan, Plane, PyramidScan, Scan, VolumeScan, planar_scan_for
from usdk.sequences import plane_waves
from usdk.tissue_motion import MotionTracker
from usdk_kernels.envelope import envelope_rf
from usdk_kernels.point_echoes import add_point_echoes

__all__ = ["KernelReport", "WarmUpReport", "warm_up"]

_N_ELEMENTS = 16  # enough columns for the shift-invariant kernel
_N_SAMPLES = 256
_DEPTH_M = 8e-3
_SAMPLE_TYPES = (np.int16, np.float32, np.complex64)


@dataclass(frozen=True, kw_only=True)
class KernelReport:
    """What became of one kernel.

    Parameters
    ----------
    name : str
        Module and function.
    n_variants : int
        Combinations of types that it is now compiled for.
    compile_time_s : float
        Time that compiling took, that of the kernels it calls included, s; 0 when all came from
        the cache.
    is_cached : bool
        Whether the next process will find it compiled.
    """

    name: str
    n_variants: int
    compile_time_s: float
    is_cached: bool


@dataclass(frozen=True, kw_only=True)
class WarmUpReport:
    """What `warm_up` did.

    Parameters
    ----------
    kernels : tuple of KernelReport
        Every public kernel.
    directories : tuple of Path
        Where compiled code is kept; empty when it is kept nowhere.
    time_s : float
        Time for all of it, s.
    """

    kernels: tuple[KernelReport, ...]
    directories: tuple[Path, ...]
    time_s: float

    @property
    def is_cached(self) -> bool:
        """Whether the next process will compile nothing."""
        return all(kernel.is_cached for kernel in self.kernels)


def warm_up() -> WarmUpReport:
    """Compile every kernel for the types that usdk calls it with, and keep the result.

    Raises
    ------
    StateError
        If ``NUMBA_DISABLE_JIT`` is set, so that nothing is ever compiled.
    """
    kernels = dict(_public_kernels())
    if not kernels:
        raise StateError("NUMBA_DISABLE_JIT is set: kernels run as plain Python, unset it")
    begun_s = time.perf_counter()
    with event.install_recorder("numba:compile") as recorder:
        for acquisition in _acquisitions():
            BMode(acquisition)(acquisition)
            _smooth(acquisition)
            _beamform(acquisition)
            _listen(acquisition)
            _see_flow(acquisition)
            if not acquisition.is_iq:
                demodulate(acquisition, decimation=2)
        _convert_volumes()
        _dealias()
        _track_motion()
        _solve_vectors()
        _correlate_packets()
        _compose_colours()
        _filter_clutter()
        _call_the_others()
    times_s = _compile_times_s(recorder.buffer)
    reports = tuple(
        KernelReport(
            name=name,
            n_variants=len(kernel.signatures),
            compile_time_s=times_s.get(name, 0.0),
            is_cached=_is_cached(kernel),
        )
        for name, kernel in sorted(kernels.items())
    )
    places = {kernel.stats.cache_path for kernel in kernels.values()} - {None}
    return WarmUpReport(
        kernels=reports,
        directories=tuple(sorted(Path(place) for place in places)),
        time_s=time.perf_counter() - begun_s,
    )


def _public_kernels() -> Iterator[tuple[str, Any]]:
    for module_info in pkgutil.iter_modules(usdk_kernels.__path__):
        module = import_module(f"{usdk_kernels.__name__}.{module_info.name}")
        for name, value in vars(module).items():
            is_own = getattr(value, "__module__", None) == module.__name__
            if is_own and not name.startswith("_") and hasattr(value, "signatures"):
                yield f"{module_info.name}.{name}", value


def _acquisitions() -> Iterator[Acquisition]:
    """Yield one frame of every sample type for an array scanned in parallel and as a sector."""
    receive = ReceiveSettings(sampling_frequency_hz=20e6, n_samples=_N_SAMPLES, time_zero_s=(0.0,))
    for kind in (ArrayKind.LINEAR, ArrayKind.PHASED):
        probe = Probe.linear(
            "warm-up",
            kind=kind,
            n_elements=_N_ELEMENTS,
            pitch_m=3e-4,
            centre_frequency_hz=5e6,
            fractional_bandwidth=0.6,
        )
        for dtype in _SAMPLE_TYPES:
            is_iq = dtype is np.complex64
            yield Acquisition(
                data=np.ones((1, 1, _N_ELEMENTS, _N_SAMPLES), dtype),
                probe=probe,
                sequence=plane_waves(),
                receive=replace(receive, demodulation_frequency_hz=5e6) if is_iq else receive,
            )


def _beamform(acquisition: Acquisition) -> None:
    """Beamform with every kernel that applies, by every kind of plan."""
    scan = planar_scan_for(acquisition.probe, depth_m=_DEPTH_M)
    between = LinearScan(x_m=np.linspace(-1e-3, 1e-3, 16), z_m=np.array((1e-3, _DEPTH_M)))
    x_m = acquisition.probe.element_positions_m[:, 0]
    lattice = LinearScan(x_m=x_m, z_m=np.linspace(1e-3, _DEPTH_M, 64))
    plans: tuple[tuple[Scan, dict[str, Any]], ...] = (
        (scan, {}),
        (scan, {"kernel": "general"}),
        (scan, {"kernel": "range"}),
        (lattice, {"kernel": "lattice"}),
        (scan, {"combination": "coherence factor"}),
        (scan, {"interpolation": "band-limited"}),
        (scan, {"interpolation": "band-limited", "kernel": "general"}),
        (between, {"alignment": "resample"}),
    )
    for place, options in plans:
        beamformer = Beamformer.for_acquisition(acquisition, place, **options)
        beamformer(acquisition.data[0])
    frames = np.repeat(acquisition.data, LEAST_FRAMES, axis=0)
    ensemble = Beamformer.for_acquisition(acquisition, scan).ensemble(LEAST_FRAMES)
    ensemble(frames)
    ensemble.from_frames_fastest(np.moveaxis(frames, 0, -1))


def _listen(acquisition: Acquisition) -> None:
    """Take the slow-time signal of a gate, and make it sound."""
    volume = SampleVolume(centre_m=(0.0, _DEPTH_M / 2), length_m=1e-3)
    gate = Gate(acquisition, volume, prf_hz=5e3)
    audio = DopplerAudio(gate.slow_time)
    for signal in gate(acquisition):
        audio.add(signal)


def _smooth(acquisition: Acquisition) -> None:
    """Make a frame that is coarser than its data, persists, and comes from a narrower band."""
    scan = planar_scan_for(acquisition.probe, depth_m=_DEPTH_M)
    raster = scan.raster(n_rows=4)
    BMode(acquisition, scan=scan, raster=raster, persistence=0.5)(acquisition)
    ScanConverter(scan, raster)(np.ones(scan.shape, np.float32))
    if not acquisition.is_iq:
        band_pass(acquisition, 3e6, 7e6)


def _convert_volumes() -> None:
    """Smooth and convert a small volume of either kind to voxels and to a slice."""
    angles_rad, steps_m = np.linspace(-0.5, 0.5, 8), np.linspace(1e-3, 8e-3, 8)
    scans = (
        VolumeScan(x_m=steps_m, y_m=steps_m, z_m=steps_m),
        PyramidScan(azimuths_rad=angles_rad, elevations_rad=angles_rad, ranges_m=steps_m),
    )
    for scan in scans:
        volume = np.ones(scan.shape, np.float32)
        VolumeConverter(scan, scan.raster(n_z=4))(volume)
        plane = Plane.at_z(4e-3)
        SliceConverter(scan, plane, plane.raster(scan.bounds_m, n_rows=4))(volume)


def _dealias() -> None:
    velocities = [np.zeros((4, 4), np.float32)] * 2
    StaggeredPrfs([SlowTime(prf_hz=prf_hz, frequency_hz=5e6) for prf_hz in (4e3, 3e3)])(velocities)
    unwrap_velocity(velocities[0], 0.3)


def _see_flow(acquisition: Acquisition) -> None:
    """Make the flow map of a packet, with the pulses side by side where they can be."""
    pulses = replace(
        acquisition,
        data=np.repeat(acquisition.data, LEAST_FRAMES, axis=0),
        sequence_numbers=np.arange(LEAST_FRAMES),
        device_timestamps_s=np.empty(0),
        host_timestamps_s=np.empty(0),
    )
    box = LinearScan(x_m=np.linspace(-1e-3, 1e-3, 8), z_m=np.linspace(1e-3, _DEPTH_M / 2, 16))
    ColourFlow(pulses, packet_size=LEAST_FRAMES, scan=box, prf_hz=4e3)(pulses)


def _compose_colours() -> None:
    """Make a small frame in colour."""
    scan = LinearScan(x_m=np.linspace(-1e-3, 1e-3, 8), z_m=np.linspace(1e-3, _DEPTH_M, 8))
    values = np.ones(scan.shape, np.float32)
    flow_map = FlowMap(
        velocity_m_s=values,
        power=values,
        spread_m_s=values,
        lag_one=values.astype(np.complex64),
        scan=scan,
        slow_time=SlowTime(prf_hz=4e3, frequency_hz=5e6),
    )
    ColourComposer(scan.raster(n_rows=8), scan)(None, flow_map)


def _correlate_packets() -> None:
    """Estimate velocities with and without the correlation along depth."""
    shape, slow_time = (4, 16), SlowTime(prf_hz=4e3, frequency_hz=5e6)
    packet = np.ones((*shape, 8), np.complex64)
    for axial in (False, True):
        correlations = Autocorrelator(shape, 8, axial=axial)(packet)
        mean = average(correlations, Averaging(n_lines=3, n_samples=3))
        flow_values(mean, slow_time, sample_period_s=1e-7)


def _track_motion() -> None:
    scan = LinearScan(x_m=np.linspace(0, 1e-3, 4), z_m=np.linspace(1e-3, 2e-3, 16))
    tracker = MotionTracker(scan, frequency_hz=5e6, window_m=3e-4)
    tracker(np.ones((*scan.shape, 2), np.complex64))


def _filter_clutter() -> None:
    """Take clutter out of a small packet by a matrix, by an SVD and by streams."""
    packet = np.ones((4, 8, 6), np.complex64)
    for clutter in (MeanFilter(), SvdFilter(1), SvdFilter(SimilarityCut())):
        clutter(packet)
    SvdFilter(1).correlate(packet)
    for stream in (IirFilter(0.1).stream((4, 8)), FirFilter.difference(1).stream((4, 8))):
        stream(packet)


def _solve_vectors() -> None:
    scan = LinearScan(x_m=np.linspace(0, 1e-3, 2), z_m=np.linspace(1e-3, 2e-3, 2))
    looks = np.zeros((2, *scan.shape))
    solve_vectors(looks, looks + 1, np.zeros((*looks.shape, 2)), scan)


def _call_the_others() -> None:
    rf = np.ones((1, _N_SAMPLES), np.float32)
    envelope_rf(rf, np.array([-0.6, 0.0, 0.6], np.float32), np.empty_like(rf))
    positions_m = np.zeros((2, 3), np.float32)
    normals = np.tile(np.array([0, 0, 1], np.float32), (2, 1))
    add_point_echoes(
        np.array([[0, 0, 1e-2]], np.float32),
        np.ones(1, np.float32),
        positions_m,
        normals,
        np.zeros((1, 2)),
        np.ones((1, 2), np.float32),
        np.zeros(1),
        5e6,
        0.6,
        20e6,
        1540.0,
        3e-4,
        1e-2,
        0,
        2,
        np.zeros((1, 2, _N_SAMPLES), np.float32),
    )


def _compile_times_s(buffer: list[tuple[float, Any]]) -> dict[str, float]:
    """Return the compile time of each kernel, from the beginnings and ends that numba announced."""
    begun_s: dict[int, float] = {}
    times_s: dict[str, float] = {}
    for moment_s, happening in buffer:
        dispatcher = happening.data["dispatcher"]
        if happening.is_start:
            begun_s.setdefault(id(dispatcher), moment_s)
        elif (first_s := begun_s.pop(id(dispatcher), None)) is not None:
            function = dispatcher.py_func
            name = f"{function.__module__.rpartition('.')[2]}.{function.__qualname__}"
            times_s[name] = times_s.get(name, 0.0) + moment_s - first_s
    return times_s


def _is_cached(kernel: Any) -> bool:
    """Tell whether numba has an index file for a kernel where it can still add to it."""
    place = kernel.stats.cache_path
    if place is None or not kernel.signatures:
        return False
    module = kernel.__module__.rpartition(".")[2]
    if not any(Path(place).glob(f"{module}.{kernel.__qualname__}-*.nbi")):
        return False
    if not kernel.stats.cache_misses:
        return True
    try:
        with tempfile.TemporaryFile(dir=place):
            return True
    except OSError:
        return False
