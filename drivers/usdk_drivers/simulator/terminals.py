"""SimulatedTerminals: simulated devices on serial ports, with links that stay."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from usdk.errors import StorageError
from usdk.front_end.terminals import TerminalFrontEnd
from usdk_drivers.simulator.serial_port import SimulatedSerialPort
from usdk_drivers.simulator.simulated_device import SimulatedDevice

__all__ = ["RETURN_S", "SimulatedTerminals"]

RETURN_S = 1.0
"""A device that a fault unplugged is back after so long, unless it says otherwise, s."""


class SimulatedTerminals:
    """Puts simulated devices behind pseudo-terminals until closed; a context manager.

    Parameters
    ----------
    devices : sequence of SimulatedDevice
        The first is at ``ttyUSDK0``, …
    folder : Path, optional
        Where the links are made; a temporary folder when absent.

    Raises
    ------
    StorageError
        If there is no terminal, or the folder cannot be written to.
    """

    def __init__(self, devices: Sequence[SimulatedDevice], *, folder: Path | None = None) -> None:
        self._devices = [one.on_usb(one.firmware(), return_s=RETURN_S) for one in devices]
        with ExitStack() as undo:
            try:
                if folder is None:
                    folder = Path(tempfile.mkdtemp(prefix="usdk-"))
                    undo.callback(shutil.rmtree, folder, ignore_errors=True)
                else:
                    folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StorageError(f"no links can be made in {folder}: {error}") from error
            self._links = [folder / f"ttyUSDK{n}" for n in range(len(devices))]
            self._ports = [
                undo.enter_context(SimulatedSerialPort(device, link=link))
                for device, link in zip(self._devices, self._links, strict=True)
            ]
            self._closing = undo.pop_all()

    @property
    def front_ends(self) -> tuple[TerminalFrontEnd, ...]:
        """How each device is reached now."""
        return tuple(
            TerminalFrontEnd(
                address=f"serial:{link}",
                terminal=port.terminal,
                description=", serial number ".join(device.strings[1:]),
            )
            for device, link, port in zip(self._devices, self._links, self._ports, strict=True)
        )

    def plug_in(self) -> int:
        """Put back at once what is unplugged, and return how many devices that were."""
        absent = [device for device in self._devices if not device.is_attached]
        for device in absent:
            device.plug()
        return len(absent)

    def close(self) -> None:
        """Take the terminals away; a second call has no effect."""
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
