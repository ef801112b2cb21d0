"""A serial line: how fast a pseudo-terminal is, and what the wire protocol over it gets of that."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from usdk.acquisition import Acquisition
from usdk.front_end import FrontEnd, open_front_end
from usdk.io import save_recording
from usdk_drivers.serial_line.frames import (
    MAX_BODY_BYTES,
    FrameDecoder,
    FrameKind,
    encode_frame,
)

serial = pytest.importorskip("serial", reason="pyserial is not installed")

N_BYTES = 2**24


@pytest.fixture(scope="module")
def device(
    eleven_waves: Acquisition, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FrontEnd]:
    """W1 played without end by another process."""
    path: Path = tmp_path_factory.mktemp("line") / "w1.npz"
    save_recording(path, eleven_waves)
    command = [sys.executable, "-m", "usdk.cli", "simulate", f"sim:{path}?loop=1", "-q"]
    program = subprocess.Popen(
        [*command, "--serial", "--json"],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    try:
        assert program.stdout is not None
        text = ""
        for line in program.stdout:
            text += line
            if line.rstrip() == "}":
                break
        with open_front_end(json.loads(text)["shared"][0]["address"]) as front_end:
            front_end.configure()
            yield front_end
    finally:
        program.terminate()
        program.communicate(timeout=10)


@pytest.fixture
def open_terminal() -> Iterator[Callable[[], tuple[Any, int]]]:
    """Return a maker of ports, each with the descriptor of its other end."""
    opened: list[tuple[Any, int, int]] = []

    def make() -> tuple[Any, int]:
        master, slave = os.openpty()
        tty.setraw(slave)
        port = serial.Serial(os.ttyname(slave), timeout=1)
        opened.append((port, master, slave))
        return port, master

    yield make
    for port, master, slave in opened:
        port.close()
        os.close(master)
        os.close(slave)


@pytest.mark.benchmark(group="serial line: 16 MiB")
def test_bare_pyserial(benchmark: Any, open_terminal: Callable[[], tuple[Any, int]]) -> None:
    port, master = open_terminal()
    data = bytes(N_BYTES)

    def write() -> None:
        left = memoryview(data)
        while left:
            left = left[os.write(master, left[:65536]) :]

    def move() -> None:
        writer = threading.Thread(target=write)
        writer.start()
        n_read = 0
        while n_read < N_BYTES:
            n_read += len(port.read(min(port.in_waiting, 65536) or 1))
        writer.join()

    benchmark.pedantic(move, rounds=5, warmup_rounds=1)


@pytest.mark.benchmark(group="serial line: 16 MiB")
def test_decoding_frames(benchmark: Any) -> None:
    body = np.random.default_rng(0).bytes(MAX_BODY_BYTES)
    stream = encode_frame(FrameKind.DATA, 0, body) * (N_BYTES // MAX_BODY_BYTES)

    def decode() -> int:
        decoder, n_frames = FrameDecoder(), 0
        for place in range(0, len(stream), 4096):
            decoder.receive(stream[place : place + 4096])
            while decoder.next_frame() is not None:
                n_frames += 1
        return n_frames

    assert benchmark(decode) == N_BYTES // MAX_BODY_BYTES


@pytest.mark.benchmark(group="serial line: a frame of 128 x 2112 x 11, 5.9 MB")
def test_a_frame(benchmark: Any, device: FrontEnd) -> None:
    device.start()
    benchmark.pedantic(lambda: device.read(timeout_s=10), rounds=20, warmup_rounds=2)
    assert device.status().n_frames_lost == 0


@pytest.mark.benchmark(group="serial line: a request and its answer")
def test_status(benchmark: Any, device: FrontEnd) -> None:
    device.stop()
    benchmark(device.status)
