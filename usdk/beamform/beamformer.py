"""Beamformer: delay-and-sum and more, planned once per geometry and executed per frame."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import Acquisition, ReceiveSettings, require_acquisition
from usdk.arguments import finite
from usdk.beamform.aligned_data import AlignedData
from usdk.beamform.aligned_reader import AlignedReader
from usdk.beamform.combination import Combination, combination_of
from usdk.beamform.directivity import f_number_from_directivity
from usdk.beamform.ensemble import EnsembleBeamformer
from usdk.beamform.geometry import Geometry
from usdk.beamform.kernel_choice import choose_plan
from usdk.beamform.options import (
    Alignment,
    Compounding,
    Interpolation,
    Kernel,
    Method,
    TransmitWeighting,
    Window,
)
from usdk.beamform.plan import Plan
from usdk.beamform.plan_compounded import CompoundedPlan
from usdk.beamform.transmit_groups import group_labels, groups_of
from usdk.beamform.transmit_weights import natural_weighting
from usdk.choice import choice
from usdk.errors import ArgumentError
from usdk.probe import ArrayKind, Probe
from usdk.scan import Scan
from usdk.transmit import TransmitSequence

__all__ = ["Beamformer"]


class Beamformer:
    """Delay-and-sum over a scan, or another combination of the delayed channel data.

    Parameters
    ----------
    probe, sequence, receive
        What made the channel data.
    scan : Scan
        Where to look.
    f_number : float or "directivity", optional
        Depth over the width of the receive aperture, measured by each element's normal; 0 opens
        every element that the point lies in front of. When absent 1, and 0 for a phased or matrix
        array, which looks aside with all of its elements: 1 would see nothing beyond 27° from its
        axis.
        ``"directivity"`` is `f_number_from_directivity` of the probe.
    window : Window or str
        Apodization across that aperture.
    taper : float
        Tapered share of the Tukey window, 0 to 1.
    interpolation : Interpolation or str
        How channel data are read between samples.
    upsampling : int
        Values to a sample between which ``band-limited`` interpolation draws straight lines, 1 to
        `MAX_UPSAMPLING`. At four samples per period, where ``linear`` errs by 15 %, 4 err
        by 1 %, 2 by 3 % and 1, which filters the data so that they allow for the line, by 14 %: on
        the shift kernel 1 is faster than ``linear``.
    weighting : TransmitWeighting or str, optional
        How the transmits share a point. When absent ``lines`` for focused beams (``retrospective``
        where one stands alone in its group), ``compound`` for all else; ``retrospective`` focuses
        focused beams at every depth, and takes longer.
    normalize : bool
        Divide by the sum of the weights, so that brightness does not follow the aperture. Where
        ``receive.apertures`` leave elements out it must be False: the sum is of what was heard.
    directivity : bool
        Weigh elements by how well they hear the direction that a point lies in, too: the response
        of elements of the probe's size in a soft baffle.
    compounding : Compounding or str
        ``coherent`` sums all transmits; ``incoherent`` averages the envelopes of groups of
        transmits, from IQ, each group by how much of it reaches a point; ``none`` gives one image
        per group.
    compounding_groups : iterable of int, optional
        Number of the group of each transmit, for ``incoherent`` and ``none``; the groups follow
        each other in the order of their numbers. Every transmit is a group of its own when absent.
    combination : Combination or str
        What becomes of the delayed samples of a point: ``sum``, ``coherence factor`` (its usual
        form, `CoherenceFactor()`), or an object of your own, as `Combination` says.
    alignment : Alignment or str
        ``resample`` allows columns over a linear array that do not divide its pitch to be
        interpolated, band-limited, from columns that do, where that is faster; `explain` says
        whether it was done. It is not equal to the exact sum, but as close to band-limited
        interpolation of the channel data: at F-number 1 under a boxcar window both are 0.15
        away from that (normalized RMS error, four samples per period).
    kernel : Kernel or str, optional
        The fastest that is exact for the geometry when absent; `explain` says which and why.

    Raises
    ------
    ArgumentError
        If an option is unknown or out of range, or the kernel asked for does not apply; or if
        elements were not received whose silence would count: `usdk.combine_apertures` puts the
        parts of a wave together.

    Notes
    -----
    The scan is cut into tiles that run on the SDK's threads; the result is the same, bit by bit,
    for any number of them. A sample that is NaN makes the points NaN that read it, and some of
    their neighbours; `usdk.BMode` refuses such data.
    """

    def __init__(
        self,
        probe: Probe,
        sequence: TransmitSequence,
        receive: ReceiveSettings,
        scan: Scan,
        *,
        f_number: float | str | None = None,
        window: Window | str = Window.TUKEY,
        taper: float = 0.5,
        interpolation: Interpolation | str = Interpolation.LINEAR,
        upsampling: int = 4,
        weighting: TransmitWeighting | str | None = None,
        normalize: bool = True,
        directivity: bool = False,
        compounding: Compounding | str = Compounding.COHERENT,
        compounding_groups: Iterable[int] | None = None,
        combination: Combination | str = "sum",
        alignment: Alignment | str = Alignment.EXACT,
        kernel: Kernel | str | None = None,
    ) -> None:
        if f_number is None:
            looks_aside = probe.kind in (ArrayKind.PHASED, ArrayKind.MATRIX)
            f_number = 0.0 if looks_aside else 1.0
        elif isinstance(f_number, str):
            if f_number != "directivity":
                raise ArgumentError(f'f_number must be a number or "directivity", got {f_number!r}')
            f_number = f_number_from_directivity(probe, sound_speed_m_s=receive.sound_speed_m_s)
        self.geometry = Geometry(probe, sequence, receive, scan)
        compounding = choice(Compounding, compounding)
        transmit_groups: tuple[int, ...] = ()
        if compounding is not Compounding.COHERENT:
            transmit_groups = group_labels(compounding_groups, len(sequence))
        elif compounding_groups is not None:
            raise ArgumentError("compounding_groups need compounding 'incoherent' or 'none'")
        if weighting is None:
            weighting = natural_weighting(self.geometry, groups_of(transmit_groups))
        self.method = Method(
            f_number=finite(f_number, "f_number"),
            window=choice(Window, window),
            taper=finite(taper, "taper"),
            interpolation=choice(Interpolation, interpolation),
            upsampling=upsampling,
            weighting=choice(TransmitWeighting, weighting),
            normalize=bool(normalize),
            directivity=bool(directivity),
            alignment=choice(Alignment, alignment),
            compounding=compounding,
            transmit_groups=transmit_groups,
            combination=combination_of(combination),
        )
        _require_all_heard(probe, receive, self.method)
        wanted = None if kernel is None else choice(Kernel, kernel)
        self._plan: Plan
        self._aligned = AlignedReader(self.geometry, self.method)
        if compounding is Compounding.COHERENT:
            self.kernel, self._plan, self._reason = choose_plan(self.geometry, self.method, wanted)
        else:
            self._plan = plan = CompoundedPlan(self.geometry, self.method, wanted)
            self.kernel, self._reason = plan.kernel, plan.reason

    @classmethod
    def for_acquisition(cls, acquisition: Acquisition, scan: Scan, **options: Any) -> Beamformer:
        """Plan for acquisitions like this one; options as for `Beamformer`."""
        require_acquisition(acquisition)
        return cls(acquisition.probe, acquisition.sequence, acquisition.receive, scan, **options)

    def explain(self) -> str:
        """Return which kernel runs and why."""
        geometry, method = self.geometry, self.method
        kind = "IQ" if geometry.is_iq else "RF"
        return (
            f"{self.kernel} {kind} kernel, {self._reason}: {len(geometry.sequence)} transmits "
            f"({method.weighting}{self._explain_groups()}), {geometry.probe.n_elements} elements, "
            f"{math.prod(geometry.scan.shape)} points in {self._plan.n_tiles} tiles, "
            f"{method.interpolation} interpolation, F-number {method.f_number:g}, "
            f"{method.window} window"
            + (f" of taper {method.taper:g}" if method.window is Window.TUKEY else "")
            + (", element directivity" if method.directivity else "")
            + ("" if method.normalize else ", not normalized")
            + ("" if method.is_sum else f", combination: {method.combination.describe()}")
        )

    def _explain_groups(self) -> str:
        n_groups = len(set(self.method.transmit_groups))
        if self.method.compounding is Compounding.COHERENT:
            return ""
        if self.method.compounding is Compounding.INCOHERENT:
            return f", mean envelope of {n_groups} groups"
        return f", an image of each of {n_groups} groups"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the result: the scan's, behind (n_groups,) where compounding is ``none``."""
        scan = self.geometry.scan.shape
        if self.method.compounding is Compounding.NONE:
            return (len(set(self.method.transmit_groups)), *scan)
        return scan

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the result: complex64 IQ, or float32: RF, or where incoherent an envelope."""
        if self.method.compounding is Compounding.INCOHERENT:
            return np.dtype(np.float32)
        return self.geometry.dtype

    @property
    def n_bytes(self) -> int:
        """Memory that the plan holds: tables, and scratch for one thread that calls it."""
        return self._plan.n_bytes

    def __call__(
        self, data: NDArray[Any], *, out: NDArray[Any] | None = None, threads: int | None = None
    ) -> NDArray[Any]:
        """Return one beamformed frame.

        Parameters
        ----------
        data : ndarray, (n_transmits, n_elements, n_samples)
            One frame of channel data: complex64 IQ, or real RF (int16 is converted to float32).
        out : ndarray, optional
            Where to write: of `shape` and `dtype`, C-contiguous.
        threads : int, optional
            Threads to use, 1 to `usdk.tiles.MAX_THREADS`; `usdk.tiles.n_threads` when absent.

        Returns
        -------
        ndarray, of `shape` and `dtype`
            IQ, RF or envelope along the scan's lines.

        Raises
        ------
        ArgumentError
            If the data are not those that were planned for.
        """
        data = self._checked(data)
        if out is None:
            out = np.empty(self.shape, self.dtype)
        elif out.shape != self.shape or out.dtype != self.dtype or not out.flags.carray:
            raise ArgumentError(f"out must be writable, C-contiguous {self.dtype} of {self.shape}")
        self._plan(data, out, threads)
        return out

    def ensemble(self, n_frames: int) -> EnsembleBeamformer:
        """Plan for ensembles of so many frames: delays once for all of them."""
        return EnsembleBeamformer(self, n_frames)

    def aligned(
        self, data: NDArray[Any], *, points: slice = slice(None), threads: int | None = None
    ) -> AlignedData:
        """Return the delayed samples of a run of points, before they are summed.

        Parameters
        ----------
        data : ndarray, (n_transmits, n_elements, n_samples)
            One frame of channel data, as for a call.
        points : slice
            Which points of the scan, in C order (points of a line follow each other), without a
            step; at most as many as fit `usdk.beamform.plan_aligned.MAX_ALIGNED_BYTES`.
        threads : int, optional
            As for a call.

        Returns
        -------
        AlignedData
            Samples (n_points, n_transmits, n_elements), their apodization and transmit weights:
            what a combination is given, with every transmit.

        Raises
        ------
        ArgumentError
            If the data are not those that were planned for, or the points are too many.
        """
        return self._aligned(self._checked(data), points, threads)

    def _checked(self, data: NDArray[Any]) -> NDArray[Any]:
        """Return the data as the kernels take them."""
        geometry = self.geometry
        data = np.asarray(data)
        if data.shape != geometry.data_shape:
            raise ArgumentError(
                "data must have shape (n_transmits, n_elements, n_samples) = "
                f"{geometry.data_shape}, got {data.shape}; give one frame at a time"
            )
        return geometry.kernel_data(data)


def _require_all_heard(probe: Probe, receive: ReceiveSettings, method: Method) -> None:
    """Refuse to weigh elements that were not received as if they had heard nothing."""
    is_plain_sum = method.is_sum and not method.normalize
    if receive.apertures is None or is_plain_sum:
        return
    for transmit, (first, stop) in enumerate(receive.apertures):
        if (first, stop) != (0, probe.n_elements):
            raise ArgumentError(
                f"transmit {transmit} was received by elements {first} to {stop - 1} of "
                f"{probe.n_elements} alone, and the others would count as silent: put the parts of "
                "each wave together with usdk.combine_apertures, or sum what was heard with "
                "normalize=False"
            )
