"""The checks that every front-end is given: ``usdk conformance`` runs the same."""

from __future__ import annotations

from usdk_pulser.simulated import SimulatedPulser

from usdk.conformance import Settings, Verdict, run_checks


def test_the_driver_keeps_the_contract() -> None:
    with SimulatedPulser(dropped={40, 41, 90}) as board:
        report = run_checks(board.address, settings=Settings(operator=board))
    faults = [f"{outcome.check.id}: {outcome.seen}" for outcome in report.of(Verdict.FAILED)]
    assert faults == []
    assert len(report.of(Verdict.PASSED)) > 30
