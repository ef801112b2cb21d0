"""The example of drivers/README.md, installed and run."""

from __future__ import annotations

import re
import socket
import sys
import threading
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from usdk.errors import (
    ArgumentError,
    DeviceAbsentError,
    DeviceTimeoutError,
)
from usdk.front_end import open_front_end, registry

README = Path(__file__).parents[2] / "drivers/README.md"
SAMPLES = np.arange(-600, 600, dtype="<i2")


class Board:
    """The device that the README describes."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.is_silent = False
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection, connection.makefile("rb") as lines:
            for line in lines:
                word, *number = line.split()
                if word == b"id":
                    connection.sendall(b"SN-00042")
                elif not self.is_silent:
                    connection.sendall(SAMPLES[: int(number[0])].tobytes())

    def close(self) -> None:
        self._thread.join(5)
        self._listener.close()
        assert not self._thread.is_alive()


@pytest.fixture
def board() -> Iterator[Board]:
    board = Board()
    yield board
    board.close()


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the README's code under the entry point that the README registers."""
    text = README.read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    ((scheme, value),) = re.findall(r'^(\w+) = "(my_\w+:\w+)"$', text, re.MULTILINE)
    module = ModuleType(value.partition(":")[0])
    exec(compile(code, str(README), "exec"), module.__dict__)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    entry = EntryPoint(scheme, value, registry.DRIVER_GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [entry])


@pytest.mark.usefixtures("installed")
def test_the_example_opens_and_reads(board: Board) -> None:
    with open_front_end(f"pulser:127.0.0.1:{board.port}") as front_end:
        assert front_end.info.serial_number == "SN-00042"
        configuration = front_end.configure(depth_m=0.02)
        assert configuration.receive.depth_m == pytest.approx(0.02, abs=1e-4)
        assert configuration.receive.time_zero_s == (1e-6,)
        acquisition = front_end.read(3)
        n_samples = configuration.receive.n_samples
        assert acquisition.data.shape == (3, 1, 1, n_samples)
        assert np.array_equal(acquisition.data[2, 0, 0], SAMPLES[:n_samples])
        assert acquisition.sequence_numbers.tolist() == [0, 1, 2]
        front_end.stop()
        with pytest.raises(ArgumentError, match="out of reach"):
            front_end.configure(depth_m=3.0)
        assert front_end.status().n_frames_received == 3


@pytest.mark.usefixtures("installed")
def test_the_example_times_out_and_names_an_absent_device(board: Board) -> None:
    board.is_silent = True
    with open_front_end(f"pulser:127.0.0.1:{board.port}") as front_end:
        front_end.configure(depth_m=0.02)
        with pytest.raises(DeviceTimeoutError, match="trigger"):
            front_end.read(timeout_s=0.05)
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(DeviceAbsentError, match="power and cable"):
        open_front_end(f"pulser:127.0.0.1:{port}")


def test_every_option_of_the_simulator_is_in_the_readme() -> None:
    from usdk_drivers.simulator import Fault, address

    text = README.read_text(encoding="utf-8")
    options = address.PROBE_OPTIONS | address.RECORDING_OPTIONS | address.COMMON_OPTIONS
    assert {option for option in options if f"`{option}=" not in text} == set()
    assert [fault for fault in Fault if fault.value not in text] == []
