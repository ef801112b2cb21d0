"""What runs, as numbers for a monitoring system: OpenTelemetry and Prometheus.

A source of numbers is a function without arguments that returns `Measure` objects, such as
``lambda: stream_measures(stream.statistics())``. The two exporters ask it when they are asked.
"""

from __future__ import annotations

from usdk.metrics.measure import Kind, Measure, Source
from usdk.metrics.open_telemetry import observe
from usdk.metrics.prometheus import PrometheusCollector
from usdk.metrics.stream_measures import stream_measures

__all__ = ["Kind", "Measure", "PrometheusCollector", "Source", "observe", "stream_measures"]
