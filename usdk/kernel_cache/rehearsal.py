"""Small frames through the objects that make the real ones.

A kernel is compiled on its first call, for the types of that call. So exactly those types are
compiled; only the kernels that drivers use are called by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

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
from usdk.image import ScanConverter, SliceConverter, VolumeConverter
from usdk.probe import ArrayKind, Probe
from usdk.scan import LinearScan, Plane, PyramidScan, Scan, VolumeScan, planar_scan_for
from usdk.sequences import plane_waves
from usdk.tissue_motion import MotionTracker
from usdk_kernels.envelope import envelope_rf
from usdk_kernels.point_echoes import add_point_echoes

__all__ = ["rehearse"]

_N_ELEMENTS = 16  # enough columns for the shift-invariant kernel
_N_SAMPLES = 256
_DEPTH_M = 8e-3
_SAMPLE_TYPES = (np.int16, np.float32, np.complex64)


def rehearse() -> None:
    """Call every kernel with the types that usdk calls it with."""
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
