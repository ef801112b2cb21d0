"""Transmit groups: which transmits are summed coherently where not all of them are."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import replace

from usdk.beamform.geometry import Geometry
from usdk.errors import ArgumentError

__all__ = ["group_labels", "groups_of", "part_of"]


def group_labels(labels: Iterable[int] | None, n_transmits: int) -> tuple[int, ...]:
    """Return one group label per transmit; every transmit is a group of its own when absent.

    Raises
    ------
    ArgumentError
        If the labels are not integers, one per transmit.
    """
    if labels is None:
        return tuple(range(n_transmits))
    try:
        numbers = tuple(operator.index(label) for label in labels)
    except TypeError as error:
        raise ArgumentError(f"compounding_groups must be integers: {error}") from error
    if len(numbers) != n_transmits:
        raise ArgumentError(
            f"compounding_groups has {len(numbers)} entries for {n_transmits} transmits: "
            "give the number of its group for each transmit"
        )
    return numbers


def groups_of(labels: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return the transmits of each group in firing order, the groups in order of their labels."""
    return [
        tuple(t for t, label in enumerate(labels) if label == group)
        for group in sorted(set(labels))
    ]


def part_of(geometry: Geometry, transmits: tuple[int, ...]) -> Geometry:
    """Return the geometry of some of the transmits."""
    sequence, receive = geometry.sequence, geometry.receive
    return Geometry(
        geometry.probe,
        replace(sequence, transmits=tuple(sequence.transmits[t] for t in transmits)),
        replace(receive, time_zero_s=tuple(receive.time_zero_s[t] for t in transmits)),
        geometry.scan,
    )
