from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from usdk_kernels import gate_sum

RANDOM = np.random.default_rng(4)
WEIGHT = RANDOM.standard_normal((2, 2, 3, 17)).astype(np.float32)


def reference(data: Any, first_record: int, first_sample: int) -> Any:
    """The sum as it is written, in float64."""
    part = data[:, first_record : first_record + 3, first_sample : first_sample + 17]
    weight = WEIGHT[:, 0].astype(np.float64) + 1j * WEIGHT[:, 1]
    return np.einsum("lrn,prn->lp", weight, part.astype(np.complex128))


def samples(kernel: str) -> Any:
    real = RANDOM.integers(-(2**11), 2**11, (5, 6, 40))
    if kernel == "gate_sum_int16":
        return real.astype(np.int16)
    if kernel == "gate_sum_rf":
        return real.astype(np.float32)
    return (real + 1j * real[::-1]).astype(np.complex64)


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "source"])
@pytest.mark.parametrize("name", ["gate_sum_int16", "gate_sum_rf", "gate_sum_iq"])
def test_the_weighted_sum_of_each_pulse(name: str, compiled: bool) -> None:
    kernel = getattr(gate_sum, name)
    data, out = samples(name), np.full((2, 5), np.nan, np.complex64)
    (kernel if compiled else getattr(kernel, "py_func", kernel))(data, 2, 9, WEIGHT, out)
    np.testing.assert_allclose(out, reference(data, 2, 9), rtol=0, atol=2e-2)
    assert np.abs(out).max() > 1e3


@pytest.mark.parametrize("name", ["gate_sum_int16", "gate_sum_rf", "gate_sum_iq"])
@pytest.mark.parametrize("place", [(-1, 0), (0, -1), (4, 0), (0, 24), (2**40, 0)])
def test_weights_beside_the_records_read_nothing(name: str, place: tuple[int, int]) -> None:
    out = np.full((2, 5), np.nan, np.complex64)
    getattr(gate_sum, name)(samples(name), *place, WEIGHT, out)
    assert not out.any()


def test_a_pulse_has_the_same_bits_alone_and_among_others() -> None:
    data, all_out = samples("gate_sum_int16"), np.empty((2, 5), np.complex64)
    gate_sum.gate_sum_int16(data, 0, 3, WEIGHT, all_out)
    for pulse in range(5):
        out = np.empty((2, 1), np.complex64)
        gate_sum.gate_sum_int16(data[pulse : pulse + 1], 0, 3, WEIGHT, out)
        assert out.tobytes() == all_out[:, pulse : pulse + 1].tobytes()


def test_a_sample_that_is_nan_spoils_its_pulse_alone() -> None:
    data, out = samples("gate_sum_rf"), np.empty((2, 5), np.complex64)
    data[3, 4, 20] = np.nan
    gate_sum.gate_sum_rf(data, 2, 9, WEIGHT, out)
    assert np.isnan(out).all(axis=0).tolist() == [False, False, False, True, False]


@pytest.mark.parametrize("name", ["gate_sum_int16", "gate_sum_rf", "gate_sum_iq"])
def test_one_specialisation_serves_all_calls(name: str) -> None:
    kernel = getattr(gate_sum, name)
    kernel(samples(name), 0, 0, WEIGHT, np.empty((2, 5), np.complex64))
    if hasattr(kernel, "signatures"):
        assert len(kernel.signatures) == 1
