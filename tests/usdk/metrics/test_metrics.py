from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

import usdk
from usdk.errors import ArgumentError
from usdk.metrics import Kind, Measure, PrometheusCollector, observe, stream_measures
from usdk.stream import StreamState, StreamStatistics
from usdk.stream.statistics import SourceStatistics

prometheus_client = pytest.importorskip("prometheus_client", reason="needs the extra 'metrics'")
parser = pytest.importorskip("prometheus_client.parser")
export = pytest.importorskip("opentelemetry.sdk.metrics.export")
sdk_metrics = pytest.importorskip("opentelemetry.sdk.metrics")

N_FRAMES = 12


@pytest.fixture(scope="module")
def ended() -> StreamStatistics:
    """What a stream counted that lost some of its frames on the wire."""
    stream = usdk.Stream(
        "sim:linear-l11-5v?scene=points&seed=3&faults=drop:0.02",
        sequence=usdk.plane_waves((-5.0, 5.0)),
        depth_m=5e-3,
        n_frames=N_FRAMES,
    )
    stream.to(lambda acquisition: acquisition.n_frames, name="count", capacity=64)
    with stream:
        stream.wait(timeout_s=60)
    return stream.statistics()


def samples(text: str) -> Iterator[tuple[str, dict[str, str], float]]:
    for family in parser.text_string_to_metric_families(text):
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value


def test_prometheus_reads_what_the_stream_counted(ended: StreamStatistics) -> None:
    registry = prometheus_client.CollectorRegistry()
    registry.register(PrometheusCollector(lambda: stream_measures(ended, name="left")))
    read = list(samples(prometheus_client.generate_latest(registry).decode()))

    frames = {labels["outcome"]: v for n, labels, v in read if n == "usdk_stream_frames_total"}
    (sent,) = [value for name, _, value in read if name == "usdk_stream_frames_sent_total"]
    assert frames["lost"] > 0
    assert frames["received"] == N_FRAMES
    assert sum(frames.values()) == sent == ended.source.n_frames_sent
    done = [
        value
        for name, labels, value in read
        if name == "usdk_stream_items_total" and labels["outcome"] == "done"
    ]
    assert done == [ended["count"].n_done]
    assert all(labels["stream"] == "left" for _, labels, _ in read)
    (total,) = [
        value
        for name, labels, value in read
        if name == "usdk_stream_stage_time_seconds_total" and labels["stage"] == "reading"
    ]
    assert total == pytest.approx(ended.source.reading.total_s)


def test_open_telemetry_reads_the_same_numbers(ended: StreamStatistics) -> None:
    reader = export.InMemoryMetricReader()
    provider = sdk_metrics.MeterProvider(metric_readers=[reader])
    try:
        observe(lambda: stream_measures(ended), meter=provider.get_meter("usdk"))
        data = json.loads(reader.get_metrics_data().to_json())
    finally:
        provider.shutdown()
    metrics = data["resource_metrics"][0]["scope_metrics"][0]["metrics"]
    read = {
        (metric["name"], tuple(sorted(point["attributes"].items()))): point["value"]
        for metric in metrics
        for point in metric["data"]["data_points"]
    }
    expected = {
        (measure.name, tuple(sorted(measure.attributes.items()))): measure.value
        for measure in stream_measures(ended)
    }
    assert read == expected
    assert {metric["unit"] for metric in metrics if metric["name"].endswith("time")} == {"s"}


def test_exactly_one_state_is_on(ended: StreamStatistics) -> None:
    on = [
        measure.attributes["state"]
        for measure in stream_measures(ended)
        if measure.name == "usdk.stream.state" and measure.value
    ]
    assert on == [ended.state.value]
    assert ended.state in (StreamState.ENDED, StreamState.STOPPED)


def test_a_collector_asks_every_source_each_time() -> None:
    numbers = iter(range(10))

    def source() -> Iterator[Measure]:
        yield Measure(
            name="usdk.test.size",
            kind=Kind.GAUGE,
            unit="By",
            description="A size.",
            value=next(numbers),
            attributes={},
        )

    registry = prometheus_client.CollectorRegistry()
    registry.register(PrometheusCollector(source))
    for expected in (0.0, 1.0):
        read = list(samples(prometheus_client.generate_latest(registry).decode()))
        assert read == [("usdk_test_size_bytes", {}, expected)]


def test_a_stream_that_never_ran_has_zeros() -> None:
    never_ran = StreamStatistics(state=StreamState.STOPPED, source=SourceStatistics())
    counters = [m.value for m in stream_measures(never_ran) if m.kind is Kind.COUNTER]
    assert counters
    assert set(counters) == {0}


@pytest.mark.parametrize("nothing", [None, {}, "statistics"])
def test_what_is_no_snapshot_is_refused(nothing: Any) -> None:
    with pytest.raises(ArgumentError, match=r"must be a StreamStatistics, .*Stream\.statistics"):
        stream_measures(nothing)
