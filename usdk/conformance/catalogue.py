"""The catalogue: every check, in the order in which they are made."""

from __future__ import annotations

from collections.abc import Iterable

from usdk.arguments import short
from usdk.conformance.check import Check
from usdk.conformance.checks import (
    configuration,
    data,
    identity,
    limits,
    losses,
    reception,
    recovery,
    resources,
    safety,
    settings,
    states,
    timing,
    unplugging,
)
from usdk.errors import ArgumentError

__all__ = ["CHECKS", "chosen_checks"]

CHECKS: tuple[Check, ...] = (
    *identity.CHECKS,
    *configuration.CHECKS,
    *limits.CHECKS,
    *settings.CHECKS,
    *states.CHECKS,
    *reception.CHECKS,
    *data.CHECKS,
    *losses.CHECKS,
    *timing.CHECKS,
    *safety.CHECKS,
    *recovery.CHECKS,
    *resources.CHECKS,
    *unplugging.CHECKS,
)


def chosen_checks(names: Iterable[str]) -> tuple[Check, ...]:
    """Return the checks of the ids or groups given; all of them when none is.

    Raises
    ------
    ArgumentError
        If a name is neither.
    """
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise ArgumentError('names is a list of ids or groups, such as ["loss", "data.finite"]')
    wanted = list(names)
    if not wanted:
        return CHECKS
    known = {entry.id for entry in CHECKS} | {entry.group for entry in CHECKS}
    for name in wanted:
        if not isinstance(name, str) or name not in known:
            raise ArgumentError(
                f"there is no check {short(name)}: 'usdk conformance --list' names them all"
            )
    return tuple(entry for entry in CHECKS if {entry.id, entry.group} & set(wanted))
