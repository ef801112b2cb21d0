from __future__ import annotations

import numpy as np
import pytest

from usdk.errors import ArgumentError
from usdk.image.levels import envelope, log_compression


def test_the_envelope_is_the_magnitude() -> None:
    rng = np.random.default_rng(5)
    iq = (rng.standard_normal((7, 9)) + 1j * rng.standard_normal((7, 9))).astype(np.complex64)
    assert np.allclose(envelope(iq), np.abs(iq.astype(complex)), rtol=1e-6)
    assert np.allclose(envelope(iq.T), envelope(iq).T)


def test_log_compression_is_twenty_times_the_decimal_logarithm() -> None:
    image = np.geomspace(1e-4, 10, 60, dtype=np.float32).reshape(6, 10)
    assert np.allclose(log_compression(image), 20 * np.log10(image / 10), atol=1e-4)
    assert np.allclose(log_compression(image, reference=2.0), 20 * np.log10(image / 2), atol=1e-4)
    assert np.all(log_compression(np.zeros((2, 3), np.float32)) == -200)


@pytest.mark.parametrize("reference", [0.0, -1.0, float("inf"), float("nan")])
def test_a_reference_is_positive_and_finite(reference: float) -> None:
    with pytest.raises(ArgumentError, match="reference"):
        log_compression(np.ones((2, 2), np.float32), reference=reference)


@pytest.mark.parametrize("shape", [(5,), (0, 4), (2, 2, 2)])
def test_images_have_two_dimensions(shape: tuple[int, ...]) -> None:
    with pytest.raises(ArgumentError, match="two dimensions"):
        envelope(np.zeros(shape, np.complex64))
    with pytest.raises(ArgumentError, match="two dimensions"):
        log_compression(np.zeros(shape, np.float32))
