"""Where the colour packets of a transmit sequence are: repeated transmits at its end."""

from __future__ import annotations

from dataclasses import dataclass

from usdk.errors import ArgumentError
from usdk.transmit import Transmit

__all__ = ["FoundPackets", "find_packets"]


@dataclass(frozen=True)
class FoundPackets:
    """What precedes the packets, one pulse of each beam, and how the pulses follow each other."""

    before: tuple[Transmit, ...]
    beams: tuple[Transmit, ...]
    n_pulses: int
    is_runs: bool
    """Whether the pulses of a beam follow each other; else the beams take turns."""


def find_packets(
    transmits: tuple[Transmit, ...], *, n_pulses: int | None, runs: bool, rounds: bool
) -> FoundPackets:
    """Return the packets at the end of a sequence, of beams that all differ.

    Parameters
    ----------
    transmits : tuple of Transmit
        In firing order.
    n_pulses : int, optional
        Pulses of a packet; as many as there are when absent.
    runs, rounds : bool
        Whether the pulses of a beam may follow each other, and whether beams may take turns.

    Raises
    ------
    ArgumentError
        If there are none, or more than one reading.
    """
    found = []
    if runs and (reading := _runs(transmits, n_pulses)) is not None:
        found.append(reading)
    if rounds:
        readings = (_rounds(transmits, n_beams, n_pulses) for n_beams in _periods(transmits))
        # One beam that takes turns with itself is a run.
        found += [r for r in readings if r is not None and not (runs and len(r.beams) == 1)]
    if not found:
        raise ArgumentError(
            "the sequence does not end in packets"
            + (f" of {n_pulses} pulses" if n_pulses else "")
            + ": give the packet_size, order and n_settling with which it was made"
        )
    most = max(len(reading.beams) * reading.n_pulses for reading in found)
    found = [r for r in found if len(r.beams) * r.n_pulses == most]
    if len(found) > 1 or _repeats(found[0].before):
        raise ArgumentError(
            "the packets of the sequence can be read in more than one way, for what precedes them "
            "repeats itself: give packet_size and order, or make the Interleaved yourself"
        )
    return found[0]


def _runs(transmits: tuple[Transmit, ...], n_pulses: int | None) -> FoundPackets | None:
    """Return the longest row of packets whose pulses follow each other."""
    size = n_pulses or _run_length(transmits, len(transmits))
    beams: list[Transmit] = []
    stop = len(transmits)
    while stop >= size and _run_length(transmits, stop) >= size:
        beam = transmits[stop - 1]
        if beam in beams:
            break
        beams.insert(0, beam)
        stop -= size
    if size < 2 or not beams:
        return None
    return FoundPackets(transmits[:stop], tuple(beams), size, True)


def _rounds(
    transmits: tuple[Transmit, ...], n_beams: int, n_pulses: int | None
) -> FoundPackets | None:
    """Return as many rounds of so many beams as there are, or None if too few."""
    beams = transmits[-n_beams:]
    n_rounds, stop = 0, len(transmits)
    while stop >= n_beams and n_rounds != n_pulses and transmits[stop - n_beams : stop] == beams:
        n_rounds += 1
        stop -= n_beams
    if n_rounds < 2 or n_rounds < (n_pulses or 0) or _repeats(beams):
        return None
    return FoundPackets(transmits[:stop], beams, n_rounds, False)


def _periods(transmits: tuple[Transmit, ...]) -> list[int]:
    """Return after how many beams the last transmit comes again; empty if it never does."""
    last = transmits[-1]
    for n_beams in range(1, len(transmits) // 2 + 1):
        if transmits[-1 - n_beams] == last:
            return [n_beams]
    return []


def _repeats(transmits: tuple[Transmit, ...]) -> bool:
    return len(set(transmits)) < len(transmits)


def _run_length(transmits: tuple[Transmit, ...], stop: int) -> int:
    """Return how many equal transmits end before ``stop``."""
    length = 1
    while length < stop and transmits[stop - 1 - length] == transmits[stop - 1]:
        length += 1
    return length
