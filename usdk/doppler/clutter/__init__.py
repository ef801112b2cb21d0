"""Clutter (wall) filters: echoes of tissue out of slow-time packets."""

from usdk.doppler.clutter.cutoff import cutoff_for
from usdk.doppler.clutter.filter import ClutterFilter
from usdk.doppler.clutter.fir import FirFilter
from usdk.doppler.clutter.iir import IirFilter, Initialization
from usdk.doppler.clutter.iir_design import IirKind
from usdk.doppler.clutter.matrix_filter import MatrixFilter, ProjectionFilter
from usdk.doppler.clutter.polynomial import MeanFilter, PolynomialFilter

__all__ = [
    "ClutterFilter",
    "FirFilter",
    "IirFilter",
    "IirKind",
    "Initialization",
    "MatrixFilter",
    "MeanFilter",
    "PolynomialFilter",
    "ProjectionFilter",
    "cutoff_for",
]
