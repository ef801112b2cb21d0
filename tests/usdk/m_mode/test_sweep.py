from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from usdk.m_mode.sweep import Sweep


def swept(lines: list[dict[str, Any]], n_columns: int = 5) -> tuple[list[float], list[bool], float]:
    """Return the columns of lines with one sample; a column covers 0.1 s."""
    sweep = Sweep(n_columns, 1, 0.1)
    for number, line in enumerate(lines):
        known = {"sequence_number": number, "is_after_gap": False} | line
        sweep.add(np.array([known.pop("level")], np.float32), **known)
    image, has_echoes, start_s = sweep.columns()
    return image[:, 0].tolist(), has_echoes.tolist(), start_s


def line(level: float, time_s: float, **known: Any) -> dict[str, Any]:
    return {"level": level, "time_s": time_s, **known}


def test_each_line_stands_at_its_time() -> None:
    image, has_echoes, start_s = swept([line(n + 1, 10.05 + n * 0.1) for n in range(3)])
    assert image == [0, 0, 1, 2, 3]
    assert has_echoes == [False, False, True, True, True]
    assert start_s == pytest.approx(9.8)


def test_the_oldest_columns_make_room() -> None:
    image, has_echoes, start_s = swept([line(n, n * 0.1 + 0.05) for n in range(13)])
    assert image == [8, 9, 10, 11, 12]
    assert all(has_echoes)
    assert start_s == pytest.approx(0.8)


def test_lines_in_one_column_are_averaged() -> None:
    image, _, _ = swept([line(1, 0.01), line(2, 0.05), line(6, 0.09), line(5, 0.15)])
    assert image[-2:] == [3, 5]


def test_a_line_is_held_until_the_next() -> None:
    image, has_echoes, _ = swept([line(4, 0.05), line(7, 0.35)])
    assert image == [0, 4, 4, 4, 7]
    assert has_echoes == [False, True, True, True, True]


@pytest.mark.parametrize("known", [{"is_after_gap": True}, {"sequence_number": 5}])
def test_columns_of_lost_frames_are_empty(known: dict[str, Any]) -> None:
    image, has_echoes, _ = swept([line(4, 0.05), line(7, 0.35, **known)])
    assert image == [0, 4, 0, 0, 7]
    assert has_echoes == [False, True, False, False, True]


def test_frames_that_nobody_counts_follow_each_other() -> None:
    image, _, _ = swept([line(4, 0.05), line(7, 0.25, sequence_number=0)])
    assert image[-3:] == [4, 4, 7]


@pytest.mark.parametrize("later_s", [0.7, 9.0, 1e9])
def test_after_a_long_time_nothing_old_is_left(later_s: float) -> None:
    lines = [line(n, n * 0.1) for n in range(5)]
    image, has_echoes, _ = swept([*lines, line(9, later_s, is_after_gap=True)])
    assert image[-1] == 9
    if later_s > 1:
        assert image == [0, 0, 0, 0, 9]
        assert sum(has_echoes) == 1


def test_time_that_goes_back_begins_anew() -> None:
    image, has_echoes, start_s = swept([line(4, 5.0), line(7, 0.35)])
    assert image == [0, 0, 0, 0, 7]
    assert sum(has_echoes) == 1
    assert start_s == pytest.approx(-0.1)


def test_a_sweep_without_lines_is_empty() -> None:
    sweep = Sweep(3, 2, 0.1)
    assert sweep.is_empty
    sweep.add(np.ones(2, np.float32), time_s=1.0, sequence_number=0, is_after_gap=False)
    assert not sweep.is_empty
    sweep.reset()
    assert sweep.is_empty
    assert not sweep.columns()[1].any()
