r"""Insonification: how much of a transmit's beam reaches a point.

Retrospective transmit beamforming takes every transmit for a wave from a virtual source (a focus,
a point behind the array, an element, infinity) and adds at each point the transmits whose beams
reach it. Across the beam the share is 1 in the middle and falls smoothly to 0:

- *Focused wave*: the double cone from the edges of the active aperture through the focus. At the
  axial distance ζ from the focus its half-width is :math:`\sqrt{(ζ h)^2 + w^2}`, where h is half
  the aperture over the focal length and :math:`w = λ / 2h = λ F` the waist: the distance from the
  focus to the first zero of the field of an aperture of F-number F. The outer half of it is
  tapered (half a Hann window).
- *Diverging wave*: the sector from the virtual source through the edges of the active aperture.
- *Plane wave*: the strip that the active aperture lights, along the direction of travel.
- *Single element*: the front half space, by the element's directivity in a soft baffle.

The edge of a sector or a strip is as soft as diffraction makes it: the share falls from 1 to 0
over the half-width :math:`\sqrt{λ r_2 (r_1 + r_2) / r_1}` of the first Fresnel zone on either side
of the geometrical edge, with r1 from the source to the aperture and r2 from there on, and is a
half on it, as the field of a straight edge is.

References
----------
C. H. Frazier, W. D. O'Brien, "Synthetic aperture techniques with a virtual source element", IEEE
TUFFC 45(1), 1998. M.-H. Bae, M.-K. Jeong, "A study of synthetic-aperture imaging with virtual
source elements in B-mode ultrasound imaging systems", IEEE TUFFC 47(6), 2000. M. Born, E. Wolf,
"Principles of Optics", 7th ed., sections 8.2 (Fresnel zones), 8.5 (waist) and 8.7.3 (edge).
A. R. Selfridge, G. S. Kino, B. T. Khuri-Yakub, Appl. Phys. Lett. 37(1), 1980 (directivity).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from usdk.errors import ArgumentError
from usdk.probe import Probe
from usdk.transmit import DivergingWave, FocusedWave, PlaneWave, SingleElement, Transmit

__all__ = ["insonification", "waist_m"]

_Array = NDArray[np.float64]
_TAPER = 0.5  # share of a focused beam's half-width that is tapered
# Elements are taken to stand at least this share of the focal length before the focus.
_LEAST_AXIAL = 0.05


def insonification(
    transmit: Transmit, points_m: _Array, probe: Probe, wavelength_m: float
) -> _Array:
    """Return the share of a transmit's beam that reaches each point, (n_points,), 0 to 1.

    Across a direction in which the probe has one row of elements only, every point counts as lit.

    Parameters
    ----------
    transmit : Transmit
        Plane, diverging or focused wave, or single element.
    points_m : ndarray, (n_points, 3), float64
        Points, m.
    probe : Probe
        Sends the transmit.
    wavelength_m : float
        Of the pulse, m.

    Raises
    ------
    ArgumentError
        If the transmit is of another kind, or its aperture is not the probe's.
    """
    if isinstance(transmit, FocusedWave):
        return _double_cone(transmit, points_m, probe, wavelength_m)
    if isinstance(transmit, DivergingWave):
        return _sector(transmit, points_m, probe, wavelength_m)
    if isinstance(transmit, PlaneWave):
        return _strip(transmit, points_m, probe, wavelength_m)
    if isinstance(transmit, SingleElement):
        return _directivity(transmit, points_m, probe, wavelength_m)
    raise ArgumentError(f"the beam of a {transmit.kind} transmit is not known: use 'compound'")


def waist_m(transmit: FocusedWave, probe: Probe, wavelength_m: float) -> float:
    """Return the half-width of a focused beam at its focus, m, along the array."""
    axis = _axis(transmit)
    across = _across(axis, probe)
    if not across:
        return float("inf")
    _, half = _cone(transmit, axis, across[0], probe)
    return wavelength_m / (2 * half)


def _double_cone(wave: FocusedWave, points_m: _Array, probe: Probe, wavelength_m: float) -> _Array:
    axis = _axis(wave)
    offset_m = points_m - np.array(wave.focus_m)
    axial_m = offset_m @ axis
    share = np.ones(points_m.shape[0])
    for side in _across(axis, probe):
        middle, half = _cone(wave, axis, side, probe)
        # The middle of the aperture need not lie where the axis leaves the array.
        across_m = np.abs(offset_m @ side + middle * axial_m)
        place = across_m / np.hypot(axial_m * half, wavelength_m / (2 * half))
        share *= _fall((place - 1 + _TAPER) / _TAPER)
    return share


def _axis(wave: FocusedWave) -> _Array:
    axis = np.array(wave.focus_m) - np.array(wave.origin_m)
    return np.asarray(axis / np.linalg.norm(axis))


def _cone(wave: FocusedWave, axis: _Array, side: _Array, probe: Probe) -> tuple[float, float]:
    """Return middle and half of the slopes of the rays from the focus to the active aperture."""
    offset_m = _active_m(wave, probe) - np.array(wave.focus_m)
    focal_length_m = float(np.linalg.norm(np.array(wave.focus_m) - np.array(wave.origin_m)))
    axial_m = np.maximum(-(offset_m @ axis), _LEAST_AXIAL * focal_length_m)
    slopes = (offset_m @ side) / axial_m
    reach = probe.element_width_m / 2 / axial_m
    low, high = float((slopes - reach).min()), float((slopes + reach).max())
    return (low + high) / 2, (high - low) / 2


def _sector(wave: DivergingWave, points_m: _Array, probe: Probe, wavelength_m: float) -> _Array:
    source_m = np.array(wave.source_m)
    active_m = _active_m(wave, probe) - source_m
    axis = active_m.mean(axis=0)
    length_m = float(np.linalg.norm(axis))
    if length_m <= probe.pitch_m / 2:
        # The source lies on the aperture: its edges stand at a right angle.
        axis, length_m = np.array([0.0, 0.0, 1.0]), probe.pitch_m / 2
    axis = axis / np.linalg.norm(axis)
    offset_m = points_m - source_m
    range_m = np.linalg.norm(offset_m, axis=1)
    share = np.ones(points_m.shape[0])
    for side in _across(axis, probe):
        angle_rad = np.arctan2(offset_m @ side, offset_m @ axis)
        active_rad = np.arctan2(active_m @ side, active_m @ axis)
        reach_rad = probe.element_width_m / 2 / np.linalg.norm(active_m, axis=1).clip(length_m)
        beyond_m = np.maximum(range_m - length_m, 0.0)
        soft_rad = np.sqrt(wavelength_m * beyond_m / (np.maximum(range_m, length_m) * length_m))
        soft_rad = np.maximum(soft_rad, wavelength_m / np.maximum(range_m, length_m))
        share *= _soft((angle_rad - (active_rad + reach_rad).max()) / soft_rad)
        share *= _soft(((active_rad - reach_rad).min() - angle_rad) / soft_rad)
    return share


def _strip(wave: PlaneWave, points_m: _Array, probe: Probe, wavelength_m: float) -> _Array:
    active_m = _active_m(wave, probe)
    travelled_m = (points_m - active_m.mean(axis=0)) @ wave.direction
    soft_m = np.sqrt(wavelength_m * np.maximum(travelled_m, wavelength_m))
    share = np.ones(points_m.shape[0])
    for side in _across(wave.direction, probe):
        across_m, edges_m = points_m @ side, active_m @ side
        reach_m = probe.element_width_m / 2
        share *= _soft((across_m - (edges_m.max() + reach_m)) / soft_m)
        share *= _soft(((edges_m.min() - reach_m) - across_m) / soft_m)
    return share


def _directivity(
    transmit: SingleElement, points_m: _Array, probe: Probe, wavelength_m: float
) -> _Array:
    if transmit.element >= probe.n_elements:
        raise ArgumentError(f"element {transmit.element} does not exist in {probe.name}")
    normal = probe.element_normals[transmit.element]
    offset_m = points_m - probe.element_positions_m[transmit.element]
    range_m = np.maximum(np.linalg.norm(offset_m, axis=1), 1e-12)
    cosine = (offset_m @ normal) / range_m
    share = np.maximum(cosine, 0.0)
    sides = _across(normal, probe)
    widths_m = (probe.element_width_m, probe.element_height_m or probe.element_width_m)
    for side, width_m in zip(sides, widths_m, strict=False):
        sine = (offset_m @ side) / range_m
        place = width_m / wavelength_m * sine
        # Beyond the first zero an element sends with the other sign, and little.
        share *= np.where(np.abs(place) < 1, np.sinc(place), 0.0)
    return np.asarray(share)


def _active_m(transmit: Transmit, probe: Probe) -> _Array:
    """Return the positions of the elements that fire, (n, 3)."""
    if transmit.aperture is None:
        return probe.element_positions_m
    first, stop = transmit.aperture
    if stop > probe.n_elements:
        raise ArgumentError(
            f"aperture {transmit.aperture} needs {stop} elements, {probe.name} has "
            f"{probe.n_elements}"
        )
    return probe.element_positions_m[first:stop]


def _across(direction: _Array, probe: Probe) -> list[_Array]:
    """Return unit vectors across a direction, in which there are several rows of elements."""
    along = np.array([1.0, 0.0, 0.0])
    if abs(direction[0]) > 0.99:
        along = np.array([0.0, 0.0, 1.0])
    first = along - (along @ direction) * direction
    first /= np.linalg.norm(first)
    sides = (first, np.cross(direction, first))
    least_m = probe.pitch_m / 100
    return [side for side in sides if np.ptp(probe.element_positions_m @ side) > least_m]


def _fall(place: _Array) -> _Array:
    """Return half a Hann window: 1 up to 0, 0 from 1 on."""
    return np.asarray(0.5 + 0.5 * np.cos(np.pi * np.clip(place, 0.0, 1.0)))


def _soft(place: _Array) -> _Array:
    """Return an edge at 0: 1 up to −1, 0 from 1 on."""
    return np.asarray(0.5 - 0.5 * np.sin(np.pi / 2 * np.clip(place, -1.0, 1.0)))
