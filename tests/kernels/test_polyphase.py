from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from usdk_kernels import polyphase

RANDOM = np.random.default_rng(6)
X = (RANDOM.standard_normal(60) + 1j * RANDOM.standard_normal(60)).astype(np.complex64)
TAPS = (RANDOM.standard_normal((5, 9)) + 1j * RANDOM.standard_normal((5, 9))).astype(np.complex64)


def call(kernel: Any, first_place: int, step: int, n_out: int) -> Any:
    out = np.full((2, n_out), np.nan, np.float32)
    real, imag = np.ascontiguousarray(X.real), np.ascontiguousarray(X.imag)
    taps_real, taps_imag = np.ascontiguousarray(TAPS.real), np.ascontiguousarray(TAPS.imag)
    kernel(real, imag, taps_real, taps_imag, first_place, step, out)
    return out


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "source"])
def test_each_output_is_its_phase_s_product_with_the_signal(compiled: bool) -> None:
    kernel = polyphase.separate_directions
    out = call(kernel if compiled else getattr(kernel, "py_func", kernel), 3, 7, 30)
    expected = np.zeros((2, 30))
    for m in range(30):
        i, phase = divmod(3 + 7 * m, 5)
        if i + 9 <= 60:
            x = X[i : i + 9].astype(complex)
            expected[0, m] = (TAPS[phase].astype(complex) @ x).real
            expected[1, m] = (TAPS[phase].astype(complex).conj() @ x).real
    np.testing.assert_allclose(out, expected, atol=1e-5)
    assert np.all(expected[:, -1] != 0)


def test_nothing_is_read_beside_the_signal() -> None:
    out = call(polyphase.separate_directions, 5 * 52, 1, 10)
    assert not out.any()
    assert not call(polyphase.separate_directions, -50, 1, 10).any()


def test_one_specialisation_serves_all_calls() -> None:
    call(polyphase.separate_directions, 0, 1, 1)
    if hasattr(polyphase.separate_directions, "signatures"):
        assert len(polyphase.separate_directions.signatures) == 1
