"""Transmit weights: how much of every transmit goes into every point."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.beamform.options import TransmitWeighting
from usdk.errors import ArgumentError
from usdk.transmit import FocusedWave, TransmitSequence

__all__ = ["transmit_weights"]


def transmit_weights(
    sequence: TransmitSequence, points_m: NDArray[np.float64], weighting: TransmitWeighting
) -> NDArray[np.float32]:
    """Return the share of every transmit in every point, (n_transmits, n_points)."""
    n_transmits = len(sequence)
    if weighting is TransmitWeighting.COMPOUND or n_transmits == 1:
        return np.ones((n_transmits, points_m.shape[0]), np.float32)
    distances_m = np.stack([_distance_to_axis_m(t, points_m) for t in sequence.transmits])
    nearest = np.argpartition(distances_m, 1, axis=0)[:2]
    pair_m = np.take_along_axis(distances_m, nearest, axis=0)
    shares = np.where(pair_m.sum(axis=0) > 0, pair_m[::-1] / (pair_m.sum(axis=0) + 1e-30), 0.5)
    weights = np.zeros(distances_m.shape, np.float32)
    np.put_along_axis(weights, nearest, shares.astype(np.float32), axis=0)
    return weights


def _distance_to_axis_m(transmit: Any, points_m: NDArray[np.float64]) -> NDArray[np.float64]:
    if not isinstance(transmit, FocusedWave):
        raise ArgumentError(f"a {transmit.kind} transmit has no axis: use weighting='compound'")
    origin_m = np.array(transmit.origin_m)
    axis = np.array(transmit.focus_m) - origin_m
    axis /= np.linalg.norm(axis)
    offset_m = points_m - origin_m
    across_m = offset_m - (offset_m @ axis)[:, None] * axis
    return np.asarray(np.linalg.norm(across_m, axis=1))
