"""From any bytes, in any chunks, to whole packets and what was damaged between them."""

from __future__ import annotations

import re
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from usdk.errors import DataDamagedError
from usdk_drivers.wire.packet import PACKET_HEADER_BYTES, PACKET_MAGIC, PacketHeader
from usdk_drivers.wire.protocol import MAX_PAYLOAD_BYTES

__all__ = ["Damage", "DamageReason", "Packet", "PacketDecoder"]

_MAGIC = re.compile(re.escape(PACKET_MAGIC))


class DamageReason(StrEnum):
    """What was wrong."""

    GARBAGE = "bytes that are no packet"
    HEADER = "a header that cannot be right"
    PAYLOAD = "a payload with a wrong CRC-32"


@dataclass(frozen=True)
class Packet:
    """A whole packet.

    ``payload`` is the destination that the decoder was given, filled; None where none was given.
    """

    header: PacketHeader
    payload: memoryview | None


@dataclass(frozen=True)
class Damage:
    """Something that was no whole packet; ``header`` is there if the header was whole."""

    reason: DamageReason
    header: PacketHeader | None = None


class PacketDecoder:
    """Finds packets in a stream of bytes.

    Bytes go from the caller's chunk straight to the packet's destination. After damage, the search
    for the next packet starts right behind the last trustworthy byte, so that a truncated packet
    does not take the next one with it. Content never raises.

    Parameters
    ----------
    destination : callable, optional
        Called with each header; returns the writable bytes that receive the payload, or None to
        check and forget it. Written before the CRC-32 is known: only `Packet` says it is right.
    max_payload_bytes : int
        Headers that claim more are refused. The payload of the sequence that is set bounds the
        work that a hostile stream can cause, whose packets lie within each other's payloads.
    """

    def __init__(
        self,
        destination: Callable[[PacketHeader], memoryview | None],
        *,
        max_payload_bytes: int = MAX_PAYLOAD_BYTES,
    ) -> None:
        self._destination = destination
        self._max_payload_bytes = max_payload_bytes
        self._scratch = bytearray()
        self.reset()

    def reset(self) -> None:
        """Forget all bytes, as at the start of a run."""
        self._queue: deque[memoryview] = deque()
        self._header: PacketHeader | None = None
        self._target = memoryview(b"")
        self._is_kept = False
        self._n_filled = 0
        self._crc = 0
        self._in_damage = False
        self.n_bytes_discarded = 0

    def receive(self, chunk: bytes | bytearray | memoryview) -> None:
        """Take the next bytes; they must stay as they are until `next_event` returns None."""
        if len(chunk):
            self._queue.append(memoryview(chunk).cast("B"))

    def next_event(self) -> Packet | Damage | None:
        """Return the next packet or damage, or None when more bytes are needed."""
        event = self._next_payload() if self._header else self._next_header()
        if event is None:
            # The caller may now reuse its buffer: what is left (less than a header) is copied.
            self._queue = deque(memoryview(bytes(piece)) for piece in self._queue)
        return event

    def _next_header(self) -> Packet | Damage | None:
        n_before = self.n_bytes_discarded
        found = self._seek_magic()
        if self.n_bytes_discarded > n_before and not self._in_damage:
            self._in_damage = True
            return Damage(DamageReason.GARBAGE)
        if not found or sum(map(len, self._queue)) < PACKET_HEADER_BYTES:
            return None
        self._join_front(PACKET_HEADER_BYTES)
        try:
            header = PacketHeader.unpack(self._queue[0][:PACKET_HEADER_BYTES])
            if header.payload_bytes > self._max_payload_bytes:
                raise DataDamagedError("more than the sequence that is set")
        except DataDamagedError:
            self._discard(len(PACKET_MAGIC))
            self._in_damage = True
            return Damage(DamageReason.HEADER)
        self._skip(PACKET_HEADER_BYTES)
        self._begin_payload(header)
        return self._next_payload()

    def _begin_payload(self, header: PacketHeader) -> None:
        target = self._destination(header)
        self._is_kept = target is not None and len(target) == header.payload_bytes
        if target is None or not self._is_kept:
            # Bounded: the header was held against the limit.
            if len(self._scratch) < header.payload_bytes:
                self._scratch = bytearray(header.payload_bytes)
            target = memoryview(self._scratch)[: header.payload_bytes]
        self._header, self._target, self._n_filled, self._crc = header, target, 0, 0

    def _next_payload(self) -> Packet | Damage | None:
        assert self._header is not None
        while self._n_filled < len(self._target):
            if not self._queue:
                return None
            piece = self._queue[0][: len(self._target) - self._n_filled]
            self._target[self._n_filled : self._n_filled + len(piece)] = piece
            self._crc = zlib.crc32(piece, self._crc)
            self._n_filled += len(piece)
            self._skip(len(piece))
        header, self._header = self._header, None
        if self._crc == header.payload_crc:
            self._in_damage = False
            return Packet(header, self._target if self._is_kept else None)
        # A later packet may begin inside what a truncated one claimed to be its payload.
        if self._n_filled:
            self._queue.appendleft(memoryview(bytes(self._target)))
        self._in_damage = True
        return Damage(DamageReason.PAYLOAD, header)

    def _seek_magic(self) -> bool:
        """Discard bytes up to the next magic and return whether a whole one is in front."""
        while self._queue:
            front = self._queue[0]
            if found := _MAGIC.search(front):
                self._discard(found.start())
                return True
            n_kept = _n_begun(bytes(front[-len(PACKET_MAGIC) + 1 :]))
            self._discard(len(front) - n_kept)
            if n_kept and len(self._queue) == 1:
                return False
            if n_kept:
                self._join_front(min(len(PACKET_MAGIC), sum(map(len, self._queue))))
        return False

    def _join_front(self, n_bytes: int) -> None:
        """Make the first ``n_bytes`` contiguous; they are there."""
        if len(self._queue[0]) >= n_bytes:
            return
        joined = bytearray()
        while len(joined) < n_bytes:
            piece = self._queue[0][: n_bytes - len(joined)]
            joined += piece
            self._skip(len(piece))
        self._queue.appendleft(memoryview(bytes(joined)))

    def _skip(self, n_bytes: int) -> None:
        rest = self._queue[0][n_bytes:]
        if len(rest):
            self._queue[0] = rest
        else:
            self._queue.popleft()

    def _discard(self, n_bytes: int) -> None:
        if n_bytes:
            self.n_bytes_discarded += n_bytes
            self._skip(n_bytes)


def _n_begun(tail: bytes) -> int:
    """Return how many of the last bytes could be the beginning of a magic."""
    for n_bytes in range(len(tail), 0, -1):
        if PACKET_MAGIC.startswith(tail[-n_bytes:]):
            return n_bytes
    return 0
