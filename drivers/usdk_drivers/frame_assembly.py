"""Frames from packets: a frame is whole or absent, and every absence is counted once."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import Gap
from usdk.errors import ArgumentError, DeviceFailedError
from usdk_drivers.wire import Damage, Packet, PacketFlag, PacketHeader, SequenceSettings

__all__ = ["MAX_READ_BYTES", "FrameAssembler", "require_readable"]

MAX_READ_BYTES = 4 * 2**30
MAX_FRAMES_MISSED = 2**20
"""A number that leaves out more frames is believed when the next packet bears it out."""


def require_readable(shape: tuple[int, ...], sample_bytes: int) -> None:
    """Refuse frames, (n_transmits, n_elements, n_samples), of which a read cannot hold one.

    Raises
    ------
    ArgumentError
        If a frame is longer than `MAX_READ_BYTES`.
    """
    n_bytes = math.prod(shape) * sample_bytes
    if n_bytes > MAX_READ_BYTES:
        raise ArgumentError(
            "a frame of {} transmits, {} elements and {} samples ".format(*shape)
            + f"takes {n_bytes} bytes, a read holds {MAX_READ_BYTES}: ask for less depth or fewer "
            "transmits"
        )


class FrameAssembler:
    """Puts the packets of one run where their frame wants them.

    `slot` tells the decoder where a payload goes, `take` what came of it. Transmits of one frame
    may come in any order; a packet of a later frame closes the one before.

    Parameters
    ----------
    settings : SequenceSettings
        What the device answered to the last upload.
    run : int
        Number of this start; packets of another are ignored.
    """

    def __init__(self, settings: SequenceSettings, run: int) -> None:
        assert settings.data_type is not None
        n_transmits, n_elements = settings.delays_s.shape
        self._shape: tuple[int, int, int] = (n_transmits, n_elements, settings.n_samples)
        self._apertures = tuple(map(settings.aperture, range(n_transmits)))
        self._n_received_elements = settings.largest_aperture
        # Elements that are not received are 0; where all are, nothing need be cleared.
        whole = (0, n_elements)
        is_whole = all(aperture == whole for aperture in self._apertures)
        self._new: Callable[..., NDArray[Any]] = np.empty if is_whole else np.zeros
        self._data_type = settings.data_type
        self._identity = (settings.configuration_id, run)
        self._target: NDArray[Any] = np.empty(0)
        self._current: int | None = None
        self._next_frame = 0
        self._doubted: int | None = None
        self._received = np.zeros(n_transmits, bool)
        self._damaged = np.zeros(n_transmits, bool)
        self._n_unknown_damages = 0
        self._timestamp_s = np.nan
        self.has_ended = False
        self.gaps: list[Gap] = []
        self.n_frames_received = 0
        self.n_frames_lost = 0
        self.n_packets_lost = 0
        self.n_packets_damaged = 0
        self.n_packets_ignored = 0
        self.begin(0)

    @property
    def payload_bytes(self) -> int:
        """Length of the longest packet's payload, bytes."""
        return self._n_received_elements * self._shape[2] * int(self._data_type.dtype.itemsize)

    def begin(self, n_frames: int) -> None:
        """Make room for ``n_frames`` and forget those delivered; a frame half received stays."""
        frame_bytes = self._frame_bytes
        if n_frames * frame_bytes > MAX_READ_BYTES:
            raise ArgumentError(
                f"{n_frames} frames exceed {MAX_READ_BYTES} bytes: read at most "
                f"{MAX_READ_BYTES // frame_bytes} at once"
            )
        self._data = self._make(n_frames)
        self._numbers = np.empty(n_frames, np.int64)
        self._device_s = np.empty(n_frames)
        self._host_s = np.empty(n_frames)
        self.n_whole = 0

    def frames(self) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[Any], NDArray[Any]]:
        """Return data, sequence numbers, device and host times of the whole frames so far."""
        n = self.n_whole
        return self._data[:n], self._numbers[:n], self._device_s[:n], self._host_s[:n]

    def slot(self, header: PacketHeader) -> memoryview | None:
        """Return where the payload goes, or None if the packet is not wanted."""
        if not self._is_ours(header) or PacketFlag.END_OF_DATA in header.flags:
            return None
        if not self._is_believable(header.frame_number):
            return None
        self._advance_to(header.frame_number)
        if header.frame_number != self._current or self._received[header.transmit_index]:
            return None
        first, stop = self._apertures[header.transmit_index]
        received: Any = self._target[header.transmit_index, first:stop]
        return memoryview(received.reshape(-1).view(np.uint8))

    def take(self, event: Packet | Damage) -> None:
        """Account for what the decoder found."""
        header = event.header
        if header is None:
            self._n_unknown_damages += 1
        elif isinstance(event, Damage):
            self._take_damaged(header)
        elif PacketFlag.END_OF_DATA in header.flags and self._is_of_run(header):
            self.finish(header.frame_number)
        elif event.payload is None:
            self.n_packets_ignored += 1
        else:
            self._take_whole(header)

    def finish(self, n_frames_made: int) -> None:
        """Close the run: the device made ``n_frames_made`` and will send no more.

        Raises
        ------
        DeviceFailedError
            If it cannot have made so many.
        """
        self.has_ended = True
        if n_frames_made - self._next_frame > MAX_FRAMES_MISSED:
            raise DeviceFailedError(
                f"the device says that it made {n_frames_made} frames, of which "
                f"{self._next_frame} were heard of: stop and start it"
            )
        self._advance_to(n_frames_made)

    def _make(self, n_frames: int) -> NDArray[Any]:
        try:
            return self._new((n_frames, *self._shape), self._data_type.dtype)
        except MemoryError as error:
            raise ArgumentError(
                f"this computer has no memory for {n_frames} frames of {self._frame_bytes} bytes: "
                "read fewer at once, or ask for less depth or fewer transmits"
            ) from error

    @property
    def _frame_bytes(self) -> int:
        return math.prod(self._shape) * int(self._data_type.dtype.itemsize)

    def _is_of_run(self, header: PacketHeader) -> bool:
        return (header.configuration_id, header.run) == self._identity

    def _is_ours(self, header: PacketHeader) -> bool:
        n_transmits, _, n_samples = self._shape
        if not (
            self._is_of_run(header)
            and header.data_type is self._data_type
            and header.transmit_index < n_transmits
        ):
            return False
        first, stop = self._apertures[header.transmit_index]
        return (header.n_elements, header.n_samples) == (stop - first, n_samples)

    def _is_believable(self, frame: int) -> bool:
        """Tell whether a frame number may be right: not from a packet alone, if it is far ahead."""
        if frame - self._next_frame <= MAX_FRAMES_MISSED:
            return True
        doubted, self._doubted = self._doubted, frame
        return doubted is not None and 0 <= frame - doubted <= 1

    def _take_whole(self, header: PacketHeader) -> None:
        self._received[header.transmit_index] = True
        if header.transmit_index == 0:
            is_timed = PacketFlag.NO_TIMESTAMP not in header.flags
            self._timestamp_s = header.device_timestamp_ns * 1e-9 if is_timed else np.nan
        if not self._received.all():
            return
        place, k = self._data[self.n_whole], self.n_whole
        if not np.shares_memory(place, self._target):
            # The frame was begun in an earlier read whose time ran out.
            place[...] = self._target
        self._numbers[k] = header.frame_number
        self._device_s[k], self._host_s[k] = self._timestamp_s, time.time()
        self.n_whole += 1
        self.n_frames_received += 1
        self._current, self._next_frame = None, header.frame_number + 1
        self._n_unknown_damages = 0

    def _take_damaged(self, header: PacketHeader) -> None:
        if not self._is_ours(header):
            return
        if header.frame_number - self._next_frame > MAX_FRAMES_MISSED:
            return
        self._advance_to(header.frame_number)
        if header.frame_number == self._current:
            self._damaged[header.transmit_index] = True

    def _advance_to(self, frame: int) -> None:
        """Close what is before ``frame`` and make it the current one; the past stays closed."""
        if frame < self._next_frame or frame == self._current:
            return
        if self._current is not None:
            n_missing = int(np.count_nonzero(~self._received))
            n_known = int(np.count_nonzero(self._damaged & ~self._received))
            self._lose(self._current, 1, n_missing, n_known)
            self._next_frame = self._current + 1
        if frame > self._next_frame:
            n_frames = frame - self._next_frame
            self._lose(self._next_frame, n_frames, n_frames * self._shape[0], 0)
        self._current, self._next_frame = frame, frame
        self._received[:] = False
        self._damaged[:] = False
        self._timestamp_s = np.nan
        room = self.n_whole < len(self._data)
        self._target = self._data[self.n_whole] if room else self._make(1)[0]

    def _lose(self, first: int, n_frames: int, n_missing: int, n_known: int) -> None:
        # Damage whose header is unreadable is one of the missing packets, if any is missing.
        n_guessed = min(self._n_unknown_damages, n_missing - n_known)
        self._n_unknown_damages -= n_guessed
        n_damaged = n_known + n_guessed
        n_lost = n_missing - n_damaged
        self.n_frames_lost += n_frames
        self.n_packets_lost += n_lost
        self.n_packets_damaged += n_damaged
        if self.gaps and self.gaps[-1].first_sequence_number + self.gaps[-1].n_frames == first:
            before = self.gaps.pop()
            first = before.first_sequence_number
            n_frames += before.n_frames
            n_lost += before.n_packets_lost
            n_damaged += before.n_packets_damaged
        self.gaps.append(
            Gap(
                first_sequence_number=first,
                n_frames=n_frames,
                n_packets_lost=n_lost,
                n_packets_damaged=n_damaged,
            )
        )
