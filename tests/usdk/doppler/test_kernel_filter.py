from __future__ import annotations

import numpy as np
import pytest

from usdk.doppler.clutter import (
    ClutterFilter,
    FirFilter,
    IirFilter,
    MeanFilter,
    PolynomialFilter,
    SvdFilter,
)
from usdk.doppler.kernel_filter import kernel_filter
from usdk_kernels import autocorrelation

N_PULSES = 16


@pytest.mark.parametrize(("clutter", "rank"), [(MeanFilter(), 1), (PolynomialFilter(2), 3)])
def test_a_projection_on_few_functions_goes_as_its_basis(clutter: ClutterFilter, rank: int) -> None:
    found = kernel_filter(clutter, N_PULSES)
    assert found is not None
    assert (found.kind, found.n_out) == (autocorrelation.PROJECTION, N_PULSES)
    basis = found.coefficients[:, :N_PULSES].astype(np.float64)
    assert not found.coefficients[rank:].any()
    assert not found.coefficients[:, N_PULSES:].any()
    matrix = np.eye(N_PULSES) - basis.T @ basis
    np.testing.assert_allclose(matrix, clutter.matrix(N_PULSES), atol=1e-6)


@pytest.mark.parametrize(
    "clutter",
    [
        FirFilter.difference(2),
        IirFilter(0.1, 4),
        # A basis of five of sixteen pulses costs more than the matrix.
        PolynomialFilter(4),
    ],
)
def test_any_other_real_matrix_goes_as_it_is(clutter: ClutterFilter) -> None:
    found = kernel_filter(clutter, N_PULSES)
    assert found is not None
    n_out = clutter.n_pulses_out(N_PULSES)
    assert (found.kind, found.n_out) == (autocorrelation.MATRIX, n_out)
    kept = found.coefficients[:n_out, :N_PULSES]
    np.testing.assert_allclose(kept, clutter.matrix(N_PULSES), atol=1e-6)
    assert found.coefficients.shape[0] % autocorrelation.ROWS == 0
    assert found.coefficients.shape[1] % autocorrelation.COLUMNS == 0


def test_no_filter_is_a_kind_of_its_own_and_svd_is_called_by_itself() -> None:
    nothing = kernel_filter(None, N_PULSES)
    assert nothing is not None
    assert (nothing.kind, nothing.n_out) == (autocorrelation.NO_FILTER, N_PULSES)
    assert kernel_filter(SvdFilter(2), N_PULSES) is None
