"""M-mode: one line over time."""

from __future__ import annotations

from usdk.m_mode.frame import MModeFrame
from usdk.m_mode.planned import MMode

__all__ = ["MMode", "MModeFrame"]
