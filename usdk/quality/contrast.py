r"""How well a lesion stands out of what surrounds it.

With :math:`e` the envelope, :math:`\mu` and :math:`\sigma` its mean and standard deviation inside
(i) and outside (o), and p its probability density:

.. math::
    C &= 10 \log_{10} \left( \overline{e_i^2} / \overline{e_o^2} \right) \\
    \mathrm{CNR} &= |\mu_i - \mu_o| / \sqrt{\sigma_i^2 + \sigma_o^2} \\
    \mathrm{gCNR} &= 1 - \int \min \{p_i(e), p_o(e)\}\, de

References
----------
M. S. Patterson, F. S. Foster, "The improvement and quantitative assessment of B-mode images
produced by an annular array/cone hybrid", Ultrasonic Imaging 5(3), 1983: CNR.
A. Rodriguez-Molares, O. M. H. Rindal, J. D'hooge, S.-E. Måsøy, A. Austeng, M. A. Lediju Bell,
H. Torp, "The generalized contrast-to-noise ratio: a formal definition for lesion detectability",
IEEE TUFFC 67(4), 2020: gCNR.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from usdk.arguments import count, finite
from usdk.errors import ArgumentError
from usdk.quality.regions import Region
from usdk.quality.samples import amplitudes
from usdk.quality.speckle import speckle_snr
from usdk.scan import PlanarScan, Raster

__all__ = [
    "MAX_BINS",
    "MAX_CONTRAST_DB",
    "Contrast",
    "cnr",
    "contrast_db",
    "gcnr",
    "measure_contrast",
    "rayleigh_cnr",
    "rayleigh_gcnr",
]

MAX_BINS = 2**20
MAX_CONTRAST_DB = 1000.0
"""Greatest contrast that a closed form is computed for, either way."""


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """What `measure_contrast` found.

    Parameters
    ----------
    contrast_db : float
        Mean power inside over mean power outside, dB; −inf for a silent inside.
    cnr, gcnr : float
        Contrast-to-noise ratio, and the generalized one, 0 to 1.
    speckle_snr : float
        Mean over standard deviation outside.
    n_inside, n_outside : int
        Points in each region.
    """

    contrast_db: float
    cnr: float
    gcnr: float
    speckle_snr: float
    n_inside: int
    n_outside: int


def measure_contrast(
    envelope: NDArray[np.floating],
    *,
    inside: Region | NDArray[np.bool_],
    outside: Region | NDArray[np.bool_],
    on: PlanarScan | Raster | None = None,
) -> Contrast:
    """Return how a region stands out of another.

    Parameters
    ----------
    envelope : ndarray, two dimensions
        Amplitudes, before log compression.
    inside, outside : Region or ndarray of bool
        The lesion, and tissue of the same depth that surrounds it.
    on : PlanarScan or Raster, optional
        Where the envelope's points lie; needed for regions.

    Raises
    ------
    ArgumentError
        If regions, scan and envelope do not fit each other.
    """
    image = np.asarray(envelope)
    inner = amplitudes(image[_mask(inside, on, image.shape)], "inside")
    outer = amplitudes(image[_mask(outside, on, image.shape)], "outside")
    return Contrast(
        contrast_db=contrast_db(inner, outer),
        cnr=cnr(inner, outer),
        gcnr=gcnr(inner, outer),
        speckle_snr=speckle_snr(outer),
        n_inside=inner.size,
        n_outside=outer.size,
    )


def contrast_db(inside: ArrayLike, outside: ArrayLike) -> float:
    """Return the mean power of the amplitudes inside over that outside, dB."""
    inner, outer = amplitudes(inside, "inside"), amplitudes(outside, "outside")
    power_inside, power_outside = float(np.mean(inner**2)), float(np.mean(outer**2))
    if power_outside == 0:
        raise ArgumentError("outside is silent: take a region that holds echoes")
    return 10 * math.log10(power_inside / power_outside) if power_inside else -math.inf


def cnr(inside: ArrayLike, outside: ArrayLike) -> float:
    """Return the contrast-to-noise ratio of two sets of amplitudes."""
    inner, outer = amplitudes(inside, "inside"), amplitudes(outside, "outside")
    noise = math.hypot(float(inner.std()), float(outer.std()))
    if noise == 0:
        raise ArgumentError("both regions are the same everywhere: there is no noise to compare to")
    return abs(float(inner.mean() - outer.mean())) / noise


def gcnr(inside: ArrayLike, outside: ArrayLike, *, n_bins: int | None = None) -> float:
    """Return the generalized contrast-to-noise ratio: the share that does not overlap.

    Parameters
    ----------
    inside, outside : array_like
        Amplitudes, any shape.
    n_bins : int, optional
        Bins of the two histograms; twice the cube root of the smaller number of samples when
        absent (Rice's rule).

    Notes
    -----
    The bins hold equal shares of both regions taken together, so that gCNR is the same for the
    envelope, its square and its logarithm, which is what it was made for. A histogram of n samples
    in b bins does not find two equal distributions equal: it gives about √(b / πn).
    """
    inner, outer = amplitudes(inside, "inside"), amplitudes(outside, "outside")
    smaller = min(inner.size, outer.size)
    if n_bins is None:
        n_bins = max(2, math.ceil(2 * smaller ** (1 / 3)))
    n_bins = count(n_bins, "n_bins", least=2, most=MAX_BINS)
    # Each region counts alike, however many points it has.
    values = np.concatenate((inner, outer))
    weights = np.repeat((1 / inner.size, 1 / outer.size), (inner.size, outer.size))
    order = np.argsort(values, kind="stable")
    share = np.cumsum(weights[order]) / 2
    edges = values[order][np.searchsorted(share, np.arange(1, n_bins) / n_bins)]
    edges = np.unique(edges)
    counts = [
        np.bincount(np.searchsorted(edges, part, side="left"), minlength=edges.size + 1)
        for part in (inner, outer)
    ]
    overlap = np.minimum(counts[0] / inner.size, counts[1] / outer.size).sum()
    return float(1 - overlap)


def rayleigh_cnr(contrast_db: float) -> float:
    """Return the CNR of two regions of fully developed speckle, from their contrast in dB.

    From Rayleigh's mean √(π/2) s and variance (2 − π/2) s².
    """
    ratio = 10 ** (_contrast(contrast_db) / 20)
    return math.sqrt(math.pi / (4 - math.pi)) * abs(ratio - 1) / math.hypot(ratio, 1.0)


def rayleigh_gcnr(contrast_db: float) -> float:
    """Return the gCNR of two regions of fully developed speckle, from their contrast in dB.

    Rayleigh's densities of mean power P and 1 cross where e² = P ln P / (P − 1); what does not
    overlap is the difference of their distribution functions there.
    """
    power = 10 ** (_contrast(contrast_db) / 10)
    if math.isclose(power, 1.0, rel_tol=1e-12):
        return 0.0
    crossing = power * math.log(power) / (power - 1)
    return abs(math.exp(-crossing / power) - math.exp(-crossing))


def _contrast(contrast_db: float) -> float:
    if contrast_db in (-math.inf, math.inf):
        return math.copysign(MAX_CONTRAST_DB, contrast_db)
    contrast_db = finite(contrast_db, "contrast_db")
    if abs(contrast_db) > MAX_CONTRAST_DB:
        raise ArgumentError(f"contrast_db must lie within ±{MAX_CONTRAST_DB:g}, got {contrast_db}")
    return contrast_db


def _mask(
    region: Region | NDArray[np.bool_], on: PlanarScan | Raster | None, shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    if isinstance(region, Region):
        if on is None:
            raise ArgumentError("a region in metres needs on=scan or on=raster")
        region = region.mask(on)
    mask = np.asarray(region)
    if mask.dtype != np.bool_ or mask.shape != shape:
        raise ArgumentError(f"a mask must be bool of shape {shape}, got {mask.dtype} {mask.shape}")
    return mask
