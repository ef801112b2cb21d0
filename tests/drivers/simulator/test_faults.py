from __future__ import annotations

import pytest

from usdk.errors import ArgumentError
from usdk_drivers.simulator import Fault, FaultPlan


def test_the_same_seed_gives_the_same_faults_and_another_does_not() -> None:
    def plan(seed: int) -> list[Fault | None]:
        faults = FaultPlan(rates={Fault.DROP: 0.3, Fault.STALL: 0.3}, seed=seed)
        return [faults.fault(packet) for packet in range(200)]

    assert plan(1) == plan(1)
    assert plan(1) != plan(2)


def test_rates_are_kept() -> None:
    plan = FaultPlan(rates={Fault.DROP: 0.2, Fault.CORRUPT: 0.1})
    faults = [plan.fault(packet) for packet in range(5000)]
    assert faults.count(Fault.DROP) / 5000 == pytest.approx(0.2, abs=0.02)
    assert faults.count(Fault.CORRUPT) / 5000 == pytest.approx(0.1, abs=0.02)


def test_a_packet_that_is_named_suffers_for_certain() -> None:
    plan = FaultPlan(at={3: Fault.UNPLUG})
    assert [plan.fault(packet) for packet in range(5)] == [None, None, None, Fault.UNPLUG, None]


@pytest.mark.parametrize("rates", [{Fault.DROP: -0.1}, {Fault.DROP: 0.9, Fault.STALL: 0.2}])
def test_impossible_rates_are_refused(rates: dict[Fault, float]) -> None:
    with pytest.raises(ArgumentError, match="rates"):
        FaultPlan(rates=rates)


@pytest.mark.parametrize("nak_s", [-1.0, float("nan"), float("inf")])
def test_a_pause_without_an_end_is_refused(nak_s: float) -> None:
    with pytest.raises(ArgumentError, match="nak_s"):
        FaultPlan(nak_s=nak_s)


def test_a_packet_before_the_first_is_refused() -> None:
    with pytest.raises(ArgumentError, match="no packet -3"):
        FaultPlan(at={-3: Fault.DROP})


def test_the_first_packet_that_is_too_hot_is_known_beforehand() -> None:
    assert FaultPlan(at={9: Fault.OVERHEAT, 4: Fault.OVERHEAT, 1: Fault.NAK}).overheats_at == 4
    assert FaultPlan(rates={Fault.OVERHEAT: 0.1}).overheats_at is None
