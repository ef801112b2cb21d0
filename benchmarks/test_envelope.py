"""Envelope and log compression: ours, and numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from usdk.bmode import envelope, log_compression


def beamformed() -> Any:
    rng = np.random.default_rng(0)
    shape = (383, 1140)
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)


@pytest.mark.benchmark(group="envelope and log compression (383 x 1140)")
def test_ours(benchmark: Any) -> None:
    iq = beamformed()
    benchmark(lambda: log_compression(envelope(iq)))


@pytest.mark.benchmark(group="envelope and log compression (383 x 1140)")
def test_numpy(benchmark: Any) -> None:
    iq = beamformed()

    def compress() -> Any:
        magnitude = np.abs(iq)
        return 20 * np.log10(magnitude / magnitude.max())

    theirs = benchmark(compress)
    assert np.abs(theirs - log_compression(envelope(iq))).max() < 1e-3
