"""Transmit weights: how much of every transmit goes into every point."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from usdk.beamform.geometry import Geometry
from usdk.beamform.insonification import insonification, waist_m
from usdk.beamform.options import TransmitWeighting
from usdk.beamform.transmit_groups import part_of
from usdk.errors import ArgumentError
from usdk.transmit import FocusedWave, Transmit

__all__ = ["natural_weighting", "transmit_weights"]

_Array = NDArray[np.float64]
# Beams whose axes stand closer together than this share of their waists leave no gap at the focus.
_FARTHEST_NEIGHBOUR = 1.5
_SAME_AXIS_M = 1e-6


def transmit_weights(
    geometry: Geometry, points_m: _Array, weighting: TransmitWeighting
) -> NDArray[np.float32]:
    """Return the share of every transmit in every point, (n_transmits, n_points).

    Raises
    ------
    ArgumentError
        If a transmit has no axis to be near (``lines``), or no known beam (``retrospective``).
    """
    transmits = geometry.sequence.transmits
    if weighting is TransmitWeighting.RETROSPECTIVE:
        wavelength_m = geometry.wavelength_m
        shares = np.empty((len(transmits), points_m.shape[0]), np.float32)
        for row, transmit in zip(shares, transmits, strict=True):
            row[:] = insonification(transmit, points_m, geometry.probe, wavelength_m)
        return shares
    if weighting is TransmitWeighting.COMPOUND or len(transmits) == 1:
        return np.ones((len(transmits), points_m.shape[0]), np.float32)
    distances_m = np.stack([_distance_to_axis_m(t, points_m) for t in transmits])
    nearest = np.argpartition(distances_m, 1, axis=0)[:2]
    pair_m = np.take_along_axis(distances_m, nearest, axis=0)
    halves = np.where(pair_m.sum(axis=0) > 0, pair_m[::-1] / (pair_m.sum(axis=0) + 1e-30), 0.5)
    weights = np.zeros(distances_m.shape, np.float32)
    np.put_along_axis(weights, nearest, halves.astype(np.float32), axis=0)
    return weights


def natural_weighting(
    geometry: Geometry, groups: Sequence[tuple[int, ...]] = ()
) -> TransmitWeighting:
    """Return the weighting that suits the transmits, summed coherently in groups if there are any.

    ``retrospective`` for focused beams that overlap at their foci, or that stand alone in a group;
    ``lines`` for focused beams that do not overlap, and ``compound`` for all else.
    """
    if len(groups) > 1:
        if not all(isinstance(t, FocusedWave) for t in geometry.sequence.transmits):
            return TransmitWeighting.COMPOUND
        sweeps = [part_of(geometry, group) for group in groups if len(group) > 1]
        if len(sweeps) < len(groups) or TransmitWeighting.LINES not in map(
            natural_weighting, sweeps
        ):
            return TransmitWeighting.RETROSPECTIVE
        return TransmitWeighting.LINES
    waves = [t for t in geometry.sequence.transmits if isinstance(t, FocusedWave)]
    if len(waves) < len(geometry.sequence):
        return TransmitWeighting.COMPOUND
    foci_m = np.array([wave.focus_m for wave in waves])
    nearest_m = np.full(len(waves), np.inf)
    for wave in waves:
        distance_m = _distance_to_axis_m(wave, foci_m)
        others = distance_m > _SAME_AXIS_M
        nearest_m[others] = np.minimum(nearest_m, distance_m)[others]
    waists_m = [waist_m(wave, geometry.probe, geometry.wavelength_m) for wave in waves]
    if np.all(nearest_m <= _FARTHEST_NEIGHBOUR * np.array(waists_m)):
        return TransmitWeighting.RETROSPECTIVE
    return TransmitWeighting.LINES


def _distance_to_axis_m(transmit: Transmit, points_m: _Array) -> _Array:
    if not isinstance(transmit, FocusedWave):
        raise ArgumentError(
            f"a {transmit.kind} transmit has no axis: use weighting='compound' or 'retrospective'"
        )
    origin_m = np.array(transmit.origin_m)
    axis = np.array(transmit.focus_m) - origin_m
    axis /= np.linalg.norm(axis)
    offset_m = points_m - origin_m
    across_m = offset_m - (offset_m @ axis)[:, None] * axis
    return np.asarray(np.linalg.norm(across_m, axis=1))
