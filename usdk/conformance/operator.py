"""Operator: who pulls the plug when a check needs it pulled."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Operator"]


class Operator(Protocol):
    """A person, or a switch, that unplugs the front-end and plugs it in again.

    Both calls return at once; a person does it some time later.
    """

    def unplug(self) -> None:
        """Unplug the front-end while it runs."""

    def plug(self) -> None:
        """Plug it in again."""
