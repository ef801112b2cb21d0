from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from usdk.export.outbox.clock import MAX_OFF_S, ClockReading, ServiceClock, read_clock

JUMPS = st.floats(-1e10, 1e10)


@given(wall_jump_s=JUMPS, passed_s=st.floats(0, 1e6))
def test_within_a_boot_the_wall_clock_plays_no_part(wall_jump_s: float, passed_s: float) -> None:
    first = ServiceClock.resume(None, 0.0, 0.0, ClockReading("a", 50.0, 1e9))
    later = ClockReading("a", 50.0 + passed_s, 1e9 + wall_jump_s)
    again = ServiceClock.resume(first, 0.0, 1e9, later)
    assert again == first
    assert abs(again.at(later) - passed_s) < 1e-6


@given(wall_jump_s=JUMPS)
def test_over_a_restart_time_neither_falls_nor_leaps(wall_jump_s: float) -> None:
    saved = ServiceClock("a", -50.0)
    now = ClockReading("b", 3.0, 1e9 + wall_jump_s)
    resumed = ServiceClock.resume(saved, 1000.0, 1e9, now)
    gained_s = resumed.at(now) - 1000.0
    assert -1e-3 <= gained_s <= MAX_OFF_S + 1e-3
    if 0 <= wall_jump_s <= MAX_OFF_S:
        assert abs(gained_s - wall_jump_s) < 1e-3


def test_a_restart_that_reuses_the_boot_id_is_noticed_by_the_clock_that_fell() -> None:
    saved = ServiceClock("a", 0.0)
    now = ClockReading("a", 10.0, 1e9)
    assert ServiceClock.resume(saved, 500.0, 1e9, now).at(now) == 500.0


def test_the_clocks_of_this_machine_are_of_one_boot_and_rise() -> None:
    first, second = read_clock(), read_clock()
    assert first.boot_id == second.boot_id
    assert second.boottime_s >= first.boottime_s
