"""Beamformer: delay-and-sum, planned once per geometry and executed per frame."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import Acquisition, ReceiveSettings
from usdk.das_plan_general import GeneralPlan
from usdk.das_plan_shift import (
    MAX_SKEWED_BYTES,
    ShiftPlan,
    why_not_exact,
    why_not_faster,
)
from usdk.errors import ArgumentError
from usdk.probe import ArrayKind, Probe
from usdk.scan import LinearScan, Scan
from usdk.transmit import FocusedWave, TransmitSequence
from usdk_kernels import das

__all__ = ["Beamformer", "Interpolation", "Kernel", "TransmitWeighting", "Window"]


class Window(StrEnum):
    """Apodization across the receive aperture."""

    BOXCAR = "boxcar"
    HANN = "hann"
    TUKEY = "tukey"


class Interpolation(StrEnum):
    """How channel data are read between samples."""

    NEAREST = "nearest"
    LINEAR = "linear"
    CUBIC = "cubic"


class TransmitWeighting(StrEnum):
    """How the transmits share a point."""

    COMPOUND = "compound"
    """Every transmit counts alike at every point."""
    LINES = "lines"
    """The two beams nearest to a point share it, by nearness; on a beam's axis it alone counts."""


class Kernel(StrEnum):
    """Which kernel sums the samples; where both are exact they agree to float32 rounding."""

    GENERAL = "general"
    """Reads every sample by itself: any geometry, any interpolation."""
    SHIFT = "shift"
    """Adds runs of columns: plane waves, a uniform linear array, columns on a fraction of its
    pitch, linear interpolation."""


_WINDOW_CODES = {
    Window.BOXCAR: das.WINDOW_BOXCAR,
    Window.HANN: das.WINDOW_HANN,
    Window.TUKEY: das.WINDOW_TUKEY,
}
_INTERPOLATION_CODES = {
    Interpolation.NEAREST: das.INTERPOLATION_NEAREST,
    Interpolation.LINEAR: das.INTERPOLATION_LINEAR,
    Interpolation.CUBIC: das.INTERPOLATION_CUBIC,
}


class Beamformer:
    """Delay-and-sum over a scan.

    Parameters
    ----------
    probe, sequence, receive
        What made the channel data.
    scan : Scan
        Where to look.
    f_number : float, optional
        Depth over the width of the receive aperture, measured by each element's normal; 0 opens
        every element that the point lies in front of. When absent 1, and 0 for a phased array,
        which looks aside with all of its elements: 1 would see nothing beyond 27° from its axis.
    window : Window or str
        Apodization across that aperture.
    taper : float
        Tapered share of the Tukey window, 0 to 1.
    interpolation : Interpolation or str
        How channel data are read between samples.
    weighting : TransmitWeighting or str, optional
        How the transmits share a point; ``lines`` when all are focused, else ``compound``.
    normalize : bool
        Divide by the sum of the weights, so that brightness does not follow the aperture.
    kernel : Kernel or str, optional
        The fastest that is exact for the geometry when absent; `explain` says which and why.

    Raises
    ------
    ArgumentError
        If an option is unknown or out of range, or the kernel asked for does not apply.

    Notes
    -----
    The scan is cut into tiles that run on the SDK's threads; the result is the same, bit by bit,
    for any number of them.
    """

    def __init__(
        self,
        probe: Probe,
        sequence: TransmitSequence,
        receive: ReceiveSettings,
        scan: Scan,
        *,
        f_number: float | None = None,
        window: Window | str = Window.TUKEY,
        taper: float = 0.5,
        interpolation: Interpolation | str = Interpolation.LINEAR,
        weighting: TransmitWeighting | str | None = None,
        normalize: bool = True,
        kernel: Kernel | str | None = None,
    ) -> None:
        if f_number is None:
            f_number = 0.0 if probe.kind is ArrayKind.PHASED else 1.0
        if not (math.isfinite(f_number) and f_number >= 0):
            raise ArgumentError(f"f_number must be 0 (open) or positive, got {f_number}")
        if not 0 <= taper <= 1:
            raise ArgumentError(f"taper must be 0 to 1, got {taper}")
        if len(receive.time_zero_s) != len(sequence):
            raise ArgumentError(
                f"time_zero_s has {len(receive.time_zero_s)} entries for {len(sequence)} transmits"
            )
        if weighting is None:
            all_focused = all(isinstance(t, FocusedWave) for t in sequence.transmits)
            weighting = TransmitWeighting.LINES if all_focused else TransmitWeighting.COMPOUND
        self.probe, self.sequence, self.receive, self.scan = probe, sequence, receive, scan
        self.f_number, self.taper, self.normalize = float(f_number), float(taper), bool(normalize)
        self.window = _choice(Window, window)
        self.interpolation = _choice(Interpolation, interpolation)
        self.weighting = _choice(TransmitWeighting, weighting)
        self._plan, self._reason = self._choose(None if kernel is None else _choice(Kernel, kernel))

    @classmethod
    def for_acquisition(cls, acquisition: Acquisition, scan: Scan, **options: Any) -> Beamformer:
        """Plan for acquisitions like this one; options as for `Beamformer`."""
        return cls(acquisition.probe, acquisition.sequence, acquisition.receive, scan, **options)

    def explain(self) -> str:
        """Return which kernel runs and why."""
        kind = "IQ" if self.receive.demodulation_frequency_hz else "RF"
        return (
            f"{self.kernel} {kind} kernel, {self._reason}: "
            f"{len(self.sequence)} transmits ({self.weighting}), {self.probe.n_elements} elements, "
            f"{math.prod(self.scan.shape)} points in {self._plan.n_tiles} tiles, "
            f"{self.interpolation} interpolation, F-number {self.f_number:g}, {self.window} window"
        )

    @property
    def kernel(self) -> Kernel:
        """Which kernel runs."""
        return Kernel.SHIFT if isinstance(self._plan, ShiftPlan) else Kernel.GENERAL

    def __call__(
        self, data: NDArray[Any], *, out: NDArray[Any] | None = None, threads: int | None = None
    ) -> NDArray[Any]:
        """Return one beamformed frame.

        Parameters
        ----------
        data : ndarray, (n_transmits, n_elements, n_samples)
            One frame of channel data: complex64 IQ, or real RF (int16 is converted to float32).
        out : ndarray, optional
            Where to write: complex64 for IQ, float32 for RF, of the scan's shape.
        threads : int, optional
            Threads to use, 1 to `usdk.tiles.MAX_THREADS`; `usdk.tiles.n_threads` when absent.

        Returns
        -------
        ndarray, the scan's shape
            complex64 IQ or float32 RF along the scan's lines.

        Raises
        ------
        ArgumentError
            If the data are not those that were planned for.
        """
        data = np.asarray(data)
        expected = (len(self.sequence), self.probe.n_elements, self.receive.n_samples)
        if data.shape != expected:
            raise ArgumentError(
                f"data must have shape (n_transmits, n_elements, n_samples) = {expected}, "
                f"got {data.shape}; give one frame at a time"
            )
        is_iq = data.dtype.kind == "c"
        if is_iq != (self.receive.demodulation_frequency_hz > 0):
            raise ArgumentError(
                "planned for " + ("RF, got IQ data" if is_iq else "IQ, got RF: demodulate first")
            )
        dtype = np.complex64 if is_iq else np.float32
        # A read-only array is another type to the compiler, which would compile the kernel again.
        data = np.require(data, dtype, ("C", "W"))
        if out is None:
            out = np.empty(self.scan.shape, dtype)
        elif out.shape != self.scan.shape or out.dtype != dtype or not out.flags.c_contiguous:
            raise ArgumentError(f"out must be C-contiguous {dtype.__name__} of {self.scan.shape}")
        self._plan(data, out, threads)
        return out

    def _choose(self, wanted: Kernel | None) -> tuple[GeneralPlan | ShiftPlan, str]:
        """Return the plan of the kernel wanted, or of the fastest, and why it is that one."""
        if wanted is Kernel.GENERAL:
            return self._plan_general(), "as asked"
        reason = why_not_exact(self.probe, self.sequence, self.scan)
        if reason is None and self.interpolation is not Interpolation.LINEAR:
            reason = f"interpolation is {self.interpolation}, not linear"
        if reason is None and self.weighting is not TransmitWeighting.COMPOUND:
            reason = "the transmits are not compounded"
        if reason is None and isinstance(self.scan, LinearScan):
            plan = ShiftPlan(
                self.probe,
                self.sequence,
                self.receive,
                self.scan,
                f_number=self.f_number,
                window=_WINDOW_CODES[self.window],
                taper=self.taper,
                normalize=self.normalize,
            )
            place = "the pitch" if plan.per_pitch == 1 else f"1/{plan.per_pitch} of the pitch"
            if plan.n_bytes > MAX_SKEWED_BYTES:
                reason = "its copy of the channel data would be too large"
            elif wanted is Kernel.SHIFT:
                return plan, f"as asked, columns on {place}"
            else:
                reason = why_not_faster(plan)
            if reason is None:
                return plan, f"plane waves, columns on {place} of a uniform linear array"
        if wanted is Kernel.SHIFT:
            raise ArgumentError(
                f"the shift kernel does not apply: {reason}; use kernel='general' or None"
            )
        return self._plan_general(), f"exact for any geometry (not shift: {reason})"

    def _plan_general(self) -> GeneralPlan:
        return GeneralPlan(
            self.probe,
            self.sequence,
            self.receive,
            self.scan,
            lines=self.weighting is TransmitWeighting.LINES,
            f_number=self.f_number,
            window=_WINDOW_CODES[self.window],
            taper=self.taper,
            interpolation=_INTERPOLATION_CODES[self.interpolation],
            normalize=self.normalize,
        )


def _choice(options: type[Any], value: str) -> Any:
    try:
        return options(value)
    except ValueError:
        names = ", ".join(option.value for option in options)
        raise ArgumentError(f"{value!r} is none of {names}") from None
