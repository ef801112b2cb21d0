"""More elements than receive channels: send each wave more than once, and put the parts together.

Each time another part of the array listens, as in the synthetic receive aperture of multiplexed
systems; the target must not move between the parts. Jensen et al., "Synthetic aperture ultrasound
imaging", Ultrasonics 44 (2006), e5-e15.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np

from usdk.acquisition import Acquisition, require_acquisition
from usdk.arguments import count, require_instance
from usdk.errors import ArgumentError
from usdk.probe import MAX_ELEMENTS
from usdk.transmit import TransmitSequence

__all__ = ["combine_apertures", "multiplexed"]

Apertures = tuple[tuple[int, int], ...]


def multiplexed(
    sequence: TransmitSequence, n_elements: int, n_channels: int
) -> tuple[TransmitSequence, Apertures]:
    """Repeat each transmit until every element has listened.

    ::

        can = front_end.capabilities
        sequence, apertures = multiplexed(
            plane_waves(), front_end.probe.n_elements, can.n_receive_channels
        )
        front_end.configure(sequence, ReceiveRequest(depth_m=0.04, apertures=apertures))
        whole = combine_apertures(front_end.read())

    Parameters
    ----------
    sequence : TransmitSequence
        One transmit for each wave wanted.
    n_elements, n_channels : int
        Of the probe and the front-end.

    Returns
    -------
    sequence : TransmitSequence
        Each transmit ``ceil(n_elements / n_channels)`` times in a row. A PRF stays what it is, so
        that frames take as many times as long.
    apertures : tuple of (first, stop)
        Which elements listen to each transmit, for `ReceiveRequest.apertures`.
    """
    require_instance(sequence, TransmitSequence, "sequence")
    n_elements = count(n_elements, "n_elements", most=MAX_ELEMENTS)
    n_channels = count(n_channels, "n_channels", most=MAX_ELEMENTS)
    n_parts = math.ceil(n_elements / n_channels)
    # Parts of equal size, as far as that goes.
    edges = [round(part * n_elements / n_parts) for part in range(n_parts + 1)]
    parts = tuple(itertools.pairwise(edges))
    transmits = tuple(transmit for transmit in sequence.transmits for _ in parts)
    return replace(sequence, transmits=transmits), parts * len(sequence)


def combine_apertures(acquisition: Acquisition) -> Acquisition:
    """Put the parts of each wave together that different elements received.

    Parameters
    ----------
    acquisition : Acquisition
        Transmits that follow each other, are equal, and were received by different elements.

    Returns
    -------
    Acquisition
        One transmit for each wave, with the samples of all elements that listened to it; the whole
        array where all did (``receive.apertures`` is None then).

    Raises
    ------
    ArgumentError
        If it holds no receive apertures, or an element listened to one wave twice, or not all of
        the parts begin at the same time, or they leave a hole.
    """
    require_acquisition(acquisition)
    receive, transmits = acquisition.receive, acquisition.sequence.transmits
    if receive.apertures is None:
        raise ArgumentError("all elements were received of each transmit: nothing is to combine")
    groups: list[list[int]] = []
    for index, transmit in enumerate(transmits):
        if (
            groups
            and transmits[groups[-1][0]] == transmit
            and not _overlaps(receive.apertures, groups[-1], index)
        ):
            groups[-1].append(index)
        else:
            groups.append([index])
    apertures = tuple(_joined(receive.apertures, group) for group in groups)
    times_s = [[receive.time_zero_s[index] for index in group] for group in groups]
    if any(max(times) != min(times) for times in times_s):
        raise ArgumentError("the parts of a wave begin at different times: combine images instead")
    n_frames, _, n_elements, n_samples = acquisition.data.shape
    data = np.zeros((n_frames, len(groups), n_elements, n_samples), acquisition.data.dtype)
    for target, group in enumerate(groups):
        for index in group:
            first, stop = receive.apertures[index]
            data[:, target, first:stop] = acquisition.data[:, index, first:stop]
    is_whole = all(aperture == (0, n_elements) for aperture in apertures)
    return replace(
        acquisition,
        data=data,
        sequence=replace(
            acquisition.sequence,
            transmits=tuple(transmits[group[0]] for group in groups),
            prf_hz=_prf_hz(acquisition.sequence.prf_hz, groups),
        ),
        receive=replace(
            receive,
            time_zero_s=tuple(times[0] for times in times_s),
            apertures=None if is_whole else apertures,
        ),
    )


def _overlaps(apertures: Apertures, group: list[int], index: int) -> bool:
    first, stop = apertures[index]
    return any(first < apertures[other][1] and apertures[other][0] < stop for other in group)


def _joined(apertures: Apertures, group: list[int]) -> tuple[int, int]:
    parts = sorted(apertures[index] for index in group)
    for (_, stop), (first, _) in itertools.pairwise(parts):
        if first != stop:
            raise ArgumentError(f"nobody listened with elements {stop} to {first - 1}")
    return parts[0][0], parts[-1][1]


def _prf_hz(prf_hz: float | None, groups: list[list[int]]) -> float | None:
    """Return how often whole waves come; unknown where they take different times."""
    sizes = {len(group) for group in groups}
    return prf_hz / sizes.pop() if prf_hz is not None and len(sizes) == 1 else None
