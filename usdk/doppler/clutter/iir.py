"""IirFilter: an infinite impulse response along slow time, begun without a transient."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import count, positive
from usdk.choice import choice
from usdk.doppler.clutter.cutoff import require_cutoff
from usdk.doppler.clutter.iir_design import IirKind, high_pass, sections
from usdk.doppler.clutter.matrix_filter import MAX_PULSES, MatrixFilter, PointsFilter, without
from usdk.doppler.clutter.stream import SectionStream
from usdk.errors import ArgumentError

__all__ = ["MAX_ORDER", "IirFilter", "Initialization"]

MAX_ORDER = 8
_LEAST_DB, _GREATEST_DB = 1e-6, 300.0


class Initialization(StrEnum):
    """What a filter takes for the time before a packet."""

    PROJECTION = "projection"
    """Whatever gives the least energy at the output: no transient is left."""
    STEP = "step"
    """That the first pulse had been there for ever."""
    ZERO = "zero"
    """Nothing: the echoes of tissue begin with the packet."""


class IirFilter(MatrixFilter):
    r"""A recursive high pass.

    With the state v before the first pulse, the output of a packet is y = D x + C v: D holds the
    impulse response, the columns of C what each state rings out with. *Projection* chooses the v
    that leaves the least energy,

    .. math:: y = \left(I - C (C^T C)^{-1} C^T\right) D x

    so that nothing of the transient is left in a short packet; it costs as many degrees of
    freedom as the filter has poles. *Step* begins as if the first pulse had always been there,
    *zero* as if there had been nothing.

    Parameters
    ----------
    cutoff : float
        Edge of the pass band, share of the PRF, 0 to 0.5; `cutoff_for` gives that of a velocity.
        Of the inverse Chebyshev filter the edge of the stop band.
    order : int
        Number of poles, 1 to `MAX_ORDER`.
    kind : IirKind
        Approximation.
    initialization : Initialization
        What was before the packet.
    ripple_db : float
        Greatest loss in the pass band of the Chebyshev filter, dB.
    stopband_db : float
        Least attenuation of the inverse Chebyshev filter's stop band, dB.

    References
    ----------
    S. Bjaerum, H. Torp, K. Kristoffersen, "Clutter filter design for ultrasound color flow
    imaging", IEEE Trans. Ultrason. Ferroelectr. Freq. Control 49(2), 2002: section II-B, the
    filter as a matrix and its initializations. E. S. Chornoboy, "Initialization for improved IIR
    filter performance", IEEE Trans. Signal Process. 40(3), 1992: projection.
    """

    def __init__(
        self,
        cutoff: float,
        order: int = 4,
        *,
        kind: IirKind | str = IirKind.CHEBYSHEV,
        initialization: Initialization | str = Initialization.PROJECTION,
        ripple_db: float = 0.5,
        stopband_db: float = 60.0,
    ) -> None:
        super().__init__()
        self.cutoff = require_cutoff(cutoff)
        self.order = count(order, "order", most=MAX_ORDER)
        self.kind = choice(IirKind, kind)
        self.initialization = choice(Initialization, initialization)
        self.ripple_db = _level_db(ripple_db, "ripple_db")
        self.stopband_db = _level_db(stopband_db, "stopband_db")
        self._zeros_poles = high_pass(
            self.kind, self.order, self.cutoff, self.ripple_db, self.stopband_db
        )

    @property
    def sections(self) -> NDArray[np.float64]:
        """Second-order sections, (n_sections, 6): b0 b1 b2 1 a1 a2, as SciPy writes them."""
        return sections(self._zeros_poles)

    def n_pulses_out(self, n_pulses: int) -> int:
        """Return ``n_pulses``; projection needs more of them than there are poles."""
        n_pulses = count(n_pulses, "n_pulses", least=0, most=MAX_PULSES)
        least = self.order + 1 if self.initialization is Initialization.PROJECTION else 1
        if n_pulses < least:
            raise ArgumentError(
                f"a packet of {n_pulses} pulses is all transient to a filter of order "
                f"{self.order}: take at least {least} pulses or a lower order"
            )
        return n_pulses

    def stream(self, shape: Sequence[int]) -> SectionStream:
        """Return the filter as a stream over points of a shape, for pulses that never stop.

        Projection needs the whole packet: a stream of such a filter begins with a step. Before it
        settles, 1 / cutoff pulses or so, a stream shows a little of the transient.
        """
        is_step = self.initialization is not Initialization.ZERO
        return SectionStream(shape, self.sections, is_step=is_step)

    def describe(self) -> str:
        """Return the filter's kind, order, cutoff and initialization."""
        return (
            f"IIR, {self.kind} of order {self.order}, cutoff {self.cutoff:.4g} PRF, "
            f"{self.initialization} initialization"
        )

    def _for_long(self, n_pulses: int) -> PointsFilter:
        begins, rows = self.initialization, self.sections
        ringing = _orthonormal(self._zeros_poles.poles, n_pulses).T

        def work(points: NDArray[np.complex64], out: NDArray[np.complex64]) -> None:
            is_step = begins is Initialization.STEP
            stream = SectionStream((points.shape[0],), rows, is_step=is_step)
            if begins is Initialization.PROJECTION:
                without(ringing)(stream(points, threads=1), out)
            else:
                stream(points, out=out, threads=1)

        return work

    def _design(self, n_pulses: int) -> NDArray[np.float64]:
        response = _run(self.sections, np.eye(n_pulses, 1)[:, 0])
        places = np.subtract.outer(np.arange(n_pulses), np.arange(n_pulses))
        matrix = np.where(places >= 0, response[np.maximum(places, 0)], 0.0)
        if self.initialization is Initialization.STEP:
            # What a standing echo gives is what its first pulse alone stands for.
            matrix[:, 0] -= matrix.sum(axis=1) - self._gain_at_zero
        elif self.initialization is Initialization.PROJECTION:
            ringing = _orthonormal(self._zeros_poles.poles, n_pulses)
            matrix -= ringing @ (ringing.T @ matrix)
        return matrix

    @property
    def _gain_at_zero(self) -> float:
        zeros, poles, gain = self._zeros_poles
        return float(np.real(gain * np.prod(1 - zeros) / np.prod(1 - poles)))


def _run(rows: NDArray[np.float64], signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what sections make of a signal, begun with nothing."""
    for b0, b1, b2, _, a1, a2 in rows:
        first = second = 0.0
        result = np.empty_like(signal)
        for n, value in enumerate(signal):
            result[n] = b0 * value + first
            first = b1 * value - a1 * result[n] + second
            second = b2 * value - a2 * result[n]
        signal = result
    return signal


def _orthonormal(poles: NDArray[np.complex128], n_pulses: int) -> NDArray[np.float64]:
    """Return an orthonormal basis of what the poles ring out with, (n_pulses, order)."""
    kept = poles[poles.imag > -1e-12]
    ringing = kept ** np.arange(n_pulses)[:, None]
    complex_poles = np.abs(kept.imag) > 1e-12
    columns = np.concatenate((ringing.real, ringing.imag[:, complex_poles]), axis=1)
    basis, _ = np.linalg.qr(columns)
    return np.asarray(basis, np.float64)


def _level_db(value: float, name: str) -> float:
    level_db = positive(value, name)
    if not _LEAST_DB <= level_db <= _GREATEST_DB:
        raise ArgumentError(f"{name} must be {_LEAST_DB:g} to {_GREATEST_DB:g} dB: {level_db:g}")
    return level_db
