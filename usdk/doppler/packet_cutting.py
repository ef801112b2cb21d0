"""PacketCutter: which pulses of a stream make packets, by the device's count."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from usdk.acquisition import Acquisition, Gap

__all__ = ["PacketCutter", "PacketStart", "Run"]


@dataclass(frozen=True, kw_only=True)
class PacketStart:
    """What a packet's first pulse says of it.

    Parameters
    ----------
    sequence_number : int
        The packet's: the device's count of its first pulse over the packet size.
    device_timestamp_s, host_timestamp_s : float
        Times of its first pulse, s; or NaN.
    is_after_gap : bool
        Whether pulses were lost since the packet before.
    gaps : tuple of Gap
        Those gaps.
    """

    sequence_number: int
    device_timestamp_s: float
    host_timestamp_s: float
    is_after_gap: bool
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, kw_only=True)
class Run:
    """Pulses of an acquisition that go on with a packet.

    Parameters
    ----------
    first, stop : int
        The acquisition's frames.
    place : int
        Place of the first of them in its packet; at 0 a packet begins, and what was held of one
        before is dropped.
    packet : PacketStart or None
        The packet that they complete.
    """

    first: int
    stop: int
    place: int
    packet: PacketStart | None


class PacketCutter:
    """Pulses that follow each other without a gap are packets, over the ends of acquisitions.

    What a gap leaves of a packet is dropped, and the next one begins behind it.

    Parameters
    ----------
    packet_size : int
        Pulses of a packet.
    """

    def __init__(self, packet_size: int) -> None:
        self.packet_size = packet_size
        self.reset()

    def reset(self) -> None:
        """Forget the pulses of a packet that was not completed."""
        self._n_held, self._next_number = 0, 0
        self._start = (0, math.nan, math.nan)
        self._is_after_gap = False
        self._gaps: list[Gap] = []

    def runs(self, acquisition: Acquisition) -> Iterator[Run]:
        """Yield the runs of an acquisition's frames, each of one packet."""
        numbers = acquisition.sequence_numbers
        index = 0
        while index < acquisition.n_frames:
            number = int(numbers[index])
            if number != self._next_number:
                self._n_held = 0
            self._is_after_gap |= acquisition.is_after_gap(index)
            wanted = min(self.packet_size - self._n_held, acquisition.n_frames - index)
            follows = numbers[index : index + wanted] == number + np.arange(wanted)
            n_pulses = wanted if follows.all() else int(follows.argmin())
            if not self._n_held:
                device_s, host_s = acquisition.device_timestamps_s, acquisition.host_timestamps_s
                self._start = (number, float(device_s[index]), float(host_s[index]))
            if acquisition.gaps:
                for frame in range(index, index + n_pulses):
                    self._gaps.extend(acquisition.gaps_before(frame))
            place, self._n_held = self._n_held, self._n_held + n_pulses
            self._next_number = number + n_pulses
            yield Run(first=index, stop=index + n_pulses, place=place, packet=self._completed())
            index += n_pulses

    def _completed(self) -> PacketStart | None:
        if self._n_held < self.packet_size:
            return None
        number, device_s, host_s = self._start
        packet = PacketStart(
            sequence_number=number // self.packet_size,
            device_timestamp_s=device_s,
            host_timestamp_s=host_s,
            is_after_gap=self._is_after_gap,
            gaps=tuple(self._gaps),
        )
        self._n_held, self._is_after_gap, self._gaps = 0, False, []
        return packet
