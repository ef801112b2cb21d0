from __future__ import annotations

import math

import pytest

from usdk.errors import ArgumentError
from usdk.probe import Probe
from usdk_drivers.simulator import EchoEngine, Electronics, SceneName, make_scene


def test_what_is_declared_is_what_the_device_says() -> None:
    probe = Probe.linear(
        "p", n_elements=8, pitch_m=3e-4, centre_frequency_hz=5e6, fractional_bandwidth=0.6
    )
    electronics = Electronics(
        sampling_frequencies_hz=(20e6,),
        max_prf_hz=3e3,
        max_samples=512,
        max_transmits=5,
        manufacturer="maker",
        firmware_version="0.9",
    )
    scene = make_scene(SceneName.POINTS, probe, 1)
    described = EchoEngine(probe, scene, electronics=electronics).description
    can = described.capabilities
    assert (can.sampling_frequencies_hz, can.max_prf_hz) == ((20e6,), 3e3)
    assert (can.max_samples, can.max_transmits) == (512, 5)
    assert (described.info.manufacturer, described.info.firmware_version) == ("maker", "0.9")
    usual = EchoEngine(probe, scene).description.capabilities
    assert usual.sampling_frequencies_hz == (10e6, 20e6, 40e6)


@pytest.mark.parametrize(
    "values",
    [
        {"sampling_frequencies_hz": (0.0,)},
        {"sampling_frequencies_hz": (1e6,) * 65},
        {"max_prf_hz": math.inf},
        {"max_samples": 0},
        {"max_samples": 2**20 + 1},
        {"max_transmits": 4097},
        {"fifo_bytes": 0},
        {"gain_db": math.nan},
        {"manufacturer": "m" * 256},
    ],
)
def test_figures_that_cannot_be_are_refused_by_name(values: dict[str, object]) -> None:
    with pytest.raises(ArgumentError, match=next(iter(values))):
        Electronics(**values)  # type: ignore[arg-type]
