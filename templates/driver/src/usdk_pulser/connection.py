"""The connection to a Pulser: every wait ends, and every foreign error is mapped."""

from __future__ import annotations

import socket
import time
from typing import Self

from usdk.errors import (
    DataDamagedError,
    DeviceAbsentError,
    DeviceFailedError,
    DeviceTimeoutError,
)
from usdk_pulser.protocol import Kind, Message, MessageDecoder

__all__ = ["REPLY_TIMEOUT_S", "PulserConnection"]

CONNECT_TIMEOUT_S = 2.0
REPLY_TIMEOUT_S = 1.0
_CHUNK_BYTES = 65_536


class PulserConnection:
    """Lines out, messages in."""

    def __init__(self, connection: socket.socket, name: str) -> None:
        self._socket, self._name = connection, name
        self._decoder = MessageDecoder()

    @classmethod
    def open(cls, host: str, port: int) -> Self:
        """Connect; `DeviceAbsentError` if nothing answers."""
        name = f"{host}:{port}"
        try:
            connection = socket.create_connection((host, port), CONNECT_TIMEOUT_S)
        except OSError as error:
            raise DeviceAbsentError(
                f"no pulser answers at {name}: check its power and cable"
            ) from error
        return cls(connection, name)

    def ask(self, line: str) -> str:
        """Send a line and return the reply; echoes that come before it are forgotten.

        Raises
        ------
        DeviceFailedError
            If the device refuses.
        """
        try:
            self._socket.settimeout(REPLY_TIMEOUT_S)
            self._socket.sendall(line.encode("ascii") + b"\n")
        except OSError as error:
            raise self._gone() from error
        deadline_s = time.monotonic() + REPLY_TIMEOUT_S
        while (message := self.receive(deadline_s)) is None or message.kind is not Kind.REPLY:
            if time.monotonic() >= deadline_s:
                raise DeviceTimeoutError(f"the pulser at {self._name} did not answer: restart it")
        word, _, rest = message.body.decode("ascii", "replace").partition(" ")
        if word != "ok" or message.is_damaged:
            raise DeviceFailedError(f"the pulser refused {line!r}: {rest or word}")
        return rest

    def receive(self, deadline_s: float) -> Message | None:
        """Return the next message, None if none came before ``deadline_s`` (`time.monotonic`)."""
        while True:
            try:
                message = self._decoder.next_message()
            except DataDamagedError as error:
                raise DeviceFailedError(
                    f"what answers at {self._name} does not speak as a pulser does: check the "
                    "address"
                ) from error
            if message is not None:
                return message
            remaining_s = deadline_s - time.monotonic()
            if remaining_s <= 0:
                return None
            try:
                self._socket.settimeout(remaining_s)
                chunk = self._socket.recv(_CHUNK_BYTES)
            except TimeoutError:
                return None
            except OSError as error:
                raise self._gone() from error
            if not chunk:
                raise self._gone()
            self._decoder.receive(chunk)

    def close(self) -> None:
        """Let the device go; works on one that is gone, and twice."""
        self._socket.close()

    def _gone(self) -> DeviceAbsentError:
        return DeviceAbsentError(
            f"the pulser at {self._name} is gone: check its power and cable, and open it again"
        )
