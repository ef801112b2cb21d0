"""Lines: the ways from the unit to a receiver, and what a receiver says of an object."""

from __future__ import annotations

from usdk.export.lines.line import Acknowledgement, Confirmation, Line, Outgoing

__all__ = ["Acknowledgement", "Confirmation", "Line", "Outgoing"]
