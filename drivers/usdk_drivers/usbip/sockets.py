"""Whole messages from a socket."""

from __future__ import annotations

import socket

__all__ = ["receive", "receive_into"]


def receive(connection: socket.socket, n_bytes: int) -> bytes:
    """Return exactly so many bytes; `ConnectionError` if the other side closes before."""
    buffer = bytearray(n_bytes)
    receive_into(connection, memoryview(buffer))
    return bytes(buffer)


def receive_into(connection: socket.socket, view: memoryview) -> None:
    """Fill the view; `ConnectionError` if the other side closes before."""
    while view:
        n_bytes = connection.recv_into(view)
        if not n_bytes:
            raise ConnectionError("the connection was closed")
        view = view[n_bytes:]
