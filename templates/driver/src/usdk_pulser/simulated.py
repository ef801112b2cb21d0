"""A simulated Pulser on the loopback, with faults on request: ``python -m usdk_pulser.simulated``.

It stands where the network would begin, so that all of the driver is tried.
"""

from __future__ import annotations

import argparse
import select
import socket
import threading
import time
from collections.abc import Collection
from contextlib import suppress
from types import TracebackType
from typing import Self

import numpy as np

from usdk_pulser.protocol import Kind, Message, encode_message

__all__ = ["SimulatedPulser"]

_LOOK_S = 0.02
_ECHO_S = 20e-6
"""A reflector some 15 mm deep."""


class SimulatedPulser:
    """Listens until closed; a context manager. One host at a time.

    Parameters
    ----------
    port : int
        Where to listen; 0 takes a free one.
    dropped, damaged : collection of int
        Echoes of each run that are not sent, or with a wrong bit.
    silent_from : int, optional
        From this echo on nothing is sent.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        dropped: Collection[int] = (),
        damaged: Collection[int] = (),
        silent_from: int | None = None,
    ) -> None:
        self._dropped, self._damaged, self._silent_from = dropped, damaged, silent_from
        self._settings: tuple[float, int, float] | None = None
        self._random = np.random.default_rng(1)
        self._started_s: float | None = None
        self._n_echoes = 0
        self._is_closing, self._is_unplugged = threading.Event(), threading.Event()
        self.lines: list[str] = []
        """What the host has asked."""
        self._listener = socket.create_server(("127.0.0.1", port))
        self._listener.settimeout(_LOOK_S)
        self.address = f"pulser:127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def unplug(self) -> None:
        """Drop the host, and let nobody in."""
        self._is_unplugged.set()

    def plug(self) -> None:
        """Be there again."""
        self._is_unplugged.clear()

    def close(self) -> None:
        """Stop listening."""
        self._is_closing.set()
        self._thread.join()
        self._listener.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _serve(self) -> None:
        while not self._is_closing.is_set():
            with suppress(TimeoutError):
                host, _ = self._listener.accept()
                with host, suppress(OSError):
                    self._talk(host)

    def _talk(self, host: socket.socket) -> None:
        self._settings, self._started_s = None, None
        received = b""
        while not (self._is_closing.is_set() or self._is_unplugged.is_set()):
            ready, _, _ = select.select([host], [], [], self._until_next_echo_s())
            if ready:
                chunk = host.recv(4096)
                if not chunk:
                    return
                *lines, received = (received + chunk).split(b"\n")
                for line in lines:
                    self._reply(host, line.decode("ascii", "replace"))
            self._send_echoes(host)

    def _reply(self, host: socket.socket, line: str) -> None:
        self.lines.append(line)
        word, *numbers = line.split()
        answer = "ok"
        if word == "id":
            answer = "ok SN-00042 1.2"
        elif word == "set":
            self._settings = float(numbers[0]), int(numbers[1]), float(numbers[2])
        elif word == "start" and self._settings is not None:
            self._started_s, self._n_echoes = time.monotonic(), 0
        elif word == "stop":
            self._started_s = None
        else:
            answer = f"error {line!r} cannot be done now"
        host.sendall(encode_message(Message(Kind.REPLY, answer.encode("ascii"))))

    def _until_next_echo_s(self) -> float:
        if self._started_s is None or self._settings is None:
            return _LOOK_S
        due_s = self._started_s + self._n_echoes / self._settings[2]
        return min(_LOOK_S, max(0.0, due_s - time.monotonic()))

    def _send_echoes(self, host: socket.socket) -> None:
        if self._started_s is None or self._settings is None:
            return
        rate_mhz, n_samples, prf_hz = self._settings
        while time.monotonic() >= self._started_s + self._n_echoes / prf_hz:
            number, self._n_echoes = self._n_echoes, self._n_echoes + 1
            is_silent = self._silent_from is not None and number >= self._silent_from
            if is_silent or number in self._dropped:
                continue
            time_s = 1e-6 + np.arange(n_samples) / (rate_mhz * 1e6) - _ECHO_S
            echo = 8000 * np.exp(-((time_s * 3e6) ** 2)) * np.cos(2 * np.pi * 5e6 * time_s)
            samples = (echo + self._random.normal(0, 20, n_samples)).astype("<i2")
            time_ns = round(number / prf_hz * 1e9)
            sent = bytearray(encode_message(Message(Kind.ECHO, samples.tobytes(), number, time_ns)))
            sent[-1] ^= number in self._damaged
            host.sendall(sent)


def main() -> None:
    """Run until Ctrl-C."""
    parser = argparse.ArgumentParser(description="a simulated Pulser on the loopback")
    parser.add_argument("--port", type=int, default=5025)
    with SimulatedPulser(parser.parse_args().port) as pulser, suppress(KeyboardInterrupt):
        print(f"listening, open {pulser.address} until Ctrl-C", flush=True)  # noqa: T201
        threading.Event().wait()


if __name__ == "__main__":
    main()
