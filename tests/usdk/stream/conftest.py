from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from usdk.acquisition import Acquisition, DeviceInfo, Gap, ReceiveSettings
from usdk.errors import DeviceAbsentError, DeviceTimeoutError, EndOfRecordingError
from usdk.front_end import (
    Capabilities,
    Configuration,
    FrontEnd,
    FrontEndStatus,
    ReceiveRequest,
)
from usdk.probe import Probe
from usdk.sequences import plane_waves
from usdk.transmit import TransmitSequence

PROBE = Probe.linear(
    "toy", n_elements=2, pitch_m=3e-4, centre_frequency_hz=5e6, fractional_bandwidth=0.6
)
RECEIVE = ReceiveSettings(sampling_frequency_hz=20e6, n_samples=8, time_zero_s=(0.0,))


class ToyFrontEnd(FrontEnd):
    """Plays a script: a number is a frame, "lose" and "damage" take a number, "leave" is gone."""

    scheme = "toy"

    def __init__(self, script: Iterator[Any], *, pause_s: float = 0.0) -> None:
        super().__init__()
        self.script, self.pause_s = script, pause_s
        self.gaps: list[Gap] = []
        self.number = 0
        self.n_lost = 0
        self.n_closed = 0

    @classmethod
    def open(cls, address: str) -> FrontEnd:
        raise NotImplementedError

    @property
    def info(self) -> DeviceInfo:
        return DeviceInfo(manufacturer="usdk", model="toy")

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            n_transmit_channels=2,
            n_receive_channels=2,
            sampling_frequencies_hz=(20e6,),
            max_samples=8,
            max_transmits=1,
            max_prf_hz=1e4,
        )

    @property
    def probe(self) -> Probe:
        return PROBE

    def _configure(
        self, sequence: TransmitSequence | None, receive: ReceiveRequest | None
    ) -> Configuration:
        return Configuration(
            sequence=sequence or plane_waves(), receive=RECEIVE, frame_rate_hz=100.0
        )

    def _start(self) -> None:
        self.number = 0
        self.n_lost = 0

    def _read(self, n_frames: int, deadline_s: float) -> Acquisition:
        time.sleep(self.pause_s)
        for step in self.script:
            if step == "leave":
                raise DeviceAbsentError("unplugged")
            if step == "silence":
                time.sleep(max(0.0, deadline_s - time.monotonic()))
                raise DeviceTimeoutError("nothing came")
            if step in ("lose", "damage"):
                is_damage = step == "damage"
                gap = Gap(
                    first_sequence_number=self.number,
                    n_frames=1,
                    n_packets_lost=int(not is_damage),
                    n_packets_damaged=int(is_damage),
                )
                self.gaps.append(gap)
                self.number += 1
                self.n_lost += 1
                continue
            gaps, self.gaps = tuple(self.gaps), []
            self.number += 1
            return Acquisition(
                data=np.zeros((1, 1, 2, 8), np.float32),
                probe=PROBE,
                sequence=self.configuration.sequence,
                receive=RECEIVE,
                sequence_numbers=np.array([self.number - 1]),
                gaps=gaps,
            )
        raise EndOfRecordingError("no more")

    def _stop(self) -> None:
        pass

    def _close(self) -> None:
        self.n_closed += 1

    def _status(self) -> FrontEndStatus:
        return FrontEndStatus(state=self.state, n_frames_lost=self.n_lost)


@pytest.fixture
def toy() -> Callable[..., ToyFrontEnd]:
    """Return a maker of configured front-ends that play a script."""

    def make(*script: Any, pause_s: float = 0.0) -> ToyFrontEnd:
        front_end = ToyFrontEnd(iter(script), pause_s=pause_s)
        front_end.configure(depth_m=0.01)
        return front_end

    return make


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[ToyFrontEnd]]:
    """Make addresses open front-ends that play one script after the other; None is absent."""

    def plug_in(*scripts: Any) -> list[ToyFrontEnd]:
        opened: list[ToyFrontEnd] = []
        coming = iter(scripts)

        def open_front_end(address: str) -> FrontEnd:
            script = next(coming, None)
            if script is None:
                raise DeviceAbsentError("nothing is plugged in")
            if isinstance(script, Exception):
                raise script
            opened.append(ToyFrontEnd(iter(script)))
            return opened[-1]

        monkeypatch.setattr("usdk.stream.source.open_front_end", open_front_end)
        return opened

    return plug_in
