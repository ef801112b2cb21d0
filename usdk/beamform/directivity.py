"""Element directivity: how size narrows what an element hears, and the F-number that follows."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from usdk.beamform.geometry import Geometry
from usdk.errors import ArgumentError
from usdk.probe import ArrayKind, Probe

__all__ = [
    "directivity",
    "element_size_wavelengths",
    "element_tangents",
    "f_number_from_directivity",
]

_BISECTIONS = 60


def directivity(angle_rad: float, width_wavelengths: float) -> float:
    r"""Return the far-field response of a strip element in a soft baffle, 1 along its normal.

    .. math:: D(\theta) = \frac{\sin(\pi w \sin\theta)}{\pi w \sin\theta} \cos\theta

    Parameters
    ----------
    angle_rad : float
        Angle θ from the element's normal, rad.
    width_wavelengths : float
        Element width w in wavelengths.

    References
    ----------
    A. R. Selfridge, G. S. Kino, B. T. Khuri-Yakub, "A theory for the radiation pattern of a
    narrow-strip acoustic transducer", Appl. Phys. Lett. 37 (1980) 35-36.
    """
    return float(np.sinc(width_wavelengths * math.sin(angle_rad)) * math.cos(angle_rad))


def f_number_from_directivity(
    probe: Probe,
    *,
    sound_speed_m_s: float,
    frequency_hz: float | None = None,
    level_db: float = -3.0,
) -> float:
    r"""Return the F-number at whose rim the elements hear a point `level_db` less than in front.

    .. math:: D(\theta) = 10^{L/20}, \qquad F = \frac{1}{2 \tan\theta}

    A wider aperture would add elements that hear little of the echo and all of their own noise.

    Parameters
    ----------
    probe : Probe
        Whose element width is taken.
    sound_speed_m_s : float
        Sound speed, m/s.
    frequency_hz : float, optional
        Frequency of the response, Hz; the upper end of the probe's −6 dB band when absent, where
        elements are most directive.
    level_db : float
        Level L, dB, less than 0.

    Raises
    ------
    ArgumentError
        If a number is out of range.

    References
    ----------
    V. Perrot, M. Polichetti, F. Varray, D. Garcia, "So you think you can DAS? A viewpoint on
    delay-and-sum beamforming", Ultrasonics 111 (2021) 106309: section 2.3.
    """
    if frequency_hz is None:
        frequency_hz = probe.centre_frequency_hz * (1 + probe.fractional_bandwidth / 2)
    for name, value in (("sound_speed_m_s", sound_speed_m_s), ("frequency_hz", frequency_hz)):
        if not (math.isfinite(value) and value > 0):
            raise ArgumentError(f"{name} must be positive and finite, got {value}")
    if not -math.inf < level_db < 0:
        raise ArgumentError(f"level_db must be finite and less than 0, got {level_db}")
    width_wavelengths = probe.element_width_m * frequency_hz / sound_speed_m_s
    level = 10 ** (level_db / 20)
    # D falls from 1 to its first zero, and nowhere rises before it.
    near_rad = 0.0
    far_rad = math.asin(min(1.0, 1 / width_wavelengths))
    for _ in range(_BISECTIONS):
        middle_rad = (near_rad + far_rad) / 2
        if directivity(middle_rad, width_wavelengths) > level:
            near_rad = middle_rad
        else:
            far_rad = middle_rad
    return 1 / (2 * math.tan(far_rad))


def element_size_wavelengths(geometry: Geometry) -> tuple[float, float]:
    """Return element width and height in wavelengths of the pulse at the receive sound speed.

    The elements of a matrix array are square where their height is not given. Those of any other
    array are tall and focused by a lens in that direction, where the far field's factor does not
    hold: their height counts as 0, which has no effect.
    """
    probe = geometry.probe
    frequency_hz = geometry.sequence.frequency_hz or probe.centre_frequency_hz
    per_m = frequency_hz / geometry.receive.sound_speed_m_s
    height_m = 0.0
    if probe.kind is ArrayKind.MATRIX:
        height_m = probe.element_height_m or probe.element_width_m
    return probe.element_width_m * per_m, height_m * per_m


def element_tangents(probe: Probe) -> NDArray[np.float64]:
    """Return unit vectors along the element widths, (n_elements, 3): at right angles to y.

    An element that looks along y has its width along x.
    """
    normals = probe.element_normals
    tangents = np.column_stack((normals[:, 2], np.zeros(len(normals)), -normals[:, 0]))
    length = np.linalg.norm(tangents, axis=1, keepdims=True)
    along_x = np.array([1.0, 0.0, 0.0])
    return np.asarray(np.where(length > 0, tangents / np.where(length > 0, length, 1), along_x))
