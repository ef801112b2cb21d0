from __future__ import annotations

from outbox_fixtures import clock, make_object, outbox

__all__ = ["clock", "make_object", "outbox"]
