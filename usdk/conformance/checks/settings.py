"""Settings, where there are any: told with unit and range, and set as they are told."""

from __future__ import annotations

import math
from functools import partial

from usdk.conformance.bench import Bench
from usdk.conformance.check import check
from usdk.conformance.expect import NotApplicableError, require
from usdk.conformance.watched import WatchedFrontEnd, watched
from usdk.front_end import GainCurve, HasSettings, Setting

__all__ = ["CHECKS"]

_SETTINGS = "Settings"
_RELATIVE_TOLERANCE = 1e-6


@check("settings.tree", "settings are told with a value in their range", requires=_SETTINGS)
def tree(bench: Bench) -> str | None:
    """Expect names that differ, and values that the settings themselves allow."""
    settings = _settings(bench.open())
    names = [setting.name for setting in settings]
    require(
        len(set(names)) == len(names) and all(name.strip() for name in names),
        f"settings are named {', '.join(map(repr, names))}",
        expected="a name for each, that no other has",
        advice="name a setting by its place in the tree, the branches before dots",
    )
    for setting in settings:
        value = setting.value
        if isinstance(value, GainCurve):
            least = -math.inf if setting.least is None else setting.least
            greatest = math.inf if setting.greatest is None else setting.greatest
            is_allowed = least <= min(value.gains_db) and max(value.gains_db) <= greatest
        elif isinstance(value, str):
            is_allowed = not setting.choices or value in setting.choices
        else:
            least = -math.inf if setting.least is None else setting.least
            greatest = math.inf if setting.greatest is None else setting.greatest
            is_allowed = math.isfinite(value) and least <= value <= greatest
        require(
            is_allowed,
            f"{setting.name} is {value!r}",
            expected=f"one of {', '.join(setting.choices)}"
            if setting.choices
            else f"{setting.least} to {setting.greatest}",
            advice="give the range that the device really has, in the unit that is told",
        )
    return f"{len(settings)} settings"


@check("settings.same", "a setting that is set to what it is stays so", requires=_SETTINGS)
def same(bench: Bench) -> str | None:
    """Set each to the value that it has; no setting may change. Nothing else is tried."""
    front_end = bench.open()
    before = _settings(front_end)
    driver = front_end.front_end
    assert isinstance(driver, HasSettings)
    for setting in before:
        name, value = setting.name, setting.value
        watched(f"set_setting({name!r})", object, partial(driver.set_setting, name, value))
        for was, now in zip(before, _settings(front_end), strict=False):
            require(
                was.name == now.name and _is_same(was, now),
                f"after {name} was set to what it was, {now.name} is {now.value!r}",
                expected=f"{was.name} = {was.value!r}",
                advice="set_setting sets the one that is named, in the unit in which it is told",
            )
    return f"{len(before)} settings"


def _settings(front_end: WatchedFrontEnd) -> tuple[Setting, ...]:
    driver = front_end.front_end
    if not isinstance(driver, HasSettings):
        raise NotApplicableError("it has no settings")
    settings = watched("settings", tuple, driver.settings)
    for setting in settings:
        require(
            isinstance(setting, Setting),
            f"settings held a {type(setting).__name__}",
            expected="objects of usdk.front_end.Setting",
            advice="return a tuple of them",
        )
    return settings


def _is_same(was: Setting, now: Setting) -> bool:
    if isinstance(was.value, float) and isinstance(now.value, float):
        return math.isclose(was.value, now.value, rel_tol=_RELATIVE_TOLERANCE)
    return was.value == now.value


CHECKS = (tree, same)
