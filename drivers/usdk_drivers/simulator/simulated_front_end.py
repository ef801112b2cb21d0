"""The simulated front-end: a simulated device on a simulated bus, driven by the real driver."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from usdk.acquisition import Acquisition
from usdk.front_end import Found, Setting
from usdk_drivers.simulator.device_faults import DeviceFaults
from usdk_drivers.simulator.engine import Engine
from usdk_drivers.simulator.faults import FaultPlan
from usdk_drivers.simulator.pace_settings import (
    GENERATOR_RATE,
    generator_setting,
    pace_settings,
    with_setting,
)
from usdk_drivers.simulator.packet_source import FIFO_BYTES, Pace
from usdk_drivers.simulator.probes import PROBES, simulated_probe
from usdk_drivers.simulator.pyusb_backend import SimulatedBackend
from usdk_drivers.simulator.simulated_device import (
    SimulatedDevice,
    playing_device,
    simulated_device,
)
from usdk_drivers.usb_address import UsbAddress
from usdk_drivers.usb_front_end import UsbFrontEnd
from usdk_drivers.usb_transport import UsbTransport
from usdk_drivers.wire import VersionRange

if TYPE_CHECKING:
    from usdk_drivers.simulator.terminals import SimulatedTerminals
    from usdk_drivers.usbip.sharing import SharedDevices
    from usdk_drivers.usbredir.sharing import RedirectedDevices

__all__ = ["SimulatedFrontEnd"]


class SimulatedFrontEnd(UsbFrontEnd):
    """A simulated probe, or a recording that is played as if by one.

    Addresses: ``sim:linear-l11-5v``, ``sim:phased-p4-2v``, ``sim:convex-c5-2v``, or
    ``sim:PROFILE.yaml`` for a probe that is declared in a file, with the options
    ``?scene=phantom|cyst|lesions|speckle|points&frames=32&noise_db=-80&realtime=1&serial=SIM-1``,
    or ``?scene=vessel`` and ``?scene=disk`` with the parameters of `Vessel` and `Disk`;
    or ``sim:PATH?loop=1&speed=1`` for a recording. ``seed=1`` and faults such as
    ``faults=drop:0.1,unplug@7`` go with all.

    Parameters
    ----------
    engine : Engine
        Makes the samples.
    faults : FaultPlan, optional
        What goes wrong.
    pace : Pace, optional
        When frames are made; when the host asks for them by default.
    versions : VersionRange, optional
        Protocol versions that the device claims.
    device_faults : DeviceFaults, optional
        What is wrong with the device; dead elements are the engine's matter.
    fifo_bytes : int
        Memory for what the host has not fetched yet.
    trigger_hz : float
        Rate of the generator at the trigger input, Hz; 0 for none.

    Notes
    -----
    A read waits on a clock that stands still while echoes are computed: a real device does not
    compute them.
    """

    scheme: ClassVar[str] = "sim"

    def __init__(
        self,
        engine: Engine,
        *,
        faults: FaultPlan | None = None,
        pace: Pace | None = None,
        versions: VersionRange | None = None,
        device_faults: DeviceFaults | None = None,
        fifo_bytes: int = FIFO_BYTES,
        trigger_hz: float = 0.0,
    ) -> None:
        simulated = SimulatedDevice(
            engine=engine,
            faults=faults or FaultPlan(),
            pace=pace or Pace(),
            versions=versions,
            device_faults=device_faults or DeviceFaults(),
            fifo_bytes=fifo_bytes,
            trigger_hz=trigger_hz,
        )
        self._firmware = simulated.firmware()
        self.device = simulated.on_usb(self._firmware)
        """The simulated device, to unplug for example."""
        self.backend = SimulatedBackend([self.device])
        """The bus that it is on."""
        super().__init__(UsbTransport.open(UsbAddress(), self.backend))

    @classmethod
    def open(cls, address: str) -> Self:
        """Open the simulated probe, profile or recording at ``address``, what follows ``sim:``."""
        return cls._of(simulated_device(address))

    @classmethod
    def share(cls, addresses: Sequence[str], *, host: str, port: int) -> SharedDevices:
        """Share what is at ``addresses`` (each what follows ``sim:``) by USB/IP, until closed."""
        # The server is wanted only here, and needs the simulator itself.
        from usdk_drivers.usbip.sharing import SharedDevices

        devices = [simulated_device(address) for address in addresses]
        return SharedDevices(devices, host=host, port=port)

    @classmethod
    def redirect(cls, addresses: Sequence[str], *, host: str, port: int) -> RedirectedDevices:
        """Offer what is at ``addresses`` (each what follows ``sim:``) to virtual machines."""
        from usdk_drivers.usbredir.sharing import RedirectedDevices

        devices = [simulated_device(address) for address in addresses]
        return RedirectedDevices(devices, host=host, port=port)

    @classmethod
    def put_on_terminals(
        cls, addresses: Sequence[str], *, folder: Path | None
    ) -> SimulatedTerminals:
        """Put what is at ``addresses`` (each what follows ``sim:``) on serial ports."""
        # Not every system has pseudo-terminals.
        from usdk_drivers.simulator.terminals import SimulatedTerminals

        devices = [simulated_device(address) for address in addresses]
        return SimulatedTerminals(devices, folder=folder)

    @classmethod
    def playing(
        cls,
        acquisition: Acquisition,
        *,
        loop: bool = False,
        speed: float = 0.0,
        faults: FaultPlan | None = None,
    ) -> Self:
        """Play an acquisition; ``speed`` times as fast as it was made, or as fast as it is read."""
        playing = playing_device(acquisition, loop=loop, speed=speed)
        return cls(playing.engine, faults=faults, pace=playing.pace)

    @classmethod
    def _of(cls, simulated: SimulatedDevice) -> Self:
        return cls(
            simulated.engine,
            faults=simulated.faults,
            pace=simulated.pace,
            device_faults=simulated.device_faults,
            fifo_bytes=simulated.fifo_bytes,
            trigger_hz=simulated.trigger_hz,
        )

    @classmethod
    def discover(cls) -> list[Found]:
        """Return the probes that can be simulated."""
        return [
            Found(address=f"sim:{name}", description=f"simulated {simulated_probe(name).name}")
            for name in PROBES
        ]

    @classmethod
    def discover_at(cls, address: str) -> Found | None:
        """Return what can be simulated at ``address``: a probe, or a file that is there."""
        target = address.partition("?")[0]
        if target in PROBES:
            name = simulated_probe(target).name
        elif Path(target).is_file():
            name = "what a file describes"
        else:
            return None
        return Found(address=f"{cls.scheme}:{address}", description=f"simulated {name}")

    def settings(self) -> tuple[Setting, ...]:
        """Return the device's settings, and its simulator's: the pace, and what triggers it."""
        own = (*pace_settings(self._firmware.pace), generator_setting(self._firmware.trigger_hz))
        return (*own, *super().settings())

    def set_setting(self, name: str, value: Any) -> None:
        """Set one; those of the simulator hold for the runs to come."""
        if name == GENERATOR_RATE:
            self._firmware.trigger_hz = value
        elif name.startswith("pace."):
            self._firmware.pace = with_setting(self._firmware.pace, name, value)
        else:
            super().set_setting(name, value)

    def _clock_s(self) -> float:
        return super()._clock_s() - self._firmware.time_computing_s
