"""Receive apertures: parts of an array that listen, each a look of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from usdk.acquisition import Acquisition
from usdk.errors import ArgumentError
from usdk.probe import Probe
from usdk.transmit import DivergingWave, PlaneWave

__all__ = ["apertures_of", "part_of"]


def apertures_of(
    acquisition: Acquisition, wanted: Iterable[tuple[int, int]] | None
) -> list[tuple[int, int]]:
    """Return the apertures asked for, (first, one past the last element); all when None.

    Raises
    ------
    ArgumentError
        If they are not within the probe, or waves are sent that depend on the aperture.
    """
    n_elements = acquisition.probe.n_elements
    if wanted is None:
        return [(0, n_elements)]
    try:
        apertures = [(int(first), int(stop)) for first, stop in wanted]
    except (TypeError, ValueError) as error:
        raise ArgumentError("receive_apertures must be (first, one past the last)") from error
    if not apertures or not all(0 <= first < stop <= n_elements for first, stop in apertures):
        raise ArgumentError(f"receive_apertures must lie within the {n_elements} elements")
    if not all(
        isinstance(wave, PlaneWave | DivergingWave) and wave.aperture is None
        for wave in acquisition.sequence.transmits
    ):
        raise ArgumentError("receive_apertures need plane or diverging waves of the whole array")
    return apertures


def part_of(probe: Probe, first: int, stop: int) -> Probe:
    """Return the elements of a receive aperture as a probe."""
    if (first, stop) == (0, probe.n_elements):
        return probe
    return replace(
        probe,
        element_positions_m=probe.element_positions_m[first:stop],
        element_normals=probe.element_normals[first:stop],
    )
