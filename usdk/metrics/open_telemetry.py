"""Measures for OpenTelemetry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from usdk.errors import ArgumentError, MissingExtraError
from usdk.metrics.measure import Kind, Source

__all__ = ["observe"]


def observe(source: Source, *, meter: Any = None) -> list[Any]:
    """Make an observable instrument for each name that a source has now.

    Parameters
    ----------
    source : callable
        Returns the measures of now; asked once here for the names, and at every collection.
    meter : opentelemetry.metrics.Meter, optional
        Who makes the instruments; the global provider's meter ``usdk`` when absent.

    Returns
    -------
    list
        The instruments. They live as long as the meter's provider.

    Raises
    ------
    MissingExtraError
        ``opentelemetry-api`` is not installed.
    """
    if not callable(source):
        raise ArgumentError("a source of measures is called without arguments: give a function")
    try:
        from opentelemetry import metrics
    except ImportError as error:
        raise MissingExtraError.for_extra("metrics", "OpenTelemetry metrics") from error
    meter = meter or metrics.get_meter("usdk")
    make = {
        Kind.COUNTER: meter.create_observable_counter,
        Kind.GAUGE: meter.create_observable_gauge,
    }

    def values_of(name: str) -> Callable[[Any], Iterator[Any]]:
        def values(_options: Any) -> Iterator[Any]:
            for measure in source():
                if measure.name == name:
                    yield metrics.Observation(measure.value, dict(measure.attributes))

        return values

    described = {measure.name: measure for measure in source()}
    return [
        make[measure.kind](
            name, callbacks=[values_of(name)], unit=measure.unit, description=measure.description
        )
        for name, measure in described.items()
    ]
