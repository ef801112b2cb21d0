"""Plan of groups of transmits that are beamformed apart: incoherent compounding, or an image each.

Incoherent compounding averages envelopes, which are uncorrelated speckle where the groups look
from different sides: its contrast falls by the square root of their number, and so does the
resolution that coherent compounding would have gained. S. W. Smith, R. F. Wagner, J. M. Sandrik,
H. Lopez, "Low contrast detectability and contrast/detail analysis in medical ultrasound", IEEE
Trans. Sonics Ultrason. 30(3), 1983.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.beamform.geometry import Geometry
from usdk.beamform.kernel_choice import choose_plan
from usdk.beamform.options import Compounding, Kernel, Method, TransmitWeighting
from usdk.beamform.plan import Plan
from usdk.beamform.point_tables import MAX_PLAN_BYTES
from usdk.beamform.transmit_groups import groups_of, part_of
from usdk.beamform.transmit_weights import transmit_weights
from usdk.errors import ArgumentError
from usdk.scratch import Scratch
from usdk.tiles import run_tiles
from usdk_kernels.envelope import envelope_iq

__all__ = ["POINTS_PER_TILE", "CompoundedPlan"]

POINTS_PER_TILE = 16_384


class CompoundedPlan:
    """One plan per group of transmits, and what is made of their images.

    Parameters
    ----------
    geometry, method
        What was measured, where to look, and how to sum; ``method.compounding`` is not coherent.
    wanted : Kernel, optional
        For every group; the fastest that is exact when absent.

    Raises
    ------
    ArgumentError
        If the kernel asked for does not apply, or the tables would be too large, or envelopes of
        RF, or of single lines, are asked for.
    """

    def __init__(self, geometry: Geometry, method: Method, wanted: Kernel | None) -> None:
        self._groups = groups_of(method.transmit_groups)
        self._averages = method.compounding is Compounding.INCOHERENT
        if self._averages:
            _require_envelopes(geometry, method, self._groups)
        inner = replace(method, compounding=Compounding.COHERENT, transmit_groups=())
        parts = [part_of(geometry, group) for group in self._groups]
        chosen = [choose_plan(part, inner, wanted) for part in parts]
        self.kernel, _, self.reason = chosen[0]
        self._plans: list[Plan] = [plan for _, plan, _ in chosen]
        self.n_tiles = sum(plan.n_tiles for plan in self._plans)
        self._shape = geometry.scan.shape
        self._dtype = geometry.dtype
        scattered = [group for group in self._groups if not _is_run(group)]
        self._copied = (max(map(len, scattered), default=0), *geometry.data_shape[1:])
        self._shares = _shares(parts, inner) if self._averages else None
        self._scratch = Scratch(self._room)
        self.n_bytes = sum(plan.n_bytes for plan in self._plans)
        with self._scratch.lent() as room:
            self.n_bytes += sum(array.nbytes for array in room)
        self.n_bytes += 0 if self._shares is None else self._shares.nbytes

    def __call__(self, data: NDArray[Any], out: NDArray[Any], threads: int | None) -> None:
        """Beamform one frame into the images of the groups, or into their mean envelope."""
        with self._scratch.lent() as (copy, image, level):
            for index, (group, plan) in enumerate(zip(self._groups, self._plans, strict=True)):
                if _is_run(group):
                    part = data[group[0] : group[-1] + 1]
                else:
                    part = copy[: len(group)]
                    for place, transmit in enumerate(group):
                        part[place] = data[transmit]
                plan(part, image if self._averages else out[index], threads)
                if self._averages:
                    self._add(index, image.reshape(-1), level, out.reshape(-1), threads)

    def _add(
        self,
        index: int,
        image: NDArray[np.complex64],
        level: NDArray[np.float32],
        out: NDArray[np.float32],
        threads: int | None,
    ) -> None:
        """Add the share of a group's envelope."""

        def add(points: slice) -> None:
            envelope_iq(image[points].reshape(1, -1), level[points].reshape(1, -1))
            if self._shares is None:
                level[points] *= np.float32(1 / len(self._groups))
            else:
                level[points] *= self._shares[index, points]
            if index == 0:
                out[points] = level[points]
            else:
                out[points] += level[points]

        starts = range(0, image.size, POINTS_PER_TILE)
        run_tiles(add, [slice(first, first + POINTS_PER_TILE) for first in starts], threads=threads)

    def _room(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return room for a group's data, its image and its envelope."""
        shape = self._shape if self._averages else (0,)
        return (
            np.empty(self._copied, self._dtype),
            np.empty(shape, self._dtype),
            np.empty(math.prod(shape), np.float32),
        )


def _require_envelopes(geometry: Geometry, method: Method, groups: list[tuple[int, ...]]) -> None:
    if not geometry.is_iq:
        raise ArgumentError(
            "incoherent compounding averages envelopes, which RF has not: demodulate first"
        )
    if method.weighting is TransmitWeighting.LINES and min(map(len, groups)) == 1 < len(groups):
        raise ArgumentError(
            "one line is no image: give the lines of each sweep one number in "
            "compounding_groups, or use weighting='retrospective'"
        )


def _shares(parts: list[Geometry], method: Method) -> NDArray[np.float32] | None:
    """Return the share of each group in the mean, (n_groups, n_points); None where all are equal.

    A group counts at a point by how much its beams insonify it, so that the mean does not darken
    where some of the groups do not look.
    """
    if method.weighting is not TransmitWeighting.RETROSPECTIVE or not method.normalize:
        return None
    points_m = parts[0].scan.points_m().reshape(-1, 3)
    n_bytes = 4 * len(parts) * points_m.shape[0]
    if n_bytes > MAX_PLAN_BYTES:
        raise ArgumentError(
            f"the shares of {len(parts)} groups would take {n_bytes / 2**30:.1f} GiB: take fewer "
            "points or fewer groups"
        )
    shares = np.empty((len(parts), points_m.shape[0]), np.float32)
    for first in range(0, points_m.shape[0], POINTS_PER_TILE):
        points = slice(first, first + POINTS_PER_TILE)
        for share, part in zip(shares, parts, strict=True):
            share[points] = transmit_weights(part, points_m[points], method.weighting).sum(axis=0)
        total = shares[:, points].sum(axis=0)
        shares[:, points] /= np.where(total > 0, total, 1)
    return shares


def _is_run(group: tuple[int, ...]) -> bool:
    return group == tuple(range(group[0], group[0] + len(group)))
