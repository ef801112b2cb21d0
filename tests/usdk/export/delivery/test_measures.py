from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from outbox_fixtures import FakeLine, MemoryReceiver

from usdk.export.delivery import Delivery, delivery_measures
from usdk.export.outbox import Outbox, State
from usdk.metrics import PrometheusCollector

Make = Callable[..., bytes]
DEADLINE_S = 60.0


@pytest.fixture
def measured(tmp_path: Path, make_object: Make) -> dict[tuple[str, ...], float]:
    """The measures of a delivery of three objects over the first of two lines, by their names."""
    receiver = MemoryReceiver()
    mobile = FakeLine("mobile", receiver)
    mobile.fault = "cut"
    with (
        Outbox(tmp_path / "box", reserve_bytes=0) as outbox,
        Delivery(outbox, [FakeLine("fibre", receiver), mobile]) as delivery,
    ):
        outbox.add_many([make_object() for _ in range(3)])
        assert delivery.wait(DEADLINE_S)
        measures = delivery_measures(delivery.metrics(), name="unit")
        assert all(measure.attributes["delivery"] == "unit" for measure in measures)
        prometheus_client = pytest.importorskip("prometheus_client", reason="extra 'metrics'")
        registry = prometheus_client.CollectorRegistry()
        registry.register(PrometheusCollector(lambda: delivery_measures(delivery.metrics())))
        text = prometheus_client.generate_latest(registry).decode()
    assert 'usdk_delivery_objects{state="retained"} 3.0' in text
    assert "usdk_delivery_recovery_point_age_seconds 0.0" in text
    assert "usdk_delivery_confirmed_total 3.0" in text
    return {
        (measure.name, *(v for k, v in sorted(measure.attributes.items()) if k != "delivery")): (
            measure.value
        )
        for measure in measures
    }


def test_everything_a_delivery_counts_is_measured(measured: dict[tuple[str, ...], float]) -> None:
    assert measured["usdk.delivery.confirmed",] == 3
    assert measured["usdk.delivery.accepted",] == 3
    assert measured["usdk.delivery.sent",] > 0
    assert measured["usdk.delivery.recovery_point.age",] == 0
    assert measured["usdk.delivery.time_left",] == 0
    of_states = {state: measured["usdk.delivery.objects", str(state)] for state in State}
    assert of_states[State.RETAINED] == 3
    assert sum(of_states.values()) == 3


def test_exactly_one_line_is_in_use_and_each_has_one_health(
    measured: dict[tuple[str, ...], float],
) -> None:
    assert measured["usdk.delivery.line.in_use", "fibre"] == 1
    assert measured["usdk.delivery.line.in_use", "mobile"] == 0
    for line in ("fibre", "mobile"):
        healths = [
            value
            for key, value in measured.items()
            if key[0] == "usdk.delivery.line.health" and key[2] == line
        ]
        assert sum(healths) == 1
