from __future__ import annotations

import subprocess

import pytest

from usdk.export.outbox.owner import is_surely_dead, make_lease, make_owner


def test_owners_and_their_leases_are_all_different() -> None:
    owners = {make_owner() for _ in range(10)}
    owner = owners.pop()
    leases = {make_lease(owner) for _ in range(10)}
    assert len(owners) == 9
    assert len(leases) == 10
    assert all(lease.startswith(owner) for lease in leases)


def test_who_lives_is_not_dead_and_who_ended_is() -> None:
    lease = make_lease(make_owner())
    assert not is_surely_dead(lease)
    ended = subprocess.Popen(["true"])
    ended.wait(60)
    boot, namespace, _, *rest = lease.split(":")
    assert is_surely_dead(":".join((boot, namespace, str(ended.pid), *rest)))


def test_a_number_that_another_process_has_now_is_no_sign_of_life() -> None:
    boot, namespace, pid, started, rest = make_owner().split(":")
    assert is_surely_dead(":".join((boot, namespace, pid, str(int(started) - 1), rest)))


def test_who_cannot_be_seen_from_here_may_live() -> None:
    boot, namespace, _, started, rest = make_owner().split(":")
    assert not is_surely_dead(":".join((boot, "1", "999999999", started, rest)))
    assert is_surely_dead(":".join(("another boot", namespace, "1", started, rest)))


@pytest.mark.parametrize("lease", ["", "x", "a:b:c:d:e", ":::::", "a:b:-1:d:e"])
def test_what_is_no_owner_is_not_called_dead(lease: str) -> None:
    assert not is_surely_dead(lease)
