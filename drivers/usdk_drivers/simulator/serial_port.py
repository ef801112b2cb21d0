"""A simulated device on a serial port: a pseudo-terminal that any program can open."""

from __future__ import annotations

import errno
import fcntl
import os
import select
import struct
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from usdk.errors import ArgumentError, StorageError
from usdk_drivers.serial_line.frames import (
    MAX_BODY_BYTES,
    FrameDecoder,
    FrameKind,
    encode_frame,
)
from usdk_drivers.simulator.device_model import Gone, Nak, Stall, UsbDevice
from usdk_drivers.simulator.endpoints import BULK_IN
from usdk_drivers.simulator.serial_requests import SerialRequests

try:
    import termios
    import tty
except ImportError as error:
    raise ArgumentError(
        f"{sys.platform} has no pseudo-terminals: simulate the device by USB/IP instead"
    ) from error

__all__ = ["SimulatedSerialPort"]

LOOK_S = 0.02
"""Between two looks whether the device is still plugged in, and whether this is still wanted."""

FORGET_S = 0.25
"""A frame that was begun and does not go on for so long is given up."""

_LEAST_PAUSE_S, _LONGEST_PAUSE_S = 5e-4, 1e-2
_DELIVERY_S = 0.5
_READ_BYTES = 2**16


class SimulatedSerialPort:
    """Puts a simulated device behind a pseudo-terminal until closed; a context manager.

    Parameters
    ----------
    device : UsbDevice
        The same that a USB bus has. Unplugged, its terminal is gone; plugged in again, it has a
        new one.
    link : Path, optional
        A symbolic link that always leads to the terminal, and is absent while the device is.
    line : callable, optional
        What the line makes of the bytes that the device sends, to disturb it.

    Raises
    ------
    StorageError
        If no pseudo-terminal can be had, or the link cannot be made.

    Notes
    -----
    A pseudo-terminal has no modem lines and no rate: bytes wait where they are until they are
    read, as on USB.
    """

    def __init__(
        self,
        device: UsbDevice,
        *,
        link: Path | None = None,
        line: Callable[[bytes], bytes] | None = None,
    ) -> None:
        self._device, self._link, self._line = device, link, line
        self._requests = SerialRequests(device)
        self._is_closing = threading.Event()
        self._writing = threading.Lock()
        # Held while data are fetched: a START waits for it, and finds no data of an older run.
        self._fetching = threading.Lock()
        self._master = self._slave = -1
        self.terminal = ""
        """Path of the terminal, empty while the device is unplugged."""
        self._n_unplugs = device.n_unplugs
        self._plug()
        self._threads = [
            threading.Thread(target=run, name=f"usdk serial {name}", daemon=True)
            for name, run in (("port", self._serve), ("data", self._send_data))
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Take the terminal away; a second call has no effect."""
        self._is_closing.set()
        for thread in self._threads:
            thread.join()
        self._unplug()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _plug(self) -> None:
        try:
            self._master, self._slave = os.openpty()
            tty.setraw(self._slave, termios.TCSANOW)
            os.set_blocking(self._master, False)
            self.terminal = os.ttyname(self._slave)
            if self._link is not None:
                if self._link.is_symlink():
                    self._link.unlink()
                self._link.symlink_to(self.terminal)
        except OSError as error:
            self._unplug()
            raise StorageError(f"no pseudo-terminal can be had: {error}") from error

    def _unplug(self) -> None:
        """Take the terminal away; whoever has it open meets its end."""
        with self._writing:
            if self._link is not None and self.terminal and self._link.is_symlink():
                self._link.unlink()
            self.terminal = ""
            for descriptor in (self._master, self._slave):
                if descriptor >= 0:
                    os.close(descriptor)
            self._master = self._slave = -1

    def _serve(self) -> None:
        """Carry out what the host asks, and follow the device on and off the bus."""
        decoder, heard_s = FrameDecoder(), time.monotonic()
        while not self._is_closing.is_set():
            if self._has_moved():
                decoder = FrameDecoder()
            chunk = self._receive()
            if chunk:
                decoder.receive(chunk)
                heard_s = time.monotonic()
            elif decoder.is_within_frame and time.monotonic() - heard_s > FORGET_S:
                decoder.give_up()
            while (frame := decoder.next_frame()) is not None:
                gate = self._fetching if self._requests.begins_run(frame) else None
                if gate is not None:
                    gate.acquire()
                try:
                    answer = self._requests.carry_out(frame)
                finally:
                    if gate is not None:
                        gate.release()
                if answer:
                    self._write(answer)

    @property
    def _is_moving(self) -> bool:
        """Whether the device was unplugged since it has this terminal."""
        return not self._device.is_attached or self._device.n_unplugs != self._n_unplugs

    def _has_moved(self) -> bool:
        """Follow the device: True when there is another terminal than before."""
        if self.terminal and self._is_moving:
            self._wait_for_delivery()
            self._unplug()
        if self.terminal or not self._device.is_attached:
            return False
        self._n_unplugs = self._device.n_unplugs
        self._requests.forget()
        self._plug()
        return True

    def _wait_for_delivery(self) -> None:
        """Let the host take what was sent: closing a terminal throws it away."""
        end_s = time.monotonic() + _DELIVERY_S
        while time.monotonic() < end_s and not self._is_closing.is_set():
            waiting = fcntl.ioctl(self._slave, termios.FIONREAD, b"\0" * 4)
            if struct.unpack("i", waiting) == (0,):
                # What is on its way through the terminal is not counted.
                time.sleep(_LEAST_PAUSE_S)
                return
            time.sleep(_LEAST_PAUSE_S)

    def _receive(self) -> bytes:
        if not self.terminal:
            time.sleep(LOOK_S)
            return b""
        ready, _, _ = select.select([self._master], [], [], LOOK_S)
        if not ready:
            return b""
        try:
            return os.read(self._master, _READ_BYTES)
        except OSError as error:
            if error.errno not in (errno.EIO, errno.EAGAIN):
                raise
            time.sleep(LOOK_S)
            return b""

    def _send_data(self) -> None:
        """Send what the device's bulk IN has, as long as there is a terminal."""
        buffer = memoryview(bytearray(MAX_BODY_BYTES))
        pause_s = _LEAST_PAUSE_S
        while not self._is_closing.is_set():
            frame = self._fetch(buffer) if self.terminal else None
            if frame is None:
                self._is_closing.wait(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                continue
            pause_s = _LEAST_PAUSE_S
            self._write(*frame)

    def _fetch(self, buffer: memoryview) -> tuple[bytes, int] | None:
        with self._fetching:
            n_stops = self._requests.n_stops
            try:
                if not self._requests.may_send:
                    return None
                n_bytes = self._device.bulk_in(BULK_IN, buffer, 0.0)
            except Nak:
                return None
            except Stall:
                self._requests.is_halted = True
                return encode_frame(FrameKind.HALTED, 0), n_stops
            except Gone:
                return None
            return encode_frame(FrameKind.DATA, 0, buffer[:n_bytes]), n_stops

    def _write(self, frame: bytes, n_stops: int | None = None) -> None:
        """Write a frame whole; data of a run that was stopped meanwhile are forgotten."""
        sent = frame if self._line is None else self._line(frame)
        left = memoryview(sent)
        with self._writing:
            if n_stops is not None and n_stops != self._requests.n_stops:
                return
            while left and self.terminal and not self._is_closing.is_set():
                _, ready, _ = select.select([], [self._master], [], LOOK_S)
                if not ready:
                    if self._is_moving:
                        return
                    continue
                try:
                    left = left[os.write(self._master, left) :]
                except BlockingIOError:
                    continue
                except OSError as error:
                    if error.errno != errno.EIO:
                        raise
                    return
