"""Clutter (wall) filters: echoes of tissue out of slow-time packets."""

from usdk.doppler.clutter.filter import ClutterFilter

__all__ = ["ClutterFilter"]
