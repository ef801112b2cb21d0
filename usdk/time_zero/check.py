"""Is sample 0 where the recording says it is? Told from the echoes of bright points."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import Acquisition, require_acquisition, require_finite
from usdk.arguments import positive
from usdk.demodulation import demodulate
from usdk.errors import ArgumentError
from usdk.scan import Scan
from usdk.time_zero.bright_points import default_scan
from usdk.time_zero.conventions import convention_offsets_s
from usdk.time_zero.report import TimeZeroReport, Verdict
from usdk.time_zero.search import Search

__all__ = ["check_time_zero"]

_Array = NDArray[np.float64]
# Between transmits; an eighth is the phase by which a line focus and a point source differ (Gouy).
_RIGHT_PERIODS = 0.2
_MAX_PASSES = 3
_LEAST_COHERENCE = 0.2  # of elements at a point, below which it is no echo of one


def check_time_zero(
    acquisition: Acquisition,
    *,
    frame: int = 0,
    scan: Scan | None = None,
    max_offset_s: float | None = None,
) -> TimeZeroReport:
    """Return whether the time of sample 0 is right, and by how much it is off.

    At a bright point the images of all transmits must agree in phase. Their echoes of the
    brightest points are correlated, which gives the offset of every transmit against the others
    to a small fraction of a period; then the offset that all share is sought at which elements
    and transmits focus best, which is known to about a period only.

    Parameters
    ----------
    acquisition : Acquisition
        RF or IQ with a few bright points in it, of a phantom for example; speckle works, worse.
    frame : int
        Frame to look at.
    scan : Scan
        Where to look for points; lines over the recorded depth when absent.
    max_offset_s : float, optional
        Greatest offset to look for, s; what the usual wrong references would give, and four
        pulses, when absent.

    Returns
    -------
    TimeZeroReport
        ``print`` it, or ask for its ``verdict``.

    Raises
    ------
    ArgumentError
        If there is no such frame, its samples are not finite, or an offset is not positive.

    Notes
    -----
    An echo's envelope peaks half a two-way pulse after the instant to which time zero refers, so
    a common offset of up to that, and its error, is taken for right. A wrong sound speed looks
    like a common offset, and a transmit of the wrong polarity like half a period.

    References
    ----------
    R. Mallart, M. Fink, "Adaptive focusing in scattering media through sound-speed
    inhomogeneities: The van Cittert Zernike approach and focusing criterion", J. Acoust. Soc. Am.
    96(6), 1994 (coherence factor).
    """
    require_acquisition(acquisition)
    if not -acquisition.n_frames <= frame < acquisition.n_frames:
        raise ArgumentError(f"there is no frame {frame} in {acquisition.n_frames}")
    if max_offset_s is not None:
        # Data offset by more than their own length show nothing where one looks.
        record_s = acquisition.receive.n_samples / acquisition.receive.sampling_frequency_hz
        if positive(max_offset_s, "max_offset_s") > record_s:
            raise ArgumentError(
                f"max_offset_s must be at most the record's length, {record_s:g} s, "
                f"got {max_offset_s}"
            )
    frame %= acquisition.n_frames
    one = acquisition[frame : frame + 1]
    if not np.any(one.data):
        return _untold(acquisition, "the recording is silent")
    if one.is_iq:
        require_finite(one)
    iq = one if one.is_iq else demodulate(one)
    period_s = 1 / iq.transmit_frequency_hz
    pulse_s = period_s * (iq.sequence.n_cycles + 1 / iq.probe.fractional_bandwidth)
    conventions_s = convention_offsets_s(iq)
    if max_offset_s is None:
        max_offset_s = max(float(np.abs(v).max()) for v in conventions_s.values()) + 4 * pulse_s
    search = Search(scan or default_scan(iq), max_offset_s, period_s, pulse_s, conventions_s)
    found = search.read(iq)
    common_s = found.common_s
    for _ in range(_MAX_PASSES - 1):
        # Out of focus little is alike: look again with the clock set right by what was found.
        if not abs(found.common_s) > 2 * period_s:
            break
        found = search.read(_later(iq, -common_s))
        common_s += found.common_s
    if not len(found.points_m):
        return _untold(acquisition, "no point stands out in the picture")
    if found.focus < _LEAST_COHERENCE:
        return _untold(acquisition, "the elements do not hear the same echo of any bright point")
    offsets_s = found.offsets_s
    is_told = np.count_nonzero(~np.isnan(offsets_s)) > 1
    report = TimeZeroReport(
        verdict=Verdict.RIGHT,
        reason="",
        n_points=len(found.points_m),
        period_s=period_s,
        coherence=found.coherence,
        coherence_corrected=found.coherence_corrected,
        transmit_offsets_s=tuple(offsets_s.tolist()) if is_told else (math.nan,) * len(offsets_s),
        convention=found.convention,
        common_offset_s=common_s,
        common_uncertainty_s=found.error_s,
        recorded_time_zero_s=acquisition.receive.time_zero_s,
    )
    verdict, reason = _verdict(report, pulse_s)
    return replace(report, verdict=verdict, reason=reason)


def _later(iq: Acquisition, later_s: float) -> Acquisition:
    times_s = tuple(time_s + later_s for time_s in iq.receive.time_zero_s)
    return replace(iq, receive=replace(iq.receive, time_zero_s=times_s))


def _verdict(report: TimeZeroReport, pulse_s: float) -> tuple[Verdict, str]:
    told = [value for value in report.transmit_offsets_s if not math.isnan(value)]
    worst_s = max(map(abs, told), default=0.0)
    if worst_s > _RIGHT_PERIODS * report.period_s:
        return Verdict.WRONG, (
            f"transmits are up to {worst_s * 1e6:.3f} µs apart, "
            f"{worst_s / report.period_s:.2f} periods"
        )
    common_s = report.common_offset_s
    error_s = report.common_uncertainty_s
    # The middle of an echo is half a pulse late of itself.
    if common_s < -error_s or common_s > error_s + pulse_s / 2:
        side = "late" if common_s > 0 else "early"
        return Verdict.WRONG, f"all transmits are {abs(common_s) * 1e6:.2f} µs too {side}"
    if told and len(told) < len(report.transmit_offsets_s) / 2:
        return Verdict.UNTOLD, "most transmits show no point that another one shows"
    n_transmits = len(report.transmit_offsets_s)
    if n_transmits > 1 and not told:
        return Verdict.UNTOLD, "no transmit shows a point that another one shows"
    if math.isnan(common_s):
        if n_transmits == 1:
            return Verdict.UNTOLD, "a single transmit, whose focus does not tell its offset"
        return Verdict.RIGHT, "the transmits agree; a common offset cannot be told"
    if n_transmits == 1:
        return Verdict.RIGHT, "a single transmit, whose echoes are in focus"
    return Verdict.RIGHT, "the transmits agree and their echoes are in focus"


def _untold(acquisition: Acquisition, reason: str) -> TimeZeroReport:
    n_transmits = len(acquisition.sequence)
    return TimeZeroReport(
        verdict=Verdict.UNTOLD,
        reason=reason,
        n_points=0,
        period_s=1 / acquisition.transmit_frequency_hz,
        coherence=math.nan,
        coherence_corrected=math.nan,
        transmit_offsets_s=(math.nan,) * n_transmits,
        convention="",
        common_offset_s=math.nan,
        common_uncertainty_s=math.nan,
        recorded_time_zero_s=acquisition.receive.time_zero_s,
    )
