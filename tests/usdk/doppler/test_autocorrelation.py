"""Autocorrelator: equations, filters in one pass, threads, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from usdk.doppler import Autocorrelator, Correlations, SlowTime, autocorrelation, flow_values
from usdk.doppler.clutter import (
    ClutterFilter,
    FirFilter,
    IirFilter,
    MeanFilter,
    PolynomialFilter,
    SvdFilter,
)
from usdk.errors import ArgumentError

CLOCK = SlowTime(prf_hz=4000.0, frequency_hz=5e6)
IN_ONE_PASS: dict[str, ClutterFilter | None] = {
    "none": None,
    "mean": MeanFilter(),
    "polynomial": PolynomialFilter(2),
    "polynomial of high degree": PolynomialFilter(6),
    "FIR": FirFilter([1, -2, 1]),
    "IIR": IirFilter(0.1, 2),
}


class Shifted(ClutterFilter):
    """A complex matrix: the packet turned by a phase from pulse to pulse, and the first lost."""

    def n_pulses_out(self, n_pulses: int) -> int:
        return n_pulses - 1

    def matrix(self, n_pulses: int) -> Any:
        turned = np.exp(0.3j * np.arange(n_pulses))
        return np.diag(turned)[1:].astype(np.complex64)

    def __call__(self, packet: Any, *, out: Any = None, threads: int | None = None) -> Any:
        filtered = packet @ self.matrix(packet.shape[-1]).T
        if out is None:
            return filtered
        out[...] = filtered
        return out

    def describe(self) -> str:
        return "shifted"


def packets(*shape: int, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)


def expected(iq: Any, lag: int = 1) -> tuple[Any, Any]:
    y = iq.astype(np.complex128)
    pairs = y[..., lag:] * y[..., :-lag].conj()
    return np.mean(np.abs(y) ** 2, axis=-1), pairs.mean(axis=-1)


def assert_same(a: Correlations, b: Correlations) -> None:
    for name in ("power", "lag_one", "axial"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


@pytest.mark.parametrize("name", IN_ONE_PASS)
@pytest.mark.parametrize("axial", [False, True])
def test_one_pass_is_the_filter_and_then_the_estimate(name: str, axial: bool) -> None:
    iq, clutter = packets(3, 41, 16), IN_ONE_PASS[name]
    plan = Autocorrelator((3, 41), 16, clutter=clutter, axial=axial)
    assert plan.is_one_pass
    found = plan(iq)
    power, lag_one = expected(iq if clutter is None else clutter(iq))
    np.testing.assert_allclose(found.power, power, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.lag_one, lag_one, atol=2e-5 * power.max())
    assert (found.axial is not None) == axial


@pytest.mark.parametrize(
    ("clutter", "axial", "is_one_pass"),
    [(SvdFilter(1), False, True), (SvdFilter(1), True, False), (Shifted(), False, False)],
)
def test_filters_without_a_real_matrix_give_the_same_by_other_ways(
    clutter: ClutterFilter, axial: bool, is_one_pass: bool
) -> None:
    iq = packets(4, 30, 8)
    plan = Autocorrelator((4, 30), 8, clutter=clutter, axial=axial)
    assert plan.is_one_pass == is_one_pass
    power, lag_one = expected(clutter(iq))
    np.testing.assert_allclose(plan(iq).power, power, rtol=1e-4)
    np.testing.assert_allclose(plan(iq).lag_one, lag_one, atol=1e-4)


@pytest.mark.parametrize("name", [*IN_ONE_PASS, "SVD"])
@pytest.mark.parametrize("axial", [False, True])
def test_any_number_of_threads_gives_the_same_bits(
    name: str, axial: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autocorrelation, "_FLOATS_PER_TILE", 700)
    iq = packets(9, 57, 9)
    clutter = SvdFilter(1) if name == "SVD" else IN_ONE_PASS[name]
    plan = Autocorrelator((9, 57), 9, clutter=clutter, axial=axial)
    assert_same(plan(iq, threads=1), plan(iq, threads=3))


@pytest.mark.parametrize("name", [*IN_ONE_PASS, "complex", "SVD"])
def test_velocities_in_one_pass_are_those_of_two_steps(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autocorrelation, "_FLOATS_PER_TILE", 700)
    iq = packets(4, 75, 12)
    others = {"complex": Shifted(), "SVD": SvdFilter(1)}
    clutter = (IN_ONE_PASS | others)[name]
    plan = Autocorrelator((4, 75), 12, clutter=clutter, lag=2)
    correlations = plan(iq)
    velocity, spread, power = plan.flow_values(iq, CLOCK)
    two_steps = flow_values(correlations, CLOCK)
    np.testing.assert_array_equal(velocity, two_steps[0])
    np.testing.assert_array_equal(spread, two_steps[1])
    np.testing.assert_array_equal(power, correlations.power)
    out = tuple(np.empty((4, 75), np.float32) for _ in range(3))
    assert plan.flow_values(iq, CLOCK, out=out, threads=1)[0] is out[0]  # type: ignore[arg-type]
    np.testing.assert_array_equal(out[0], velocity)


def test_points_may_have_any_number_of_axes() -> None:
    iq = packets(2, 3, 5, 20, 6)
    found = Autocorrelator((2, 3, 5, 20), 6, axial=True)(iq)
    lines = Autocorrelator((30, 20), 6, axial=True)(iq.reshape(30, 20, 6))
    np.testing.assert_array_equal(found.axial.reshape(30, 20), lines.axial)  # type: ignore[union-attr]
    flat = Autocorrelator((600,), 6)(iq.reshape(600, 6))
    np.testing.assert_array_equal(flat.power, found.power.reshape(-1))


def test_nothing_to_look_at_gives_nothing() -> None:
    assert Autocorrelator((0, 20), 4, axial=True)(packets(0, 20, 4)).shape == (0, 20)
    assert Autocorrelator((5, 0), 4, axial=True)(packets(5, 0, 4)).shape == (5, 0)


def test_what_is_not_as_the_kernel_takes_it_is_copied() -> None:
    iq = packets(4, 20, 8)
    plan = Autocorrelator((4, 20), 8)
    wanted = plan(iq)
    read_only = iq.copy()
    read_only.flags.writeable = False
    reversed_twice = iq[:, ::-1].copy()[:, ::-1]
    for other in (read_only, reversed_twice, iq.astype(np.complex128)):
        assert_same(plan(other), wanted)


def test_the_packet_is_not_changed_and_results_go_where_they_are_told() -> None:
    iq = packets(4, 20, 8)
    before = iq.copy()
    plan = Autocorrelator((4, 20), 8, clutter=MeanFilter(), axial=True)
    out = Correlations.empty((4, 20), axial=True)
    assert plan(iq, out=out) is out
    assert_same(out, plan(iq))
    np.testing.assert_array_equal(iq, before)


@given(seed=st.integers(0, 1000), n_pulses=st.integers(2, 40))
def test_symmetries(seed: int, n_pulses: int) -> None:
    """Conjugation and reversed time turn the phase back; a phase of the whole packet is nothing."""
    iq = packets(2, 5, n_pulses, seed=seed)
    plan = Autocorrelator((2, 5), n_pulses)
    found = plan(iq)
    close: dict[str, Any] = {"atol": 1e-5 * found.power.max()}
    conjugate, backwards = plan(iq.conj()), plan(iq[..., ::-1])
    turned = plan(iq * np.exp(1j * np.arange(10).reshape(2, 5, 1)).astype(np.complex64))
    np.testing.assert_allclose(conjugate.lag_one, found.lag_one.conj(), **close)
    np.testing.assert_allclose(backwards.lag_one, found.lag_one.conj(), **close)
    np.testing.assert_allclose(turned.lag_one, found.lag_one, **close)
    for other in (conjugate, backwards, turned):
        np.testing.assert_allclose(other.power, found.power, rtol=1e-5)


@given(exponent=st.integers(-30, 30), n_pulses=st.sampled_from([4, 12, 16]))
def test_a_scale_that_is_a_power_of_two_changes_no_bit_of_a_velocity(
    exponent: int, n_pulses: int
) -> None:
    iq = packets(2, 20, n_pulses)
    plan = Autocorrelator((2, 20), n_pulses, clutter=PolynomialFilter(1))
    scaled = plan((iq * np.float32(2.0**exponent)).astype(np.complex64))
    wanted, found = flow_values(plan(iq), CLOCK), flow_values(scaled, CLOCK)
    np.testing.assert_array_equal(found[0], wanted[0])
    np.testing.assert_allclose(found[1], wanted[1], rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        (((4, 20), 1), {}, "n_pulses"),
        (((), 8), {}, "depth"),
        (((4, 20), 8), {"lag": 8}, "lag"),
        (((4, 20), 8), {"lag": 0}, "lag"),
        (((4, 20), 3), {"clutter": FirFilter([1, -2, 1])}, "send more"),
        (((4, -1), 8), {}, "shape"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(arguments: Any, options: Any, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        Autocorrelator(*arguments, **options)


def test_packets_and_places_of_another_kind_are_refused() -> None:
    plan = Autocorrelator((4, 20), 8)
    with pytest.raises(ArgumentError, match=r"shape \(4, 20, 8\)"):
        plan(packets(4, 20, 7))
    with pytest.raises(ArgumentError, match="demodulate"):
        plan(np.zeros((4, 20, 8), np.float32))  # type: ignore[arg-type]
    for out in (
        Correlations.empty((4, 21)),
        Correlations.empty((4, 20), axial=True),
        Correlations.empty((4, 20), lag=2),
        Correlations(np.empty((4, 20)), np.empty((4, 20), np.complex64)),  # type: ignore[arg-type]
    ):
        with pytest.raises(ArgumentError, match="out"):
            plan(packets(4, 20, 8), out=out)
    wrong = tuple(np.empty((4, 20)) for _ in range(3))
    with pytest.raises(ArgumentError, match="out"):
        plan.flow_values(packets(4, 20, 8), CLOCK, out=wrong)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="axial"):
        Autocorrelator((4, 20), 8, axial=True).flow_values(packets(4, 20, 8), CLOCK)


def test_correlations_have_one_shape() -> None:
    with pytest.raises(ArgumentError, match="lag_one"):
        Correlations(np.zeros((2, 3), np.float32), np.zeros((2, 4), np.complex64))


def test_what_is_of_another_class_is_refused_by_name() -> None:
    packet = np.zeros((2, 3, 4), np.complex64)
    with pytest.raises(ArgumentError, match="clutter"):
        Autocorrelator((2, 3), 4, clutter="mean")  # type: ignore[arg-type]
    plan = Autocorrelator((2, 3), 4)
    with pytest.raises(ArgumentError, match="slow_time"):
        plan.flow_values(packet, None)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="out"):
        plan(packet, out=3)  # type: ignore[arg-type]
