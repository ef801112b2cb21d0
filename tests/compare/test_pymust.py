"""IQ demodulated and beamformed by PyMUST 0.1.9, stored and run live, and by us."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pymust
import pytest
from numpy.typing import NDArray

from usdk.acquisition import Acquisition
from usdk.beamform import Beamformer, f_number_from_directivity
from usdk.demodulation import demodulate
from usdk.probe import ArrayKind, Probe
from usdk.scan import LinearScan, SectorScan
from usdk.transmit import SingleElement

# As the peer sums: every element, no window, no division by the weights.
PLAIN: dict[str, Any] = {"window": "boxcar", "normalize": False}
FRAMES = (0, 1, 31)


@pytest.fixture(scope="module")
def disk(recording: Callable[[str], Acquisition]) -> Acquisition:
    return recording("pymust/PWI_disk.mat")


@pytest.fixture(scope="module")
def reference(data_file: Callable[[str], Path]) -> tuple[NDArray[np.complex64], LinearScan]:
    with np.load(data_file("refs/PWI_disk_pymust019.npz")) as file:
        assert tuple(file["iq_bf_frames"]) == FRAMES
        return file["iq_bf"].transpose(2, 1, 0), LinearScan(x_m=file["x"], z_m=file["z"])


def demodulated_by_peer(rf: Acquisition) -> Acquisition:
    """The peer's own IQ: a Butterworth filter of order 5, forwards and backwards."""
    param = pymust.utils.Param()
    param.fs, param.fc = rf.receive.sampling_frequency_hz, rf.transmit_frequency_hz
    param.bandwidth = 100 * rf.probe.fractional_bandwidth
    param.t0 = np.array([rf.receive.time_zero_s[0]])
    rows = rf.data.transpose(3, 0, 1, 2).astype(np.float64)
    iq = pymust.rf2iq(rows, param).transpose(1, 2, 3, 0)
    receive = replace(rf.receive, demodulation_frequency_hz=rf.transmit_frequency_hz)
    return replace(rf, data=np.ascontiguousarray(iq, np.complex64), receive=receive)


def test_beamforming_of_the_peers_own_iq(disk: Acquisition, reference: Any, nrmse: Any) -> None:
    """Measured: NRMSE 2.2e-4 in each frame: the beamformers agree."""
    theirs, scan = reference
    iq = demodulated_by_peer(disk)
    plan = Beamformer.for_acquisition(iq, scan, f_number=0, **PLAIN)
    for image, frame in zip(theirs, FRAMES, strict=True):
        assert nrmse(plan(iq.data[frame]), image) < 4e-4


def test_the_entire_chain_at_the_peers_bandwidth(
    disk: Acquisition, reference: Any, nrmse: Any
) -> None:
    """Measured: NRMSE 0.031.

    Both filters have their −6 dB points at ±375 kHz; what differs is their slope, a Kaiser FIR
    here and a Butterworth filter there.
    """
    theirs, scan = reference
    iq = demodulate(disk, bandwidth_hz=0.15 * 5e6)
    plan = Beamformer.for_acquisition(iq, scan, f_number=0, **PLAIN)
    for image, frame in zip(theirs, FRAMES, strict=True):
        assert nrmse(plan(iq.data[frame]), image) < 0.04


def test_the_entire_chain_at_our_bandwidth(disk: Acquisition, reference: Any, nrmse: Any) -> None:
    """Measured: NRMSE 0.168 to 0.170; we pass a band 1.2 times as wide as the peer's."""
    theirs, scan = reference
    iq = demodulate(disk)
    plan = Beamformer.for_acquisition(iq, scan, f_number=0, **PLAIN)
    for image, frame in zip(theirs, FRAMES, strict=True):
        assert nrmse(plan(iq.data[frame]), image) < 0.18


def beamformed_by_peer(
    iq: Acquisition, transmit: int, points_m: NDArray[np.float64], f_number: float
) -> NDArray[np.complex128]:
    """PyMUST's own delay-and-sum matrix times one transmit's data."""
    probe, receive = iq.probe, iq.receive
    wave = iq.sequence.transmits[transmit]
    param = pymust.utils.Param()
    param.fs, param.c = receive.sampling_frequency_hz, receive.sound_speed_m_s
    param.fc = receive.demodulation_frequency_hz
    param.pitch, param.width = probe.pitch_m, probe.element_width_m
    param.Nelements, param.radius = probe.n_elements, probe.radius_m
    param.bandwidth = 100 * probe.fractional_bandwidth
    param.fnumber = f_number
    fired_s = wave.element_delays_s(probe, receive.sound_speed_m_s)
    # The peer counts from the first element that fires.
    param.TXdelay = (fired_s - np.nanmin(fired_s)).reshape(1, -1)
    param.t0 = np.array([receive.time_zero_s[transmit] - np.nanmin(fired_s)])
    shape = (receive.n_samples, probe.n_elements)
    x_m, z_m = points_m[:, 0].copy(), points_m[:, 2].copy()
    matrix = pymust.dasmtx(1j * np.array(shape), x_m, z_m, param, "linear")
    # Its phase counts on its own clock, that of the data on ours.
    turn = np.exp(2j * np.pi * param.fc * np.nanmin(fired_s))
    return np.asarray(matrix @ iq.data[0, transmit].T.ravel(order="F") * turn)


def test_a_plane_wave_at_an_f_number_live(disk: Acquisition, nrmse: Any) -> None:
    """Measured: NRMSE 2.1e-4."""
    iq = demodulate(disk)
    scan = LinearScan(
        x_m=np.linspace(-9.9731e-3, 10.1137e-3, 41), z_m=np.linspace(12e-3, 34e-3, 61)
    )
    theirs = beamformed_by_peer(iq, 0, scan.points_m().reshape(-1, 3), 1.5).reshape(scan.shape)
    ours = Beamformer.for_acquisition(iq, scan, f_number=1.5, **PLAIN)(iq.data[0])
    assert nrmse(ours, theirs) < 5e-4


def test_tilted_plane_waves_live(
    recording: Callable[[str], Acquisition], with_transmits: Any, nrmse: Any
) -> None:
    """Measured: NRMSE 9e-5; the peer takes the nearest element of a virtual array."""
    iq = demodulate(recording("pybf/rf_dataset.hdf5"))
    scan = LinearScan(x_m=np.linspace(-4.03e-3, 4.1e-3, 31), z_m=np.linspace(20e-3, 35e-3, 41))
    for t in range(3):
        theirs = beamformed_by_peer(iq, t, scan.points_m().reshape(-1, 3), 1.5)
        one = with_transmits(iq, [t])
        ours = Beamformer.for_acquisition(one, scan, f_number=1.5, **PLAIN)(one.data[0])
        assert nrmse(ours, theirs.reshape(scan.shape)) < 3e-4


@pytest.mark.parametrize("f_number", [1.0, 2.5])
def test_the_aperture_of_a_convex_array_live(
    recording: Callable[[str], Acquisition], with_transmits: Any, nrmse: Any, f_number: float
) -> None:
    """Measured: NRMSE 1.2e-5.

    The peer measures the aperture of a convex array by each element's normal, as we do; measured
    by depth instead, the picture would be another: NRMSE 0.88 at F-number 2.5.
    """
    whole = recording("simus/c5_2v_allfire_sta12.npz")
    assert whole.probe.kind is ArrayKind.CURVED
    transmit = 4
    assert isinstance(whole.sequence.transmits[transmit], SingleElement)
    iq = demodulate(with_transmits(whole, [transmit]))
    centre_m = iq.probe.centre_of_curvature_m
    scan = SectorScan(
        angles_rad=np.linspace(-0.55, 0.561, 31),
        ranges_m=iq.probe.radius_m + np.linspace(20e-3, 90e-3, 41),
        apex_m=(centre_m[0], centre_m[2]),
    )
    theirs = beamformed_by_peer(iq, 0, scan.points_m().reshape(-1, 3), f_number)
    ours = Beamformer.for_acquisition(iq, scan, f_number=f_number, **PLAIN)(iq.data[0])
    assert nrmse(ours, theirs.reshape(scan.shape)) < 5e-5
    if f_number > 1:
        ahead = np.tile([0.0, 0.0, 1.0], (iq.probe.n_elements, 1))
        flat = replace(iq, probe=replace(iq.probe, kind=ArrayKind.OTHER, element_normals=ahead))
        by_depth = Beamformer.for_acquisition(flat, scan, f_number=f_number, **PLAIN)(iq.data[0])
        assert nrmse(by_depth, theirs.reshape(scan.shape)) > 0.5


@pytest.mark.parametrize("width_m", [0.1e-3, 0.2e-3, 0.29e-3])
def test_the_f_number_that_follows_from_directivity(width_m: float) -> None:
    """The peer's search stops within π/100, ours is exact: they agree within that angle."""
    probe = Probe.linear(
        "L", n_elements=16, pitch_m=0.3e-3, element_width_m=width_m, centre_frequency_hz=5e6,
        fractional_bandwidth=0.7,
    )  # fmt: skip
    param = pymust.utils.Param()
    param.fs, param.fc, param.c, param.pitch, param.width = 20e6, 5e6, 1540.0, 0.3e-3, width_m
    param.bandwidth, param.Nelements, param.fnumber = 70, 16, None
    x_m, z_m = np.meshgrid(np.linspace(-1e-3, 1e-3, 3), np.linspace(5e-3, 9e-3, 3))
    pymust.dasmtx(np.array([400, 16]), x_m, z_m, np.zeros((1, 16)), param)
    # 0.71 is the peer's level
    ours = f_number_from_directivity(probe, sound_speed_m_s=1540.0, level_db=20 * np.log10(0.71))
    angle_rad, peer_rad = np.arctan(0.5 / np.array([ours, float(param.fnumber)]))
    assert abs(angle_rad - peer_rad) < np.pi / 100
