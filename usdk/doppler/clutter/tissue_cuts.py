"""Where tissue ends among the singular values of a packet, and where noise begins."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import positive
from usdk.doppler.clutter.cutoff import require_cutoff
from usdk.doppler.clutter.singular_values import SingularValues
from usdk.errors import ArgumentError

__all__ = [
    "FrequencyCut",
    "KneeCut",
    "MarchenkoPasturCut",
    "NoiseCut",
    "PowerCut",
    "SimilarityCut",
    "TissueCut",
]


class TissueCut(ABC):
    """A rule that says how many of the greatest singular values are tissue."""

    @abstractmethod
    def n_tissue(self, singular: SingularValues) -> int:
        """Return the number of leading components that are tissue."""

    @abstractmethod
    def describe(self) -> str:
        """Return the rule in a few words."""


class NoiseCut(ABC):
    """A rule that says how many of the least singular values are noise."""

    @abstractmethod
    def n_noise(self, singular: SingularValues) -> int:
        """Return the number of trailing components that are noise."""

    @abstractmethod
    def describe(self) -> str:
        """Return the rule in a few words."""


@dataclass(frozen=True)
class KneeCut(TissueCut):
    """Tissue ends at the knee of the curve of singular values in dB.

    The knee is the value that lies farthest below the straight line from the first to the last.

    References
    ----------
    J. Baranger, B. Arnal, F. Perren, O. Baud, M. Tanter, C. Demené, "Adaptive spatiotemporal SVD
    clutter filtering for ultrafast Doppler imaging using similarity of spatial singular vectors",
    IEEE Trans. Med. Imaging 37(7), 2018: the turning point among the estimators compared.
    """

    def n_tissue(self, singular: SingularValues) -> int:
        """Return the number of values before the knee."""
        level_db = _levels_db(singular)
        line_db = np.linspace(level_db[0], level_db[-1], level_db.size)
        return int(np.argmax(line_db - level_db))

    def describe(self) -> str:
        """Return the rule's name."""
        return "knee of the singular values"


@dataclass(frozen=True)
class PowerCut(TissueCut):
    """Tissue is what is at most so much weaker than the strongest component.

    Parameters
    ----------
    range_db : float
        Ratio of the power of the strongest component to that of the weakest tissue, dB.
    """

    range_db: float = 20.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "range_db", positive(self.range_db, "range_db"))

    def n_tissue(self, singular: SingularValues) -> int:
        """Return the number of values within the range."""
        return int(np.count_nonzero(_levels_db(singular) > -self.range_db))

    def describe(self) -> str:
        """Return the rule's name and range."""
        return f"singular values within {self.range_db:g} dB"


@dataclass(frozen=True)
class FrequencyCut(TissueCut):
    """Tissue is the leading components that move slowly.

    Parameters
    ----------
    cutoff : float
        Greatest mean Doppler shift of tissue, share of the PRF; `cutoff_for` gives that of a
        velocity.

    References
    ----------
    A. C. H. Yu, L. Løvstakken, "Eigen-based clutter filter design for ultrasound color flow
    imaging: a review", IEEE Trans. Ultrason. Ferroelectr. Freq. Control 57(5), 2010: the mean
    frequency of each eigenvector.
    """

    cutoff: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "cutoff", require_cutoff(self.cutoff))

    def n_tissue(self, singular: SingularValues) -> int:
        """Return the number of components before the first fast one."""
        is_fast = np.abs(singular.shifts) > self.cutoff
        return int(np.argmax(is_fast)) if np.any(is_fast) else singular.n_pulses

    def describe(self) -> str:
        """Return the rule's name and cutoff."""
        return f"mean Doppler shift up to {self.cutoff:.4g} PRF"


@dataclass(frozen=True)
class SimilarityCut(TissueCut, NoiseCut):
    """Tissue, blood and noise are the squares of the similarity of spatial singular vectors.

    Components of tissue have their energy in the same places, and so have those of blood. The
    correlation matrix of their magnitudes shows two squares along the diagonal; their sizes are
    those of the two squares of ones that correlate best with it.

    References
    ----------
    J. Baranger, B. Arnal, F. Perren, O. Baud, M. Tanter, C. Demené, "Adaptive spatiotemporal SVD
    clutter filtering for ultrafast Doppler imaging using similarity of spatial singular vectors",
    IEEE Trans. Med. Imaging 37(7), 2018.
    """

    def n_tissue(self, singular: SingularValues) -> int:
        """Return the size of the first square."""
        return _two_squares(singular.similarity)[0]

    def n_noise(self, singular: SingularValues) -> int:
        """Return the number of components after the second square."""
        return singular.n_pulses - _two_squares(singular.similarity)[1]

    def describe(self) -> str:
        """Return the rule's name."""
        return "similarity of spatial singular vectors"


@dataclass(frozen=True)
class MarchenkoPasturCut(NoiseCut):
    r"""Noise is the largest set of the least components that spread no wider than noise does.

    The squares λ of the singular values of m components of white noise over N independent points
    lie, for the power s² of a sample, within :math:`N s^2 (1 \pm \sqrt{m / N})^2`: of these the
    greatest and the least differ by :math:`4 N s^2 \sqrt{m / N}`, and their mean is
    :math:`N s^2`.

    Parameters
    ----------
    points_per_cell : float
        Points of the packet for each independent one: neighbours within one resolution cell carry
        the same noise. 1 for points that lie a resolution cell apart.

    References
    ----------
    V. A. Marčenko, L. A. Pastur, "Distribution of eigenvalues for some sets of random matrices",
    Math. USSR Sb. 1(4), 1967. J. Veraart, D. S. Novikov, D. Christiaens, B. Ades-aron, J. Sijbers,
    E. Fieremans, "Denoising of diffusion MRI using random matrix theory", NeuroImage 142, 2016:
    the rule.
    """

    points_per_cell: float = 1.0

    def __post_init__(self) -> None:
        value = positive(self.points_per_cell, "points_per_cell")
        if value < 1:
            raise ArgumentError(f"points_per_cell must be at least 1, got {value:g}")
        object.__setattr__(self, "points_per_cell", value)

    def n_noise(self, singular: SingularValues) -> int:
        """Return the number of components that are noise."""
        n_points = max(singular.points.shape[0] / self.points_per_cell, 1.0)
        powers = singular.values**2
        for first in range(powers.size):
            rest = powers[first:]
            spread = (rest[0] - rest[-1]) / (4 * math.sqrt(rest.size / n_points))
            if rest.size > 1 and rest.mean() >= spread:
                return int(rest.size)
        return 0

    def describe(self) -> str:
        """Return the rule's name."""
        return f"Marchenko-Pastur, {self.points_per_cell:g} points to a cell"


def _levels_db(singular: SingularValues) -> NDArray[np.float64]:
    """Return singular values in dB of the first, none lower than float32 can tell."""
    values = singular.values
    if values[0] == 0:
        return np.zeros(values.size)
    return np.asarray(20 * np.log10(np.maximum(values / values[0], 1e-6)))


def _two_squares(similarity: NDArray[np.float64]) -> tuple[int, int]:
    """Return where the first and the second square end that correlate best with a matrix."""
    n = similarity.shape[0]
    sums = np.zeros((n + 1, n + 1))
    sums[1:, 1:] = similarity.cumsum(0).cumsum(1)
    a, b = (index + 1 for index in np.triu_indices(n, 1))
    within = sums[a, a] + sums[b, b] - sums[a, b] - sums[b, a] + sums[a, a]
    n_ones = a**2 + (b - a) ** 2
    # Pearson's correlation but for the matrix's own spread, which is the same for all; the mask
    # that is nothing but ones cannot occur, for a < b.
    score = (within - n_ones * similarity.mean()) / np.sqrt(n_ones * (1 - n_ones / n**2))
    best = int(np.argmax(score))
    return int(a[best]), int(b[best])
