"""The statistics of a stream as measures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from usdk.arguments import require_instance
from usdk.errors import ArgumentError
from usdk.metrics.measure import Kind, Measure
from usdk.stream import StreamState, StreamStatistics
from usdk.stream.timing import Timing

__all__ = ["stream_measures"]


def stream_measures(statistics: StreamStatistics, *, name: str = "") -> list[Measure]:
    """Return everything that a stream counts.

    Parameters
    ----------
    statistics : StreamStatistics
        A snapshot, `usdk.Stream.statistics`.
    name : str, optional
        Tells streams of one program apart: the attribute ``stream`` of every measure.

    Returns
    -------
    list of Measure
        ``usdk.stream.frames`` by ``outcome`` (received, lost, damaged; their sum is
        ``usdk.stream.frames.sent``), packets, departures and absence of the device, its state; of
        each branch the items by ``outcome`` and those that wait; and of each stage the number and
        sum of its durations with their recent median, 99th percentile and maximum.

    Raises
    ------
    ArgumentError
        If it is no snapshot, or the name no text.
    """
    if not isinstance(statistics, StreamStatistics):
        raise ArgumentError(
            f"statistics must be a StreamStatistics, got {type(statistics).__name__}: give "
            "Stream.statistics"
        )
    require_instance(name, str, "name")
    return list(_measures(statistics, {"stream": name} if name else {}))


def _measures(statistics: StreamStatistics, own: Mapping[str, str]) -> Iterator[Measure]:
    source = statistics.source

    def counter(name: str, unit: str, description: str, value: float, **attributes: str) -> Measure:
        return Measure(
            name=f"usdk.stream.{name}",
            kind=Kind.COUNTER,
            unit=unit,
            description=description,
            value=value,
            attributes={**own, **attributes},
        )

    def gauge(name: str, unit: str, description: str, value: float, **attributes: str) -> Measure:
        return Measure(
            name=f"usdk.stream.{name}",
            kind=Kind.GAUGE,
            unit=unit,
            description=description,
            value=value,
            attributes={**own, **attributes},
        )

    def durations(timing: Timing, **attributes: str) -> Iterator[Measure]:
        yield counter("stage.runs", "{run}", "Times a stage ran.", timing.n, **attributes)
        yield counter("stage.time", "s", "Time in a stage.", timing.total_s, **attributes)
        for quantile, value in (
            ("0.5", timing.median_s),
            ("0.99", timing.p99_s),
            ("1", timing.greatest_s),
        ):
            description = "Duration of a stage, of its recent runs."
            yield gauge("stage.duration", "s", description, value, **attributes, quantile=quantile)

    yield counter(
        "frames.sent", "{frame}", "Frames that the device numbered.", source.n_frames_sent
    )
    for outcome, number in (
        ("received", source.n_frames_received),
        ("lost", source.n_frames_lost),
        ("damaged", source.n_frames_damaged),
    ):
        description = "Frames of the device, by what became of them."
        yield counter("frames", "{frame}", description, number, outcome=outcome)
    for outcome, number in (
        ("lost", source.n_packets_lost),
        ("damaged", source.n_packets_damaged),
    ):
        description = "Packets that made a frame lost or damaged."
        yield counter("packets", "{packet}", description, number, outcome=outcome)
    yield counter("departures", "{departure}", "Times the device went away.", source.n_departures)
    yield counter("absence", "s", "Time without the device.", source.absent_s)
    for state in StreamState:
        is_in_it = float(statistics.state is state)
        yield gauge("state", "1", "1 for the state it is in.", is_in_it, state=state.value)
    yield from durations(source.reading, stage="reading", branch="")
    for branch in statistics.branches:
        for outcome, number in (
            ("done", branch.n_done),
            ("dropped", branch.n_dropped),
            ("failed", branch.n_failed),
        ):
            description = "Items of a branch, by what became of them."
            yield counter(
                "items", "{item}", description, number, branch=branch.name, outcome=outcome
            )
        yield gauge(
            "items.waiting", "{item}", "Items in a buffer.", branch.n_waiting, branch=branch.name
        )
        yield from durations(branch.working, stage="working", branch=branch.name)
        yield from durations(branch.latency, stage="latency", branch=branch.name)
