"""The watchdog: a call that does not return in time is left behind, and it is said where it is."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

__all__ = ["EscapedError", "HungError", "within"]

Result = TypeVar("Result")
_N_PLACES = 3


class HungError(Exception):
    """A call did not return in time; its message tells where it was."""


class EscapedError(Exception):
    """A call raised what would end the process, such as SystemExit; its message names it."""


@dataclass
class _Box(Generic[Result]):
    value: Result | None = None
    error: BaseException | None = None


def within(timeout_s: float, action: Callable[[], Result], name: str) -> Result:
    """Return what ``action`` returns, or raise what it raises.

    It runs in a thread of its own, which a process that ends does not wait for.

    Raises
    ------
    HungError
        If it did not return within ``timeout_s``; its thread is left behind.
    EscapedError
        If it raised what is no `Exception`.
    """
    box: _Box[Result] = _Box()

    def run() -> None:
        try:
            box.value = action()
        except BaseException as error:  # a driver may raise SystemExit, too
            box.error = error

    thread = threading.Thread(target=run, name=f"conformance {name}", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if thread.is_alive():
        raise HungError(f"it did not return within {timeout_s:g} s; it was in {_places(thread)}")
    if isinstance(box.error, Exception):
        raise box.error
    if box.error is not None:
        raise EscapedError(f"{type(box.error).__name__} was raised") from box.error
    return box.value  # type: ignore[return-value]  # set, as no error was


def _places(thread: threading.Thread) -> str:
    """Return the innermost calls of a thread, without the folders of its files."""
    frame = sys._current_frames().get(thread.ident or 0)
    if frame is None:
        return "a call that has just returned"
    calls = traceback.extract_stack(frame)[-_N_PLACES:]
    return ", ".join(f"{call.name} ({Path(call.filename).name}:{call.lineno})" for call in calls)
