"""The simulated front-end: a simulated device on a simulated bus, driven by the real driver."""

from __future__ import annotations

import math
from pathlib import Path
from typing import ClassVar, Self

from usdk.acquisition import Acquisition
from usdk.errors import ArgumentError
from usdk.front_end import Found
from usdk_drivers.recorded_pace import recorded_frame_rate_hz
from usdk_drivers.simulator.address import SimulatorAddress
from usdk_drivers.simulator.device_model import UsbDevice
from usdk_drivers.simulator.echo_engine import EchoEngine
from usdk_drivers.simulator.engine import Engine
from usdk_drivers.simulator.faults import FaultPlan
from usdk_drivers.simulator.firmware import Firmware
from usdk_drivers.simulator.packet_source import Pace
from usdk_drivers.simulator.probes import PROBES, simulated_probe
from usdk_drivers.simulator.pyusb_backend import SimulatedBackend
from usdk_drivers.simulator.recording_engine import RecordingEngine
from usdk_drivers.simulator.scenes import make_scene
from usdk_drivers.usb_address import PRODUCT_ID, VENDOR_ID, UsbAddress
from usdk_drivers.usb_front_end import UsbFrontEnd
from usdk_drivers.usb_transport import (
    INTERFACE_CLASS,
    INTERFACE_PROTOCOL,
    INTERFACE_SUBCLASS,
    UsbTransport,
)
from usdk_drivers.wire import VersionRange

__all__ = ["SimulatedFrontEnd"]

_INTERFACE = (INTERFACE_CLASS, INTERFACE_SUBCLASS, INTERFACE_PROTOCOL)


class SimulatedFrontEnd(UsbFrontEnd):
    """A simulated probe, or a recording that is played as if by one.

    Addresses: ``sim:linear-l11-5v``, ``sim:phased-p4-2v``, ``sim:convex-c5-2v``, with the options
    ``?scene=phantom|cyst|lesions|speckle|points&frames=32&noise_db=-80&realtime=1&serial=SIM-1``,
    or ``?scene=vessel`` and ``?scene=disk`` with the parameters of `Vessel` and `Disk`;
    or ``sim:PATH?loop=1&speed=1`` for a recording. ``seed=1`` and ``faults=drop:0.1,unplug@7`` go
    with both.

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
    ) -> None:
        self._firmware = Firmware(engine, faults=faults, pace=pace, versions=versions)
        info = engine.description.info
        self.device = UsbDevice(
            self._firmware,
            vendor_id=VENDOR_ID,
            product_id=PRODUCT_ID,
            interface_triple=_INTERFACE,
            strings=(info.manufacturer, info.model, info.serial_number),
        )
        """The simulated device, to unplug for example."""
        self.backend = SimulatedBackend([self.device])
        """The bus that it is on."""
        super().__init__(UsbTransport.open(UsbAddress(), self.backend))

    @classmethod
    def open(cls, address: str) -> Self:
        """Open the simulated probe or recording at ``address`` (what follows ``sim:``)."""
        target = address.partition("?")[0]
        if target not in PROBES:
            return cls._open_recording(address, Path(target))
        options = SimulatorAddress.parse(address, is_recording=False)
        probe = simulated_probe(target)
        engine = EchoEngine(
            probe,
            make_scene(options.scene, probe, options.seed, options.truth),
            serial_number=options.serial,
            n_cine_frames=options.frames,
            noise_db=options.noise_db,
            seed=options.seed,
        )
        pace = Pace(speed=1.0, overruns=True) if options.realtime else Pace()
        return cls(engine, faults=options.faults, pace=pace)

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
        if speed and math.isnan(recorded_frame_rate_hz(acquisition)):
            raise ArgumentError("the recording does not tell its frame rate: leave speed out")
        engine = RecordingEngine(acquisition, loop=loop)
        return cls(engine, faults=faults, pace=Pace(speed=speed))

    @classmethod
    def discover(cls) -> list[Found]:
        """Return the probes that can be simulated."""
        return [
            Found(address=f"sim:{name}", description=f"simulated {simulated_probe(name).name}")
            for name in PROBES
        ]

    @classmethod
    def _open_recording(cls, address: str, path: Path) -> Self:
        if not path.is_file():
            raise ArgumentError(
                f"sim:{address} is neither a simulated probe ({', '.join(PROBES)}) nor a file: "
                "check the name, or the path"
            )
        # h5py and the readers are wanted only here.
        from usdk.io import load_recording

        options = SimulatorAddress.parse(address, is_recording=True)
        return cls.playing(
            load_recording(path), loop=options.loop, speed=options.speed, faults=options.faults
        )

    def _clock_s(self) -> float:
        return super()._clock_s() - self._firmware.time_computing_s
