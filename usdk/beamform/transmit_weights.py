"""Transmit weights: how much of every transmit goes into every point."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from usdk.beamform.geometry import Geometry
from usdk.beamform.insonification import insonification
from usdk.beamform.options import TransmitWeighting
from usdk.errors import ArgumentError
from usdk.transmit import FocusedWave, Transmit

__all__ = ["natural_weighting", "transmit_weights"]

_Array = NDArray[np.float64]


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

    ``lines`` for focused beams, which costs least; ``retrospective`` where such a beam stands
    alone in a group, which the nearest beams cannot share; ``compound`` for all else.
    """
    if not all(isinstance(t, FocusedWave) for t in geometry.sequence.transmits):
        return TransmitWeighting.COMPOUND
    if len(groups) > 1 and min(map(len, groups)) == 1:
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
