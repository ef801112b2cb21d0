"""Lines: the ways from the unit to a receiver, and what a receiver says of an object.

`StowLine` and `DimseLine` need the extra ``cloud`` and are imported when they are first named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from usdk.export.lines.line import Acknowledgement, Answer, Confirmation, Line, Outgoing
from usdk.export.lines.tls import TlsSettings

if TYPE_CHECKING:
    from usdk.export.lines.dimse_line import DimseLine
    from usdk.export.lines.stow_line import StowLine

__all__ = [
    "Acknowledgement",
    "Answer",
    "Confirmation",
    "DimseLine",
    "Line",
    "Outgoing",
    "StowLine",
    "TlsSettings",
]


def __getattr__(name: str) -> Any:
    if name == "StowLine":
        from usdk.export.lines.stow_line import StowLine

        return StowLine
    if name == "DimseLine":
        from usdk.export.lines.dimse_line import DimseLine

        return DimseLine
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
