"""Measures for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from usdk.errors import MissingExtraError
from usdk.metrics.measure import Kind, Measure, Source

__all__ = ["PrometheusCollector"]

_UNITS = {"s": "seconds", "By": "bytes"}


class PrometheusCollector:
    """A collector for a registry of ``prometheus_client``.

    ::

        collector = PrometheusCollector(lambda: stream_measures(stream.statistics()))
        prometheus_client.REGISTRY.register(collector)
        prometheus_client.start_http_server(9100, addr="127.0.0.1")

    Names follow Prometheus' convention: dots become underscores, the unit ends the name in full
    (``_seconds``, ``_bytes``), and counters end in ``_total``.

    Parameters
    ----------
    *sources : callable
        Each returns the measures of now.

    Raises
    ------
    MissingExtraError
        ``prometheus_client`` is not installed.
    """

    def __init__(self, *sources: Source) -> None:
        try:
            from prometheus_client.metrics_core import (
                CounterMetricFamily,
                GaugeMetricFamily,
            )
        except ImportError as error:
            raise MissingExtraError.for_extra("metrics", "a Prometheus collector") from error
        self._families = {Kind.COUNTER: CounterMetricFamily, Kind.GAUGE: GaugeMetricFamily}
        self._sources = sources

    def describe(self) -> list[Any]:
        """Return nothing: what there is to collect is known when it is collected."""
        return []

    def collect(self) -> Iterator[Any]:
        """Yield a metric family for each name, with the values of now."""
        families: dict[tuple[str, tuple[str, ...]], Any] = {}
        for measure in (measure for source in self._sources for measure in source()):
            labels = tuple(sorted(measure.attributes))
            name = _name(measure)
            family = families.get((name, labels))
            if family is None:
                family = self._families[measure.kind](name, measure.description, labels=labels)
                families[name, labels] = family
            family.add_metric([measure.attributes[label] for label in labels], measure.value)
        yield from families.values()


def _name(measure: Measure) -> str:
    name = measure.name.replace(".", "_")
    unit = _UNITS.get(measure.unit)
    return f"{name}_{unit}" if unit else name
