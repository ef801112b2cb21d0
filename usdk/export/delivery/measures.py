"""The figures of a delivery as measures for a monitoring system."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from usdk.export.delivery.line_choice import Health
from usdk.export.delivery.news import DeliveryMetrics
from usdk.metrics import Kind, Measure

__all__ = ["delivery_measures"]


def delivery_measures(metrics: DeliveryMetrics, *, name: str = "") -> list[Measure]:
    """Return everything that a delivery counts.

    Parameters
    ----------
    metrics : DeliveryMetrics
        A snapshot, `Delivery.metrics`.
    name : str, optional
        Tells deliveries of one program apart: the attribute ``delivery`` of every measure.

    Returns
    -------
    list of Measure
        ``usdk.delivery.accepted`` and ``.confirmed``, objects since the delivery began;
        ``.sent``, bytes; ``.rate``, bytes per second; ``.time_left``, s, absent while nothing
        moves; ``.objects`` and ``.stored``, objects and bytes by ``state``;
        ``.recovery_point.age``, s, ``.recovery_point.unconfirmed`` and ``.recovery_point.alarm``;
        ``.alarms``; and of each ``line`` its ``.line.health`` by ``health`` and ``.line.in_use``.
    """
    own = {"delivery": name} if name else {}
    return [*_totals(metrics, own), *_objects(metrics, own), *_lines(metrics, own)]


def _measure(
    kind: Kind,
    name: str,
    unit: str,
    description: str,
    value: float,
    attributes: Mapping[str, str],
) -> Measure:
    return Measure(
        name=f"usdk.delivery.{name}",
        kind=kind,
        unit=unit,
        description=description,
        value=float(value),
        attributes=attributes,
    )


def _totals(metrics: DeliveryMetrics, own: Mapping[str, str]) -> Iterator[Measure]:
    for name, unit, description, value in (
        ("accepted", "{object}", "Objects that a receiver accepted.", metrics.n_accepted),
        ("confirmed", "{object}", "Objects whose arrival was proven.", metrics.n_confirmed),
        ("sent", "By", "Bytes that lines took, repeated ones included.", metrics.n_bytes_sent),
    ):
        yield _measure(Kind.COUNTER, name, unit, description, value, own)
    point = metrics.recovery_point
    gauges: tuple[tuple[str, str, str, float | None], ...] = (
        ("rate", "By/s", "Bytes that lines took of late.", metrics.rate_bytes_per_s),
        ("time_left", "s", "Until the queue is empty at this rate.", metrics.eta_s),
        ("recovery_point.age", "s", "Age of the oldest unconfirmed object.", point.age_s),
        (
            "recovery_point.unconfirmed",
            "{object}",
            "Objects that are not confirmed.",
            point.n_unconfirmed,
        ),
        ("recovery_point.alarm", "1", "1 while that age is over its limit.", point.alarm),
        ("alarms", "{alarm}", "Alarms that are raised.", len(metrics.alarms)),
    )
    for name, unit, description, level in gauges:
        if level is not None:
            yield _measure(Kind.GAUGE, name, unit, description, level, own)


def _objects(metrics: DeliveryMetrics, own: Mapping[str, str]) -> Iterator[Measure]:
    for state, count in metrics.counts.items():
        attributes = {**own, "state": str(state)}
        for name, unit, description, value in (
            ("objects", "{object}", "Objects in the outbox, by state.", count.n_objects),
            ("stored", "By", "Bytes of them on the disk.", count.n_bytes),
        ):
            yield _measure(Kind.GAUGE, name, unit, description, value, attributes)


def _lines(metrics: DeliveryMetrics, own: Mapping[str, str]) -> Iterator[Measure]:
    for line, found in metrics.health.items():
        in_use = line == metrics.line
        attributes = {**own, "line": line}
        yield _measure(Kind.GAUGE, "line.in_use", "1", "1 for the line in use.", in_use, attributes)
        for health in Health:
            yield _measure(
                Kind.GAUGE,
                "line.health",
                "1",
                "1 for the health a line is in.",
                found is health,
                {**attributes, "health": str(health)},
            )
