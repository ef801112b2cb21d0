"""Alarms: what a person should know now; each is raised once and taken back once."""

from __future__ import annotations

import threading
from collections.abc import Callable

from usdk.export.delivery.news import News, NewsKind

__all__ = ["MAX_ALARMS", "Alarms"]

MAX_ALARMS = 100
"""Alarms held at once; more of them tell nothing more."""


class Alarms:
    """Shared by threads; ``tell`` is given each change."""

    def __init__(self, tell: Callable[[News], None]) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._texts: dict[str, str] = {}

    def raise_(self, key: str, text: str, *, uid: str = "") -> None:
        """Raise an alarm; one that is raised already stays as it is."""
        with self._lock:
            if key in self._texts or len(self._texts) >= MAX_ALARMS:
                return
            self._texts[key] = text
        self._tell(News(NewsKind.ALARM, text, uid=uid))

    def clear(self, key: str) -> None:
        """Take an alarm back, if it is raised."""
        with self._lock:
            text = self._texts.pop(key, None)
        if text is not None:
            self._tell(News(NewsKind.ALARM_OVER, text))

    def texts(self) -> tuple[str, ...]:
        """Return those that are raised, the oldest first."""
        with self._lock:
            return tuple(self._texts.values())
