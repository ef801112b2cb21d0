"""Aligned data of a run of points, whatever kernel and combination their beamformer has."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

from numpy.typing import NDArray

from usdk.beamform.aligned_data import AlignedData
from usdk.beamform.geometry import Geometry
from usdk.beamform.options import Interpolation, Method
from usdk.beamform.plan_aligned import AlignedPlan
from usdk.beamform.upsampling import Upsampling
from usdk.errors import ArgumentError

__all__ = ["AlignedReader"]


class AlignedReader:
    """Reads aligned data; planned when it is first asked, and anew for other points.

    Parameters
    ----------
    geometry, method
        What was measured, where to look, and how samples are read.
    """

    def __init__(self, geometry: Geometry, method: Method) -> None:
        self._geometry, self._method = geometry, method
        self._planned: tuple[slice, AlignedPlan] | None = None

    @cached_property
    def _upsampling(self) -> Upsampling | None:
        if self._method.interpolation is not Interpolation.BAND_LIMITED:
            return None
        return Upsampling(self._geometry, self._method)

    def __call__(self, data: NDArray[Any], points: slice, threads: int | None) -> AlignedData:
        """Return the aligned data of one frame, as `Beamformer.aligned` describes them.

        Raises
        ------
        ArgumentError
            If the points are too many, or a slice with a step.
        """
        if points.step not in (None, 1):
            raise ArgumentError(f"points must be a slice without a step, got {points}")
        first, stop, _ = points.indices(math.prod(self._geometry.scan.shape))
        plan = self._plan(slice(first, max(first, stop)))
        upsampling = self._upsampling
        if upsampling is None:
            return plan.aligned(data, threads)
        fine = upsampling.take(data, threads)
        aligned = plan.aligned(fine, threads)
        upsampling.give_back(fine)
        return aligned

    def _plan(self, points: slice) -> AlignedPlan:
        # Frames of one run of points share a plan.
        planned = self._planned
        if planned is None or planned[0] != points:
            AlignedPlan.require_memory(self._geometry, points.stop - points.start)
            geometry, method = (
                (self._geometry, self._method)
                if self._upsampling is None
                else (self._upsampling.geometry, self._upsampling.method)
            )
            planned = (points, AlignedPlan(geometry, method, points))
            self._planned = planned
        return planned[1]
