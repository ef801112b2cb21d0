"""The filters that are compared."""

from __future__ import annotations

from usdk.doppler.clutter import (
    ClutterFilter,
    FirFilter,
    FrequencyCut,
    IirFilter,
    KneeCut,
    MeanFilter,
    PolynomialFilter,
    PowerCut,
    SimilarityCut,
    SvdFilter,
)

__all__ = ["CUTOFF", "PICTURED", "ROWS"]

CUTOFF = 0.08
"""Share of the PRF: 5.4 cm/s of the recordings."""

ROWS: dict[str, ClutterFilter | None] = {
    "none": None,
    "mean": MeanFilter(),
    "polynomial, degree 1": PolynomialFilter(1),
    "polynomial, degree 2": PolynomialFilter(2),
    "polynomial, degree 3": PolynomialFilter(3),
    "FIR, difference": FirFilter.difference(1),
    "FIR, difference of order 2": FirFilter.difference(2),
    "FIR high pass, 5 taps": FirFilter.high_pass(CUTOFF, 5),
    "IIR, order 2, projection": IirFilter(CUTOFF, 2),
    "IIR, order 4, projection": IirFilter(CUTOFF, 4),
    "IIR, order 4, step": IirFilter(CUTOFF, 4, initialization="step"),
    "IIR, order 4, zero": IirFilter(CUTOFF, 4, initialization="zero"),
    "SVD, 1 component": SvdFilter(1),
    "SVD, 2 components": SvdFilter(2),
    "SVD, 3 components": SvdFilter(3),
    "SVD, knee": SvdFilter(KneeCut()),
    "SVD, within 20 dB": SvdFilter(PowerCut(20)),
    "SVD, shift up to 0.03": SvdFilter(FrequencyCut(0.03)),
    "SVD, similarity": SvdFilter(SimilarityCut(), SimilarityCut()),
    "SVD, shift, blocks of 20 × 60": SvdFilter(FrequencyCut(0.03), block_shape=(20, 60)),
}

PICTURED = (
    "none", "mean", "polynomial, degree 1", "polynomial, degree 3", "FIR, difference of order 2",
    "IIR, order 4, projection", "IIR, order 4, step", "IIR, order 4, zero", "SVD, 1 component",
    "SVD, 2 components", "SVD, shift up to 0.03", "SVD, shift, blocks of 20 × 60",
)  # fmt: skip
