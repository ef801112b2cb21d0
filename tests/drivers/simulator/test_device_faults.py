from __future__ import annotations

import math

import pytest

from usdk.errors import ArgumentError
from usdk_drivers.simulator import DeviceFaults


def test_dead_elements_are_those_listed_and_as_many_more_by_seed() -> None:
    faults = DeviceFaults(dead=(5, 2, 5), n_dead=3)
    dead = faults.dead_elements(16, 1).tolist()
    assert len(dead) == len(set(dead)) == 5
    assert {2, 5} <= set(dead)
    assert dead == sorted(dead) == faults.dead_elements(16, 1).tolist()
    assert dead != faults.dead_elements(16, 2).tolist()
    assert DeviceFaults().dead_elements(16, 1).tolist() == []
    assert DeviceFaults(n_dead=16).dead_elements(16, 1).tolist() == list(range(16))


@pytest.mark.parametrize(
    ("faults", "hint"),
    [(DeviceFaults(dead=(16,)), "0 to 15"), (DeviceFaults(dead=(1,), n_dead=16), "only 15")],
)
def test_more_dead_elements_than_there_are_is_refused(faults: DeviceFaults, hint: str) -> None:
    with pytest.raises(ArgumentError, match=hint):
        faults.dead_elements(16, 1)


@pytest.mark.parametrize(
    ("values", "hint"),
    [
        ({"dead": (-1,)}, "from 0"),
        ({"n_dead": -1}, "n_dead"),
        ({"drift_ppm": math.nan}, "drift_ppm"),
        ({"drift_ppm": -1e6}, "drift_ppm"),
        ({"return_s": -0.1}, "return_s"),
        ({"return_s": math.inf}, "return_s"),
    ],
)
def test_numbers_that_cannot_be_are_refused(values: dict[str, object], hint: str) -> None:
    with pytest.raises(ArgumentError, match=hint):
        DeviceFaults(**values)  # type: ignore[arg-type]
