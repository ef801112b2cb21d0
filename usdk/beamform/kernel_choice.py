"""Which kernel: the fastest that is exact for the geometry and the method, and why."""

from __future__ import annotations

from usdk.beamform import plan_shift
from usdk.beamform.geometry import Geometry
from usdk.beamform.options import Alignment, Interpolation, Kernel, Method
from usdk.beamform.plan import Plan
from usdk.beamform.plan_aligned import AlignedPlan
from usdk.beamform.plan_general import GeneralPlan
from usdk.beamform.plan_resampled import ResampledPlan, aligned_geometry
from usdk.beamform.plan_shift import ShiftPlan
from usdk.beamform.plan_upsampled import UpsampledPlan
from usdk.beamform.upsampling import FACTOR, Upsampling
from usdk.errors import ArgumentError

__all__ = ["choose_plan"]


def choose_plan(
    geometry: Geometry, method: Method, wanted: Kernel | None
) -> tuple[Kernel, Plan, str]:
    """Return the kernel wanted, or the fastest that is exact, its plan, and why it is that one.

    Where the method allows it, columns for which only the general kernel is exact are resampled
    from those of a faster one.

    Raises
    ------
    ArgumentError
        If the kernel asked for does not apply.
    """
    if method.interpolation is Interpolation.BAND_LIMITED:
        upsampling = Upsampling(geometry, method)
        kernel, inner, why = choose_plan(upsampling.geometry, upsampling.method, wanted)
        why += f"; channel data upsampled {FACTOR} times"
        return kernel, UpsampledPlan(inner, upsampling), why
    others = (Kernel.GENERAL, Kernel.ALIGNED)
    if method.alignment is Alignment.EXACT or wanted in others:
        return _choose_exact(geometry, method, wanted)
    if plan_shift.why_not_exact(geometry, method) is None:
        return _choose_exact(geometry, method, wanted)
    aligned, reason = aligned_geometry(geometry, method)
    if not method.is_sum:
        reason = "only sums are"
    elif aligned is not None:
        unfit = plan_shift.why_not_exact(aligned, method)
        if unfit is None:
            kernel, inner, why = _choose_exact(aligned, method, wanted)
            if kernel not in others:
                why += f"; columns resampled from {aligned.scan.shape[0]} aligned ones"
                return kernel, ResampledPlan(inner, aligned.scan, geometry.scan), why
        reason = unfit or "the general kernel is faster"
    kernel, plan, why = _choose_exact(geometry, method, wanted)
    return kernel, plan, f"{why}; not resampled: {reason}"


def _choose_exact(
    geometry: Geometry, method: Method, wanted: Kernel | None
) -> tuple[Kernel, Plan, str]:
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
    reason = plan_shift.why_not_exact(geometry, method)
    if reason is None:
        plan = ShiftPlan(geometry, method)
        place = "the pitch" if plan.per_pitch == 1 else f"1/{plan.per_pitch} of the pitch"
        if wanted is Kernel.SHIFT and not plan.is_too_large:
            return Kernel.SHIFT, plan, f"as asked, columns on {place}"
        reason = plan_shift.why_not_better(plan)
        if reason is None:
            why = f"plane waves, columns on {place} of a uniform linear array"
            return Kernel.SHIFT, plan, why
    if wanted is Kernel.SHIFT:
        raise ArgumentError(
            f"the shift kernel does not apply: {reason}; use kernel='general' or None"
        )
    why = f"exact for any geometry (not shift: {reason})"
    return Kernel.GENERAL, GeneralPlan(geometry, method), why
