"""A program beyond a limit is refused before the device hears of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from usdk.errors import ArgumentError
from usdk.front_end import FrontEndState, ReceiveRequest
from usdk.probe import Probe
from usdk.sequences import plane_waves
from usdk.transmit import PlaneWave, SingleElement, TransmitSequence
from usdk_drivers.simulator import EchoEngine, SceneName, SimulatedFrontEnd, make_scene
from usdk_drivers.usb_transport import UsbTransport

DEPTH = ReceiveRequest(depth_m=0.02)


@pytest.fixture
def front_end() -> Iterator[SimulatedFrontEnd]:
    probe = Probe.linear(
        "tiny", n_elements=8, pitch_m=3e-4, centre_frequency_hz=5e6, fractional_bandwidth=0.6
    )
    with SimulatedFrontEnd(EchoEngine(probe, make_scene(SceneName.POINTS, probe, 1))) as opened:
        description = opened._description
        limits = replace(
            description.capabilities, n_transmit_channels=4, max_transmits=5, max_prf_hz=5e3
        )
        opened._description = replace(description, capabilities=limits)
        yield opened


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the calls by which bytes reach the device."""
    calls: list[str] = []

    def spy(name: str) -> Callable[..., Any]:
        real = getattr(UsbTransport, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            calls.append(name)
            return real(*args, **kwargs)

        return call

    for name in ("upload", "control_out", "control_in"):
        monkeypatch.setattr(UsbTransport, name, spy(name))
    return calls


def beyond(front_end: SimulatedFrontEnd) -> dict[str, tuple[TransmitSequence, ReceiveRequest]]:
    """Return for each limit a program that exceeds it by as little as can be."""
    can = front_end.capabilities
    one = _few()
    return {
        "max_transmits": (_few(n=can.max_transmits + 1), DEPTH),
        "max_prf_hz": (_few(prf_hz=can.max_prf_hz * (1 + 1e-9)), DEPTH),
        "sampling_frequencies_hz": (
            one,
            ReceiveRequest(depth_m=0.02, sampling_frequency_hz=1.0001 * 40e6),
        ),
        "n_transmit_channels": (plane_waves(), DEPTH),
        "does not exist": (TransmitSequence(transmits=(SingleElement(element=8),)), DEPTH),
        "needs 9 elements": (TransmitSequence(transmits=(PlaneWave(aperture=(0, 9)),)), DEPTH),
        "samples, the device takes": (one, ReceiveRequest(depth_m=100.0)),
        "too fast for this depth": (
            _few(prf_hz=can.max_prf_hz / 2),
            ReceiveRequest(depth_m=770.0 / (can.max_prf_hz / 2)),
        ),
    }


def _few(n: int = 1, prf_hz: float | None = None) -> TransmitSequence:
    return TransmitSequence(transmits=(PlaneWave(aperture=(0, 4)),) * n, prf_hz=prf_hz)


def test_each_limit_is_named_and_not_a_byte_is_sent(
    front_end: SimulatedFrontEnd, sent: list[str]
) -> None:
    before = front_end.configure(_few(prf_hz=1000.0), DEPTH)
    assert "upload" in sent
    for limit, (sequence, receive) in beyond(front_end).items():
        sent.clear()
        with pytest.raises(ArgumentError, match=limit):
            front_end.configure(sequence, receive)
        assert sent == []
        assert front_end.configuration is before
        assert front_end.state is FrontEndState.CONFIGURED
    assert front_end.read().n_frames == 1
