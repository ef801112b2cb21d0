"""Dealiased: a flow map beyond Nyquist, and what was added where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from usdk.doppler.flow_map import FlowMap

__all__ = ["Dealiased"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Dealiased:
    """A flow map without aliasing.

    Parameters
    ----------
    flow_map : FlowMap
        Velocities that may be greater than the Nyquist velocity of the map they came from; power
        and spread are those that were measured.
    n_wraps : ndarray of int16, (n_lines, n_samples)
        k of each point: 2 k times the (first) measured map's Nyquist velocity was added.
    """

    flow_map: FlowMap
    n_wraps: NDArray[np.int16]
