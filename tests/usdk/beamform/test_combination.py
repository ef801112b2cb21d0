from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from usdk.acquisition import ReceiveSettings
from usdk.beamform import AlignedData, Beamformer, CoherenceFactor, Combination
from usdk.beamform.combination import DelayAndSum, combination_of
from usdk.errors import ArgumentError
from usdk.probe import Probe
from usdk.scan import LinearScan
from usdk.sequences import plane_waves
from usdk.transmit import TransmitSequence

C, FS, FC, N_SAMPLES = 1540.0, 20e6, 5e6, 700
PROBE = Probe.linear(
    "L", n_elements=24, pitch_m=0.3e-3, centre_frequency_hz=FC, fractional_bandwidth=0.6
)
SCAN = LinearScan(x_m=np.linspace(-3e-3, 3e-3, 61), z_m=np.linspace(11e-3, 13e-3, 41))
TARGET_M = np.array([0.0, 0.0, 12e-3])
PAGE = Path(__file__).parents[3] / "docs/how-to/write-a-combination.md"


def receive_for(sequence: TransmitSequence) -> ReceiveSettings:
    return ReceiveSettings(
        sampling_frequency_hz=FS,
        n_samples=N_SAMPLES,
        time_zero_s=(0.0,) * len(sequence),
        demodulation_frequency_hz=FC,
        sound_speed_m_s=C,
    )


def echoes(
    sequence: TransmitSequence, targets_m: list[Any], noise: float = 0.0
) -> NDArray[np.complex64]:
    """IQ of points of reflectivity 1: Gaussian pulses, by the equation."""
    time_s = np.arange(N_SAMPLES) / FS
    rng = np.random.default_rng(4)
    data = (
        noise * rng.standard_normal((len(sequence), 24, N_SAMPLES, 2)).view(np.complex128)[..., 0]
    )
    for target_m in targets_m:
        back_s = np.linalg.norm(PROBE.element_positions_m - target_m, axis=1) / C
        for t, transmit in enumerate(sequence.transmits):
            there_s = transmit.arrival_time_s(target_m[None], PROBE, C)[0]
            delay_s = (there_s + back_s)[:, None]
            pulse = np.exp(-0.5 * ((time_s - delay_s) / 0.2e-6) ** 2)
            data[t] += pulse * np.exp(-2j * np.pi * FC * delay_s)
    return np.asarray(data, np.complex64)


def picture(
    combination: Combination | str, data: NDArray[Any], sequence: TransmitSequence, **options: Any
) -> NDArray[Any]:
    settings: dict[str, Any] = {"f_number": 0.0, "window": "boxcar"} | options
    plan = Beamformer(
        PROBE, sequence, receive_for(sequence), SCAN, combination=combination, **settings
    )
    return np.abs(plan(data))


def width_m(image: NDArray[Any]) -> float:
    """Full width at half maximum across the target, m."""
    across = image[:, SCAN.z_m.size // 2] / image.max()
    inside = np.flatnonzero(across >= 0.5)
    return float(np.interp(0.5, across[inside[-1] + 1 : inside[-1] - 1 : -1],
                           SCAN.x_m[inside[-1] + 1 : inside[-1] - 1 : -1])) * 2  # fmt: skip


class DelayMultiplyAndSum:
    """Baseband delay-multiply-and-sum with p = 2: Shen and Hsieh, Ultrasonics 96 (2019)."""

    def describe(self) -> str:
        return "delay-multiply-and-sum, p = 2"

    def __call__(self, aligned: AlignedData, out: NDArray[Any]) -> None:
        x = np.einsum("pte,pt->pe", aligned.samples, aligned.transmit_weights)
        roots = x / np.sqrt(np.maximum(np.abs(x), 1e-30))
        heard = np.maximum(aligned.apodization.sum(axis=1), 1e-30)
        mean = np.einsum("pe,pe->p", roots, aligned.apodization) / heard
        out[:] = mean * np.abs(mean)


class MinimumVariance:
    """Subaperture averaging and diagonal loading: Synnevåg et al., IEEE TUFFC 54(8), 2007."""

    def describe(self) -> str:
        return "minimum variance, subapertures of half the elements, loading 1/100"

    def __call__(self, aligned: AlignedData, out: NDArray[Any]) -> None:
        x = np.einsum("pte,pt->pe", aligned.samples, aligned.transmit_weights)
        n = x.shape[1] // 2
        parts = sliding_window_view(x, n, axis=1)  # (n_points, n_subapertures, n)
        covariance = parts.swapaxes(1, 2) @ parts.conj() / parts.shape[1]
        power = np.einsum("pii->p", covariance).real / n
        covariance += (power[:, None, None] / 100 + 1e-30) * np.eye(n)
        weights = np.linalg.solve(covariance, np.ones((n, 1)))[..., 0]
        weights /= weights.sum(axis=1, keepdims=True)
        out[:] = np.einsum("pi,pi->p", weights.conj(), parts.mean(axis=1))


@pytest.mark.parametrize("method", [DelayMultiplyAndSum(), MinimumVariance()])
def test_a_method_of_a_few_lines_narrows_a_point_as_published(method: Combination) -> None:
    sequence = plane_waves([0])
    data = echoes(sequence, [TARGET_M], noise=0.01)
    plain, better = picture("sum", data, sequence), picture(method, data, sequence)
    assert np.argmax(better) == np.argmax(plain)
    # A coherent point keeps its amplitude: 1, in every part of the sum.
    assert better.max() == pytest.approx(1, rel=0.02)
    assert width_m(better) < 0.8 * width_m(plain)


def test_minimum_variance_separates_what_delay_and_sum_does_not() -> None:
    sequence = plane_waves([0])
    pair_m = [TARGET_M + np.array([side * 0.32e-3, 0, 0]) for side in (-1, 1)]
    data = echoes(sequence, pair_m, noise=0.003)
    dips = {}
    for name, method in (("sum", "sum"), ("minimum variance", MinimumVariance())):
        across = picture(method, data, sequence)[:, SCAN.z_m.size // 2]
        dips[name] = across[30] / across.max()
    assert dips["minimum variance"] < 0.5 * dips["sum"]


@pytest.mark.parametrize("across", ["elements", "transmits", "both"])
def test_the_coherence_factor_keeps_a_point_and_lowers_what_lies_beside_it(across: str) -> None:
    sequence = plane_waves(np.linspace(-12, 12, 7))
    data = echoes(sequence, [TARGET_M])
    plain = picture("sum", data, sequence)
    factored = picture(CoherenceFactor(across), data, sequence)
    assert np.argmax(factored) == np.argmax(plain)
    assert factored.max() == pytest.approx(plain.max(), rel=0.02)
    assert np.all(factored <= plain * (1 + 1e-5) + 1e-7)
    beside = np.abs(SCAN.x_m) > 1.5e-3
    assert factored[beside].max() < 0.3 * plain[beside].max()


def test_the_name_is_the_usual_coherence_factor() -> None:
    sequence = plane_waves([-5, 5])
    data = echoes(sequence, [TARGET_M], noise=0.1)
    assert np.array_equal(
        picture("coherence factor", data, sequence),
        picture(CoherenceFactor("elements"), data, sequence),
    )
    assert combination_of("coherence factor") == CoherenceFactor()
    assert combination_of("sum") == DelayAndSum()


def test_silence_stays_silent() -> None:
    sequence = plane_waves([0, 5])
    data = np.zeros((2, 24, N_SAMPLES), np.complex64)
    for combination in ("sum", "coherence factor", CoherenceFactor("both"), DelayMultiplyAndSum()):
        for normalize in (True, False):
            assert not picture(
                combination, data, sequence, normalize=normalize, kernel="aligned"
            ).any()


class _Unfinished:
    def describe(self) -> str:
        return "unfinished"


class _Untold(DelayAndSum):
    def describe(self) -> Any:
        return 3


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("sums", "not one of sum, coherence factor"),
        (CoherenceFactor, "an object with describe"),
        (_Unfinished(), "an object with describe"),
        (np.einsum, "an object with describe"),
        (None, "an object with describe"),
        (_Untold(), "as text"),
    ],
)
def test_what_cannot_combine_is_refused_when_planned(wrong: Any, message: str) -> None:
    sequence = plane_waves([0])
    with pytest.raises(ArgumentError, match=message):
        Beamformer(PROBE, sequence, receive_for(sequence), SCAN, combination=wrong)


def test_what_a_factor_can_be_across_is_named() -> None:
    with pytest.raises(ArgumentError, match="elements, transmits, both"):
        CoherenceFactor("channels")


class _Returns:
    def describe(self) -> str:
        return "returns"

    def __call__(self, aligned: AlignedData, out: NDArray[Any]) -> Any:
        return aligned.samples.sum(axis=(1, 2))


class _Forgets(_Returns):
    def __call__(self, aligned: AlignedData, out: NDArray[Any]) -> None:
        out[1:] = 1


def test_a_combination_that_returns_or_forgets_is_found_out() -> None:
    sequence = plane_waves([0])
    data = np.ones((1, 24, N_SAMPLES), np.complex64)
    with pytest.raises(ArgumentError, match="into out and return None"):
        picture(_Returns(), data, sequence)
    missing = np.isnan(picture(_Forgets(), data, sequence))
    assert missing.any()
    assert not missing.all()


@pytest.mark.slow
def test_the_examples_of_the_how_to_run(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    for example in re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL):
        exec(compile(example, str(PAGE), "exec"), names)
    printed = capsys.readouterr().out
    assert "combination: delay-multiply-and-sum" in printed
    assert "(512, 3, 128)" in printed
