"""Which kernel: the fastest that is exact for the geometry and the method, and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from usdk.beamform import plan_lattice, plan_range, plan_shift
from usdk.beamform.geometry import Geometry
from usdk.beamform.options import Alignment, Interpolation, Kernel, Method
from usdk.beamform.plan import FastPlan, Plan
from usdk.beamform.plan_aligned import AlignedPlan
from usdk.beamform.plan_general import GeneralPlan
from usdk.beamform.plan_lattice import LatticePlan
from usdk.beamform.plan_range import RangePlan
from usdk.beamform.plan_resampled import ResampledPlan, aligned_geometry
from usdk.beamform.plan_shift import ShiftPlan
from usdk.beamform.plan_shift_fine import ShiftFinePlan
from usdk.beamform.plan_upsampled import UpsampledPlan
from usdk.beamform.upsampling import Upsampling
from usdk.errors import ArgumentError

__all__ = ["choose_plan"]

_Choice = tuple[Kernel, Plan, str]
# The faster first; of each what says whether it is exact, and its plan.
_FAST: tuple[
    tuple[
        Kernel,
        Callable[[Geometry, Method], str | None],
        Callable[[Geometry, Method], FastPlan],
    ],
    ...,
] = (
    (Kernel.SHIFT, plan_shift.why_not_exact, ShiftPlan),
    (Kernel.LATTICE, plan_lattice.why_not_exact, LatticePlan),
    (Kernel.RANGE, plan_range.why_not_exact, RangePlan),
)


def choose_plan(geometry: Geometry, method: Method, wanted: Kernel | None) -> _Choice:
    """Return the kernel wanted, or the fastest that is exact, its plan, and why it is that one.

    Where the method allows it, columns for which the shift-invariant kernel is not exact are
    resampled from those for which it is.

    Raises
    ------
    ArgumentError
        If the kernel asked for does not apply.
    """
    if method.alignment is Alignment.RESAMPLE and wanted in (None, Kernel.SHIFT):
        return _choose_resampled(geometry, method, wanted)
    return _choose(geometry, method, wanted)


def _choose(geometry: Geometry, method: Method, wanted: Kernel | None) -> _Choice:
    if method.interpolation is Interpolation.BAND_LIMITED:
        return _choose_upsampled(geometry, method, wanted)
    return _choose_exact(geometry, method, wanted)


def _choose_resampled(geometry: Geometry, method: Method, wanted: Kernel | None) -> _Choice:
    linear = replace(method, interpolation=Interpolation.LINEAR)
    if plan_shift.why_not_exact(geometry, linear) is None:
        return _choose(geometry, method, wanted)
    aligned, reason = aligned_geometry(geometry, method)
    if not method.is_sum:
        reason = "only sums are"
    elif aligned is not None:
        unfit = plan_shift.why_not_exact(aligned, linear)
        if unfit is None:
            kernel, inner, why = _choose(aligned, method, wanted)
            if kernel is Kernel.SHIFT:
                why += f"; columns resampled from {aligned.scan.shape[0]} aligned ones"
                return kernel, ResampledPlan(inner, aligned, geometry.scan), why
        reason = unfit or "another kernel is faster"
    kernel, plan, why = _choose(geometry, method, wanted)
    return kernel, plan, f"{why}; not resampled: {reason}"


def _choose_upsampled(geometry: Geometry, method: Method, wanted: Kernel | None) -> _Choice:
    linear = replace(method, interpolation=Interpolation.LINEAR)
    times = f"channel data upsampled {method.upsampling} times"
    if wanted in (None, Kernel.SHIFT) and plan_shift.why_not_exact(geometry, linear) is None:
        plan = ShiftFinePlan(geometry, method)
        reason = plan.why_not_better()
        if reason is None or (wanted is Kernel.SHIFT and not plan.is_too_large):
            # The elements' shifts are taken out while the data are upsampled.
            return Kernel.SHIFT, plan, f"{_asked(wanted)}{plan.why}; {times}"
    upsampling = Upsampling(geometry, method)
    kernel, inner, why = _choose_exact(upsampling.geometry, upsampling.method, wanted)
    return kernel, UpsampledPlan(inner, upsampling), f"{why}; {times}"


def _choose_exact(geometry: Geometry, method: Method, wanted: Kernel | None) -> _Choice:
    if wanted is Kernel.ALIGNED:
        return Kernel.ALIGNED, AlignedPlan(geometry, method), "as asked"
    if not method.is_sum:
        if wanted is not None:
            raise ArgumentError(
                f"the {wanted} kernel sums and cannot make a {method.combination.describe()}; "
                "use kernel='aligned' or None"
            )
        return Kernel.ALIGNED, AlignedPlan(geometry, method), "which the combination needs"
    if wanted is Kernel.GENERAL:
        return Kernel.GENERAL, GeneralPlan(geometry, method), "as asked"
    reason: str | None = None
    reasons: list[str] = []
    for kernel, why_not_exact, make_plan in _FAST:
        if wanted not in (None, kernel):
            continue
        reason = why_not_exact(geometry, method)
        if reason is None:
            plan = make_plan(geometry, method)
            reason = plan.why_not_better()
            if reason is None or (wanted is kernel and not plan.is_too_large):
                why = f"{plan.why} ({'; '.join(reasons)})" if reasons else plan.why
                return kernel, plan, _asked(wanted) + why
        reasons.append(f"not {kernel}: {reason}")
    if wanted is not None:
        raise ArgumentError(
            f"the {wanted} kernel does not apply: {reason}; use kernel='general' or None"
        )
    why = f"exact for any geometry ({'; '.join(reasons)})"
    return Kernel.GENERAL, GeneralPlan(geometry, method), why


def _asked(wanted: Kernel | None) -> str:
    return "" if wanted is None else "as asked: "
