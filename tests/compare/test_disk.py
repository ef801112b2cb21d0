"""A rotating disk, measured: the pictures turn as it does, in their phase and in their speckle.

The disk is 2 cm across and turns about a point near x = −0.8 mm, z = 23.4 mm. Its axial velocity
is ω x everywhere inside, whatever the depth; its speckle turns by ω t.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.io import loadmat
from scipy.ndimage import map_coordinates

from usdk.acquisition import Acquisition
from usdk.beamform import Beamformer
from usdk.demodulation import demodulate
from usdk.quality import Circle
from usdk.scan import LinearScan

CENTRE_M = (-0.8e-3, 23.4e-3)
PRF_HZ, FREQUENCY_HZ, SOUND_SPEED_M_S = 10e3, 5e6, 1480.0


@pytest.fixture(scope="module")
def images(
    recording: Callable[[str], Acquisition], data_file: Callable[[str], Path]
) -> tuple[LinearScan, NDArray[np.complex64], NDArray[np.float64]]:
    """The scan, the IQ picture of every frame (32, 251, 251), and the peer's velocity, m/s."""
    with np.load(data_file("refs/PWI_disk_pymust019.npz")) as file:
        scan, theirs_m_s = LinearScan(x_m=file["x"], z_m=file["z"]), file["vd"].T
    iq = demodulate(recording("pymust/PWI_disk.mat"))
    assert iq.sequence.prf_hz == PRF_HZ
    plan = Beamformer.for_acquisition(iq, scan)
    return scan, np.stack([plan(frame) for frame in iq.data]), theirs_m_s


def axial_velocity_m_s(pictures: NDArray[np.complex64]) -> NDArray[np.float64]:
    """From the phase of the lag-one autocorrelation (Kasai et al., 1985), positive downwards."""
    autocorrelation = (pictures[1:] * pictures[:-1].conj()).sum(axis=0)
    turn_rad = np.angle(autocorrelation).astype(np.float64)
    return -SOUND_SPEED_M_S * PRF_HZ / (4 * np.pi * FREQUENCY_HZ) * turn_rad


def test_the_axial_velocity_grows_linearly_with_x(images: Any) -> None:
    """Measured: 61.3 1/s, along z 0.1 % of it, residual 1.4 cm/s, axis of rotation at −0.77 mm."""
    scan, pictures, _ = images
    inside = Circle(*CENTRE_M, 9e-3).mask(scan)
    velocity_m_s = axial_velocity_m_s(pictures)[inside]
    places_m = scan.points_m()[inside][:, [0, 2]]
    terms = np.column_stack((places_m, np.ones(len(places_m))))
    fitted, *_ = np.linalg.lstsq(terms, velocity_m_s, rcond=None)
    by_x, by_z, offset = fitted
    assert 58 < by_x < 65
    assert abs(by_z) < 0.03 * by_x
    assert np.sqrt(np.mean((terms @ fitted - velocity_m_s) ** 2)) < 0.03
    assert -(offset + by_z * CENTRE_M[1]) / by_x == pytest.approx(CENTRE_M[0], abs=0.2e-3)


def test_the_velocity_is_that_of_the_peer(images: Any) -> None:
    """Measured: correlation 0.9986, rms 1.4 cm/s apart of 28 cm/s; the peer's sign is upwards."""
    scan, pictures, theirs_m_s = images
    inside = Circle(*CENTRE_M, 9e-3).mask(scan)
    ours, theirs = axial_velocity_m_s(pictures)[inside], -theirs_m_s[inside]
    assert np.corrcoef(ours, theirs)[0, 1] > 0.997
    assert np.sqrt(np.mean((ours - theirs) ** 2)) < 0.03


def turning_rad_s(grey: NDArray[np.floating], scan: LinearScan, lag: int) -> float:
    """Rotation between frames ``lag`` apart, from circles about the axis laid over each other."""
    n_angles = 720
    angles_rad = 2 * np.pi * np.arange(n_angles) / n_angles
    radii_m = np.linspace(4e-3, 8.5e-3, 60)[:, None]
    rows = (CENTRE_M[0] + radii_m * np.cos(angles_rad) - scan.x_m[0]) / np.diff(scan.x_m[:2])
    columns = (CENTRE_M[1] + radii_m * np.sin(angles_rad) - scan.z_m[0]) / np.diff(scan.z_m[:2])
    circles = np.stack([map_coordinates(frame, [rows, columns], order=1) for frame in grey])
    spectra = np.fft.rfft(circles - circles.mean(axis=2, keepdims=True), axis=2)
    alike = np.fft.irfft((spectra[lag:] * spectra[:-lag].conj()).sum(axis=(0, 1)), n_angles)
    best = int(alike.argmax())
    before, at, after = alike[[best - 1, best, (best + 1) % n_angles]]
    shift = best + (before - after) / (2 * (before - 2 * at + after))
    shift -= n_angles * (shift > n_angles / 2)
    return float(2 * np.pi * shift / n_angles / lag * PRF_HZ)


@pytest.mark.parametrize("lag", [4, 8])
def test_the_speckle_turns_at_the_same_rate(
    images: Any, data_file: Callable[[str], Path], lag: int
) -> None:
    """Measured: 63.3 and 62.9 rad/s here, 63.2 and 62.4 in the picture that came with the data."""
    scan, pictures, _ = images
    ours = turning_rad_s(np.sqrt(np.abs(pictures)), scan, lag)
    theirs = loadmat(data_file("pymust/bmode_PWI_disk.mat"))["I"].transpose(2, 1, 0)
    assert ours == pytest.approx(63, abs=2)
    assert ours == pytest.approx(turning_rad_s(theirs.astype(np.float64), scan, lag), abs=1)


@pytest.mark.parametrize("frame", [0, 16, 31])
def test_the_picture_is_that_which_came_with_the_data(
    images: Any, data_file: Callable[[str], Path], frame: int
) -> None:
    """Measured: correlation of greys 0.935; made by another beamformer with another grey map."""
    _, pictures, _ = images
    theirs = loadmat(data_file("pymust/bmode_PWI_disk.mat"))["I"][..., frame].T
    ours = np.abs(pictures[frame]) ** 0.4
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.92
