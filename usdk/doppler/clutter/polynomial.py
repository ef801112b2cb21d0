"""MeanFilter and PolynomialFilter: regression on slow time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import count
from usdk.doppler.clutter.matrix_filter import MAX_PULSES, ProjectionFilter
from usdk.doppler.clutter.stream import SectionStream
from usdk.errors import ArgumentError

__all__ = [
    "MAX_DEGREE",
    "MAX_MEAN_PULSES",
    "MAX_USUAL_DEGREE",
    "PULSES_PER_DEGREE",
    "MeanFilter",
    "PolynomialFilter",
]

MAX_DEGREE = 15
PULSES_PER_DEGREE = 5
MAX_USUAL_DEGREE = 3
MAX_MEAN_PULSES = 2**24
"""Pulses that a running mean goes over, at most."""


class PolynomialFilter(ProjectionFilter):
    r"""Take away the polynomial of slow time that fits a packet best.

    .. math:: y = x - \sum_{k=0}^{d} b_k \, (b_k^T x)

    with the orthonormal polynomials :math:`b_k` over the pulses (discrete Legendre polynomials).
    A polynomial of degree d along slow time vanishes. The stop band grows with d and becomes
    narrower with the length of the packet, about (d + 1) / n_pulses of the PRF on both sides
    together.

    Parameters
    ----------
    degree : int, optional
        d, 0 to `MAX_DEGREE`; 0 takes away the mean. When absent, one for every
        `PULSES_PER_DEGREE` pulses of a packet, up to `MAX_USUAL_DEGREE`: tissue that moves slowly
        is stopped, and at most a quarter of all velocities with it.

    References
    ----------
    A. P. G. Hoeks, J. J. W. van de Vorst, A. Dabekaussen, P. J. Brands, R. S. Reneman, "An
    efficient algorithm to remove low frequency Doppler signals in digital Doppler systems",
    Ultrason. Imaging 13(2), 1991; Bjaerum, Torp and Kristoffersen (see `IirFilter`), section II-C.
    """

    def __init__(self, degree: int | None = None) -> None:
        super().__init__()
        self.degree = None if degree is None else count(degree, "degree", least=0, most=MAX_DEGREE)

    def degree_for(self, n_pulses: int) -> int:
        """Return the degree for packets of so many pulses."""
        if self.degree is not None:
            return self.degree
        return min(n_pulses // PULSES_PER_DEGREE, MAX_USUAL_DEGREE)

    def n_pulses_out(self, n_pulses: int) -> int:
        """Return ``n_pulses``; nothing would be left of fewer than degree + 2."""
        n_pulses = count(n_pulses, "n_pulses", least=0, most=MAX_PULSES)
        degree = self.degree_for(n_pulses)
        if n_pulses < degree + 2:
            raise ArgumentError(
                f"a packet of {n_pulses} pulses is all clutter to a polynomial of degree "
                f"{degree}: take at least {degree + 2} pulses or a lower degree"
            )
        return n_pulses

    def describe(self) -> str:
        """Return the filter's name and degree."""
        degree = "by the packet" if self.degree is None else self.degree
        return f"polynomial regression, degree {degree}"

    def _orthonormal(self, n_pulses: int) -> NDArray[np.float64]:
        places = np.linspace(-1, 1, n_pulses)
        columns, _ = np.linalg.qr(
            np.polynomial.legendre.legvander(places, self.degree_for(n_pulses))
        )
        return np.asarray(columns.T, np.float64)


class MeanFilter(PolynomialFilter):
    """Take away the mean of every packet: echoes of what stands still."""

    def __init__(self) -> None:
        super().__init__(0)

    def stream(self, shape: Sequence[int], n_pulses: int) -> SectionStream:
        r"""Return the removal of a running mean, for pulses that never stop.

        .. math:: m[t] = m[t-1] + (x[t] - m[t-1]) / N, \qquad y[t] = x[t] - m[t]

        begun with m = x[0]. It is a high pass with one pole; its −3 dB cutoff is about 1 / (2πN)
        of the PRF.

        Parameters
        ----------
        shape : tuple of int
            Shape of the points.
        n_pulses : int
            N, 2 or more: pulses over which the mean fades to 1/e.
        """
        n_pulses = count(n_pulses, "n_pulses", least=2, most=MAX_MEAN_PULSES)
        pole = 1 - 1 / n_pulses
        return SectionStream(shape, np.array([[pole, -pole, 0, 1, -pole, 0]]), is_step=True)

    def describe(self) -> str:
        """Return the filter's name."""
        return "mean removal"
