from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("serial", reason="pyserial is not installed")
pytest.importorskip("termios", reason="this system has no pseudo-terminals")

from usdk.acquisition import Acquisition
from usdk_drivers.simulator import FaultPlan, RecordingEngine
from usdk_drivers.simulator.serial_port import SimulatedSerialPort
from usdk_drivers.simulator.simulated_device import SimulatedDevice

Plug = Callable[..., SimulatedSerialPort]


@pytest.fixture
def plug(tmp_path: Path) -> Iterator[Plug]:
    """Put a simulated device, or one that plays a recording, behind a terminal."""
    with ExitStack() as until_the_end:

        def make(
            what: SimulatedDevice | Acquisition,
            *,
            faults: FaultPlan | None = None,
            return_s: float | None = None,
            **more: Any,
        ) -> SimulatedSerialPort:
            if isinstance(what, Acquisition):
                engine = RecordingEngine(what, loop=False)
                what = SimulatedDevice(engine=engine, faults=faults or FaultPlan())
            device = what.on_usb(what.firmware(), return_s=return_s)
            link = tmp_path / "port"
            return until_the_end.enter_context(SimulatedSerialPort(device, link=link, **more))

        yield make
