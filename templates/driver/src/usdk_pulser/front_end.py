"""PulserFrontEnd: the state machine between usdk's contract and the Pulser's words."""

from __future__ import annotations

import math
import threading
import time
from contextlib import suppress
from typing import ClassVar, Self

import numpy as np

from usdk.acquisition import Acquisition, DeviceInfo, Gap, ReceiveSettings, time_zero_s
from usdk.errors import (
    ArgumentError,
    DeviceAbsentError,
    DeviceFailedError,
    DeviceTimeoutError,
    StateError,
)
from usdk.front_end import (
    Capabilities,
    Configuration,
    FrontEnd,
    FrontEndState,
    FrontEndStatus,
    ReceiveRequest,
)
from usdk.probe import Probe
from usdk.transmit import SingleElement, TransmitSequence
from usdk_pulser.connection import PulserConnection
from usdk_pulser.protocol import Kind, Message

__all__ = ["PulserFrontEnd"]

SAMPLING_FREQUENCIES_HZ = (20e6, 40e6)
MAX_SAMPLES = 16_384
MAX_PRF_HZ = 5000.0
DEFAULT_PRF_HZ = 500.0
FIRST_SAMPLE_S = 1e-6
"""The first sample is taken so long after the pulse."""

_SLICE_S = 0.05
_PROBE = Probe.linear(
    "Pulser element",
    n_elements=1,
    pitch_m=10e-3,
    centre_frequency_hz=5e6,
    fractional_bandwidth=0.6,
)
_CAPABILITIES = Capabilities(
    n_transmit_channels=1,
    n_receive_channels=1,
    sampling_frequencies_hz=SAMPLING_FREQUENCIES_HZ,
    max_samples=MAX_SAMPLES,
    max_transmits=1,
    max_prf_hz=MAX_PRF_HZ,
)


class PulserFrontEnd(FrontEnd):
    """A board with one element and a network port; address ``pulser:HOST:PORT``."""

    scheme: ClassVar[str] = "pulser"

    def __init__(self, connection: PulserConnection) -> None:
        super().__init__()
        self._connection = connection
        # One thread may read while another stops or closes.
        self._using = threading.Lock()
        serial_number, firmware_version = _two_words(connection.ask("id"))
        self._info = DeviceInfo(
            manufacturer="Example",
            model="Pulser",
            serial_number=serial_number,
            firmware_version=firmware_version,
        )
        self._forget_run()

    @classmethod
    def open(cls, address: str) -> Self:
        """Open the board at ``HOST:PORT``."""
        host, _, port = address.rpartition(":")
        if not (host and port.isascii() and port.isdecimal() and int(port[:6]) < 2**16):
            raise ArgumentError(f"{address!r} is no pulser: write pulser:HOST:PORT")
        connection = PulserConnection.open(host.strip("[]"), int(port))
        try:
            return cls(connection)
        except BaseException:
            connection.close()
            raise

    @property
    def info(self) -> DeviceInfo:
        """Who the board is."""
        return self._info

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        return _CAPABILITIES

    @property
    def probe(self) -> Probe:
        """Its element."""
        return _PROBE

    def _configure(
        self, sequence: TransmitSequence | None, receive: ReceiveRequest | None
    ) -> Configuration:
        # The base class compared all that `capabilities` tells. What only this driver can know
        # is checked here, before the device hears of it.
        if receive is None:
            raise ArgumentError("say how deep to listen: configure(depth_m=0.05)")
        sequence = sequence or TransmitSequence(transmits=(SingleElement(element=0),))
        if sequence.transmits != (SingleElement(element=0),) or sequence.frequency_hz is not None:
            raise ArgumentError(
                "the pulser fires its only element, at its own frequency: give "
                "SingleElement(element=0) and no frequency_hz, or no sequence"
            )
        rate_hz = receive.sampling_frequency_hz or SAMPLING_FREQUENCIES_HZ[0]
        n_samples = self._n_samples(receive, rate_hz)
        greatest_hz = min(MAX_PRF_HZ, 1 / (FIRST_SAMPLE_S + n_samples / rate_hz))
        prf_hz = min(DEFAULT_PRF_HZ, greatest_hz) if sequence.prf_hz is None else sequence.prf_hz
        if prf_hz > greatest_hz:
            raise ArgumentError(
                f"a PRF of {prf_hz:g} Hz is too fast for this depth: ask for "
                f"{math.floor(greatest_hz)} Hz or less, or for less depth"
            )
        with self._using:
            self._connection.ask(f"set {rate_hz / 1e6:g} {n_samples} {prf_hz!r}")
        settings = ReceiveSettings(
            sampling_frequency_hz=rate_hz,
            n_samples=n_samples,
            # When sample 0 is taken, from when the device fires: here as its clock starts.
            time_zero_s=time_zero_s(
                sequence,
                self.probe,
                receive.sound_speed_m_s,
                delays_s=np.zeros((1, 1)),
                first_sample_s=FIRST_SAMPLE_S,
            ),
            sound_speed_m_s=receive.sound_speed_m_s,
            wanted_depth_m=receive.depth_m,
        )
        return Configuration(sequence=sequence, receive=settings, frame_rate_hz=prf_hz)

    def _n_samples(self, receive: ReceiveRequest, rate_hz: float) -> int:
        # The echo of the depth ends when the whole pulse has come back.
        pulse_s = 3 / (_PROBE.centre_frequency_hz * _PROBE.fractional_bandwidth)
        last_s = 2 * receive.depth_m / receive.sound_speed_m_s + pulse_s
        n_samples = math.ceil((last_s - FIRST_SAMPLE_S) * rate_hz) + 1
        if n_samples > MAX_SAMPLES:
            reach_s = FIRST_SAMPLE_S + (MAX_SAMPLES - 1) / rate_hz - pulse_s
            greatest_m = reach_s * receive.sound_speed_m_s / 2
            raise ArgumentError(
                f"a depth of {receive.depth_m:g} m takes {n_samples} samples, the pulser has "
                f"{MAX_SAMPLES} (max_samples): ask for {math.floor(greatest_m * 1e3)} mm or less"
            )
        return max(1, n_samples)

    def _forget_run(self) -> None:
        self._next = 0
        self._n_received = self._n_lost = self._n_damaged = 0

    def _start(self) -> None:
        self._forget_run()
        with self._using:
            self._connection.ask("start")

    def _read(self, n_frames: int, deadline_s: float) -> Acquisition:
        echoes: list[Message] = []
        gaps: list[Gap] = []
        while len(echoes) < n_frames:
            try:
                echo = self._next_echo(deadline_s)
            except (DeviceAbsentError, DeviceFailedError, DeviceTimeoutError):
                # What came is delivered; the next read meets what is wrong again.
                if not echoes:
                    raise
                break
            # Numbers that were skipped are echoes that the board had to drop.
            n_skipped = echo.number - self._next
            n_samples = len(echo.body) // 2
            is_whole = not echo.is_damaged and n_samples == self.configuration.receive.n_samples
            if n_skipped or not is_whole:
                gaps.append(
                    Gap(
                        first_sequence_number=self._next,
                        n_frames=n_skipped + (not is_whole),
                        n_packets_lost=n_skipped,
                        n_packets_damaged=int(not is_whole),
                    )
                )
            self._n_lost += n_skipped
            self._n_damaged += not is_whole
            self._next = echo.number + 1
            if is_whole:
                echoes.append(echo)
                self._n_received += 1
        return self._acquisition(echoes, gaps)

    def _next_echo(self, deadline_s: float) -> Message:
        while True:
            with self._using:
                if self.state is not FrontEndState.RUNNING:
                    raise StateError("the front-end was stopped while it was read")
                # In slices, so that another thread can stop it.
                message = self._connection.receive(min(deadline_s, time.monotonic() + _SLICE_S))
            if message is not None and message.kind is Kind.ECHO and message.number >= self._next:
                return message
            if time.monotonic() >= deadline_s:
                raise DeviceTimeoutError(
                    "no echo came in time: check the pulser's trigger, or allow a longer timeout_s"
                )

    def _acquisition(self, echoes: list[Message], gaps: list[Gap]) -> Acquisition:
        lines = np.stack([np.frombuffer(echo.body, "<i2") for echo in echoes])
        return Acquisition(
            data=lines[:, np.newaxis, np.newaxis, :],
            probe=self.probe,
            sequence=self.configuration.sequence,
            receive=self.configuration.receive,
            sequence_numbers=np.array([echo.number for echo in echoes]),
            device_timestamps_s=np.array([echo.time_ns for echo in echoes]) * 1e-9,
            host_timestamps_s=np.full(len(echoes), time.time()),
            gaps=tuple(gaps),
            device=self.info,
        )

    def _stop(self) -> None:
        # What is gone has stopped.
        with suppress(DeviceAbsentError), self._using:
            self._connection.ask("stop")

    def _close(self) -> None:
        with self._using:
            self._connection.close()

    def _status(self) -> FrontEndStatus:
        return FrontEndStatus(
            state=self.state,
            n_frames_received=self._n_received,
            n_frames_lost=self._n_lost + self._n_damaged,
            n_packets_lost=self._n_lost,
            n_packets_damaged=self._n_damaged,
        )


def _two_words(text: str) -> tuple[str, str]:
    words = text.split()
    if len(words) != 2:
        raise DeviceFailedError(f"the pulser calls itself {text!r}: update its firmware")
    return words[0], words[1]
