"""Clutter (wall) filters: echoes of tissue out of slow-time packets."""

from usdk.doppler.clutter.cutoff import cutoff_for
from usdk.doppler.clutter.filter import ClutterFilter
from usdk.doppler.clutter.fir import FirFilter
from usdk.doppler.clutter.frequency_response import frequency_bias, frequency_response
from usdk.doppler.clutter.iir import IirFilter, Initialization
from usdk.doppler.clutter.iir_design import IirKind
from usdk.doppler.clutter.matrix_filter import MatrixFilter, ProjectionFilter
from usdk.doppler.clutter.polynomial import MeanFilter, PolynomialFilter
from usdk.doppler.clutter.singular_values import SingularValues
from usdk.doppler.clutter.stream import SlowTimeStream
from usdk.doppler.clutter.svd import SvdFilter
from usdk.doppler.clutter.tissue_cuts import (
    FrequencyCut,
    KneeCut,
    MarchenkoPasturCut,
    NoiseCut,
    PowerCut,
    SimilarityCut,
    TissueCut,
)

__all__ = [
    "ClutterFilter",
    "FirFilter",
    "FrequencyCut",
    "IirFilter",
    "IirKind",
    "Initialization",
    "KneeCut",
    "MarchenkoPasturCut",
    "MatrixFilter",
    "MeanFilter",
    "NoiseCut",
    "PolynomialFilter",
    "PowerCut",
    "ProjectionFilter",
    "SimilarityCut",
    "SingularValues",
    "SlowTimeStream",
    "SvdFilter",
    "TissueCut",
    "cutoff_for",
    "frequency_bias",
    "frequency_response",
]
