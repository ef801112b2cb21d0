"""The data path of a simulated device: frames made when they are due, cut into packets, sent."""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from usdk_drivers.simulator.device_model import Gone, Nak, Stall
from usdk_drivers.simulator.engine import Engine
from usdk_drivers.simulator.faults import Fault, FaultPlan
from usdk_drivers.wire import PACKET_HEADER_BYTES, PacketFlag, PacketHeader, encode_packet

__all__ = ["FIFO_BYTES", "Pace", "PacketSource"]

FIFO_BYTES = 8 * 2**20
# A device that loses packet after packet lets others run after so many: whoever asks it for its
# status shares the interpreter with it.
_MAX_LOST_IN_A_ROW = 64


@dataclass(frozen=True, kw_only=True)
class Pace:
    """When a device makes its frames.

    Parameters
    ----------
    speed : float
        Frames come at this many times the frame rate that is set; with 0 they are made when the
        host asks for them.
    overruns : bool
        Whether frames are made whether or not the host fetches them: those that find the FIFO
        full are dropped and counted.
    """

    speed: float = 0.0
    overruns: bool = False


class PacketSource:
    """One run's packets, with what goes wrong with them.

    Parameters
    ----------
    engine : Engine
        Set up with a sequence.
    run : int
        Number of the start, which packets carry.
    faults : FaultPlan
        What goes wrong.
    pace : Pace
        When frames are made.
    drift_ppm : float
        How much faster than true time the clock runs that stamps the packets, parts per million.
    fifo_bytes : int
        Memory for what the host has not fetched yet.
    """

    def __init__(
        self,
        engine: Engine,
        run: int,
        faults: FaultPlan,
        pace: Pace,
        *,
        drift_ppm: float = 0.0,
        fifo_bytes: int = FIFO_BYTES,
    ) -> None:
        settings = engine.settings
        assert settings is not None
        assert settings.data_type is not None
        self._engine, self._run, self._faults, self._pace = engine, run, faults, pace
        self._settings, self._data_type = settings, settings.data_type
        self._n_transmits, n_elements = settings.delays_s.shape
        self._period_s = 1 / (pace.speed * settings.frame_rate_hz) if pace.speed else 0.0
        packet_bytes = n_elements * settings.n_samples * self._data_type.dtype.itemsize
        # A FIFO that holds less than two frames could hardly deliver one whole.
        self._fifo_packets = max(fifo_bytes // packet_bytes, 2 * self._n_transmits)
        self._drift_ppm = drift_ppm
        self._fifo: deque[int] = deque()
        self._n_made = 0
        self._started_s = time.monotonic()
        self._pending = memoryview(b"")
        self._frame: tuple[int, NDArray[Any] | None] | None = None
        self._drawn: tuple[int, Fault | None] = (-1, None)
        self._is_at_frame_end = False
        self._is_after_overrun = False
        self._is_silent = False
        self._is_gone = False
        self._held = b""
        self._paused_for: int | None = None
        self._resumes_s = -math.inf
        self._n_handled = 0
        self.is_overheated = False
        """Whether the device froze because it was too hot."""
        self._end_is_sent = False
        self.n_overruns = 0
        self.time_computing_s = 0.0
        """Time spent on making frames, s."""

    @property
    def n_frames_made(self) -> int:
        """Frames made in this run, those dropped included."""
        return int(self._n_made // self._n_transmits)

    @property
    def has_ended(self) -> bool:
        """Whether everything was sent, the end included."""
        return self._end_is_sent and not (self._fifo or self._pending or self._held)

    @property
    def is_silent(self) -> bool:
        """Whether nothing will be sent any more, and nothing waits to be."""
        return self._is_silent and not (self._pending or self._is_gone)

    @property
    def heat(self) -> float:
        """How far the device is on its way to being too hot, 0 to 1."""
        if self.is_overheated:
            return 1.0
        last = self._faults.overheats_at
        return 0.0 if last is None else min(1.0, self._n_handled / (last + 1))

    def stop(self) -> None:
        """Forget what was not sent, and send no more."""
        self._pending, self._held = memoryview(b""), b""
        self._is_silent = True

    def fill(self, buffer: memoryview, timeout_s: float) -> int:
        """Send what there is, at most to the end of a frame, so that no frame waits for the next.

        `Nak` if nothing is due within ``timeout_s``, and before that when many packets in a row
        were lost on purpose: ask again.
        """
        deadline_s = self._clock_s() + timeout_s
        n_filled = n_lost = 0
        while n_filled < len(buffer):
            if self._pending:
                piece = self._pending[: len(buffer) - n_filled]
                buffer[n_filled : n_filled + len(piece)] = piece
                self._pending = self._pending[len(piece) :]
                n_filled += len(piece)
                continue
            if n_filled and (self._is_at_frame_end or self._is_gone):
                break
            if self._is_gone:
                raise Gone
            self._admit()
            if self._is_silent or not self._fifo:
                if n_filled or not self._wait(deadline_s):
                    break
                continue
            fault = self._fault_of(self._fifo[0])
            if n_filled and fault in (Fault.STALL, Fault.NAK):
                break
            if fault is Fault.NAK and not self._pause_is_over(deadline_s):
                break
            if n_lost == _MAX_LOST_IN_A_ROW:
                break
            self._send(self._fifo.popleft(), fault)
            n_lost = 0 if self._pending else n_lost + 1
        if not n_filled:
            raise Nak
        return n_filled

    def _admit(self) -> None:
        """Put into the FIFO what was made by now, or drop it if there is no room."""
        elapsed_s, period_s = self._clock_s() - self._started_s, self._period_s
        n_due = int(elapsed_s / period_s) + 1 if period_s else self.n_frames_made + 1
        if not self._pace.overruns:
            # The device waits for the host, one frame at a time.
            n_due = self.n_frames_made if self._fifo else min(n_due, self.n_frames_made + 1)
        if self._engine.n_frames is not None:
            n_due = min(n_due, self._engine.n_frames)
        n_new = n_due * self._n_transmits - self._n_made
        n_kept = min(n_new, self._fifo_packets - len(self._fifo))
        self._fifo.extend(range(self._n_made, self._n_made + n_kept))
        self._n_made += n_new
        self.n_overruns += n_new - n_kept
        self._is_after_overrun |= n_new > n_kept
        if self._n_made // self._n_transmits == self._engine.n_frames and not self._fifo:
            self._queue_end()

    def _queue_end(self) -> None:
        if not self._end_is_sent:
            self._end_is_sent = True
            self._fifo.append(self._n_made)

    def _wait(self, deadline_s: float) -> bool:
        """Wait for the next frame; False when there is none before ``deadline_s``."""
        due_s = self._started_s + self.n_frames_made * self._period_s
        is_coming = not self._is_silent and not self._end_is_sent and due_s < deadline_s
        until_s = due_s if is_coming else deadline_s
        time.sleep(max(0.0, until_s - self._clock_s()))
        return is_coming

    def _clock_s(self) -> float:
        """Return a clock that stands still while frames are computed, s."""
        return time.monotonic() - self.time_computing_s

    def _fault_of(self, packet: int) -> Fault | None:
        if self._drawn[0] != packet:
            self._drawn = (packet, self._faults.fault(packet))
        return self._drawn[1]

    def _pause_is_over(self, deadline_s: float) -> bool:
        """Wait for the end of a pause; False when it is not before ``deadline_s``."""
        packet = self._fifo[0]
        if self._paused_for != packet:
            self._paused_for = packet
            self._resumes_s = self._clock_s() + self._faults.nak_s
        is_over = self._resumes_s < deadline_s
        until_s = self._resumes_s if is_over else deadline_s
        time.sleep(max(0.0, until_s - self._clock_s()))
        return is_over

    def _send(self, packet: int, fault: Fault | None) -> None:
        self._is_at_frame_end = packet % self._n_transmits == self._n_transmits - 1
        self._n_handled = packet + 1
        if fault in (Fault.SILENCE, Fault.OVERHEAT):
            self._is_silent = True
            self.is_overheated = fault is Fault.OVERHEAT
            return
        held, self._held = self._held, b""
        if fault is Fault.STALL:
            self._pending = memoryview(held)
            raise Stall
        is_end = packet == self._n_made and self._end_is_sent
        sent = self._as_sent(packet, fault, is_end)
        if fault is Fault.REORDER and not (held or is_end):
            self._held = sent
            return
        self._pending = memoryview(sent + held if held and not self._is_gone else sent)

    def _as_sent(self, packet: int, fault: Fault | None, is_end: bool) -> bytes:
        """Return what goes out for a packet, nothing if it is not sent."""
        if fault is Fault.DROP:
            return b""
        frame = None if is_end else self._samples(packet // self._n_transmits)
        if frame is None and not is_end:
            return b""
        return self._spoilt(self._whole(packet, frame), fault, packet)

    def _whole(self, packet: int, frame: NDArray[Any] | None) -> bytes:
        """Return a packet; without a frame the one that ends the data."""
        frame_number, transmit_index = divmod(packet, self._n_transmits)
        flags = PacketFlag.END_OF_DATA if frame is None else PacketFlag.NONE
        if self._is_after_overrun:
            flags |= PacketFlag.AFTER_OVERRUN
            self._is_after_overrun = False
        samples = None
        if frame is not None:
            first, stop = self._settings.aperture(transmit_index)
            samples = frame[transmit_index, first:stop]
        timestamp_ns: int | None = 0
        if frame is not None:
            timestamp_ns = self._engine.timestamp_ns(frame_number, transmit_index)
            if timestamp_ns is not None and self._drift_ppm:
                timestamp_ns += round(timestamp_ns * self._drift_ppm * 1e-6)
        if timestamp_ns is None:
            flags |= PacketFlag.NO_TIMESTAMP
        header = PacketHeader(
            configuration_id=self._settings.configuration_id,
            run=self._run,
            packet_number=packet,
            frame_number=frame_number,
            transmit_index=transmit_index,
            data_type=self._data_type,
            n_elements=0 if samples is None else samples.shape[0],
            n_samples=0 if samples is None else samples.shape[1],
            device_timestamp_ns=timestamp_ns or 0,
            flags=flags,
        )
        return encode_packet(header, samples)

    def _spoilt(self, whole: bytes, fault: Fault | None, packet: int) -> bytes:
        if fault is Fault.DUPLICATE:
            return whole + whole
        if fault is Fault.UNPLUG:
            self._is_gone = True
        if fault in (Fault.UNPLUG, Fault.TRUNCATE):
            return whole[: PACKET_HEADER_BYTES + (len(whole) - PACKET_HEADER_BYTES) // 2]
        if fault in (Fault.CORRUPT, Fault.CORRUPT_HEADER):
            in_header = fault is Fault.CORRUPT_HEADER or len(whole) == PACKET_HEADER_BYTES
            first, stop = (0, PACKET_HEADER_BYTES) if in_header else (PACKET_HEADER_BYTES, None)
            random = self._faults.random(packet)
            spoilt = bytearray(whole)
            spoilt[random.integers(first, stop or len(whole))] ^= 1 << random.integers(8)
            return bytes(spoilt)
        return whole

    def _samples(self, frame_number: int) -> NDArray[Any] | None:
        if self._frame is None or self._frame[0] != frame_number:
            started_s = time.monotonic()
            self._frame = (frame_number, self._engine.frame(frame_number))
            self.time_computing_s += time.monotonic() - started_s
        return self._frame[1]
