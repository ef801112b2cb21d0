"""Whole messages from a socket."""

from __future__ import annotations

import socket
import struct
import sys
import time

__all__ = ["limit_sending", "receive", "receive_into", "set_up"]

# A machine that is switched off says no goodbye: asked after 10 s, then each 5 s, three times.
_KEEP_ALIVE = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}


def set_up(connection: socket.socket) -> None:
    """Let small messages go at once, and the other side's silent end be noticed."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEP_ALIVE.items():
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def receive(connection: socket.socket, n_bytes: int, end_s: float | None = None) -> bytes:
    """Return exactly so many bytes; `ConnectionError` if the other side closes before.

    All of them must have come at ``end_s`` on `time.monotonic`'s clock, if it is given, else a
    `TimeoutError` is raised.
    """
    buffer = bytearray(n_bytes)
    receive_into(connection, memoryview(buffer), end_s)
    return bytes(buffer)


def receive_into(connection: socket.socket, view: memoryview, end_s: float | None = None) -> None:
    """Fill the view; raises as `receive` does."""
    while view:
        if end_s is not None:
            remaining_s = end_s - time.monotonic()
            if remaining_s <= 0:
                raise TimeoutError("the other side took too long")
            connection.settimeout(remaining_s)
        n_bytes = connection.recv_into(view)
        if not n_bytes:
            raise ConnectionError("the connection was closed")
        view = view[n_bytes:]


def limit_sending(connection: socket.socket, timeout_s: float) -> None:
    """Let a send fail with an `OSError` when nothing of it is taken for so long, s.

    A timeout of Python's would hold for receiving, too.
    """
    if sys.platform == "win32":
        value = struct.pack("I", int(timeout_s * 1e3))
    else:
        value = struct.pack("ll", int(timeout_s), int(timeout_s % 1 * 1e6))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, value)
