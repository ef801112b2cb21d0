"""The simulated device that an address names: its engine, its firmware, its place on a bus."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from usdk.acquisition import Acquisition
from usdk.errors import ArgumentError
from usdk_drivers.recorded_pace import recorded_frame_rate_hz
from usdk_drivers.simulator.address import SimulatorAddress
from usdk_drivers.simulator.device_faults import DescriptorFault, DeviceFaults
from usdk_drivers.simulator.device_model import UsbDevice
from usdk_drivers.simulator.echo_engine import EchoEngine
from usdk_drivers.simulator.endpoints import BULK_IN, BULK_OUT, ENDPOINTS
from usdk_drivers.simulator.engine import Engine
from usdk_drivers.simulator.faults import FaultPlan
from usdk_drivers.simulator.firmware import Firmware
from usdk_drivers.simulator.packet_source import FIFO_BYTES, Pace
from usdk_drivers.simulator.probes import PROBES, simulated_probe
from usdk_drivers.simulator.profile import PROFILE_ENDINGS, load_profile
from usdk_drivers.simulator.recording_engine import RecordingEngine
from usdk_drivers.simulator.scenes import TRUTHS, Truth, make_scene
from usdk_drivers.usb_address import PRODUCT_ID, VENDOR_ID
from usdk_drivers.usb_devices import INTERFACE_CLASS, INTERFACE_PROTOCOL, INTERFACE_SUBCLASS
from usdk_drivers.wire import VersionRange

__all__ = ["SimulatedDevice", "flow_truth", "playing_device", "simulated_device"]

_INTERFACE = (INTERFACE_CLASS, INTERFACE_SUBCLASS, INTERFACE_PROTOCOL)
_ANOTHER_INTERFACE = (INTERFACE_CLASS, 0, 0)
# Configuration, interface, the first endpoint with its companion, and three bytes of the next.
_TRUNCATED_BYTES = 9 + 9 + 7 + 6 + 3


@dataclass(frozen=True, kw_only=True)
class SimulatedDevice:
    """What a simulated device is made of.

    Parameters
    ----------
    engine : Engine
        Makes the samples.
    faults : FaultPlan
        What goes wrong with packets.
    device_faults : DeviceFaults
        What is wrong with the device. Dead elements are the engine's matter.
    pace : Pace
        When frames are made.
    fifo_bytes : int
        Memory for what the host has not fetched yet.
    versions : VersionRange, optional
        Protocol versions that the device claims.
    trigger_hz : float
        Rate of the generator at the trigger input, Hz; 0 for none.
    """

    engine: Engine
    faults: FaultPlan = field(default_factory=FaultPlan)
    device_faults: DeviceFaults = field(default_factory=DeviceFaults)
    pace: Pace = field(default_factory=Pace)
    fifo_bytes: int = FIFO_BYTES
    versions: VersionRange | None = None
    trigger_hz: float = 0.0

    def firmware(self) -> Firmware:
        """Return the device's side of the protocol, switched on."""
        return Firmware(
            self.engine,
            faults=self.faults,
            pace=self.pace,
            versions=self.versions,
            drift_ppm=self.device_faults.drift_ppm,
            fifo_bytes=self.fifo_bytes,
            firmware_after=self.device_faults.firmware_after,
            trigger_hz=self.trigger_hz,
        )

    def on_usb(self, firmware: Firmware, *, return_s: float | None = None) -> UsbDevice:
        """Return the device as a bus has it.

        ``return_s`` is after how many seconds it is back when a fault unplugged it, unless the
        faults say so themselves.
        """
        info, faults = self.engine.description.info, self.device_faults
        is_foreign = faults.descriptors is DescriptorFault.WRONG_INTERFACE
        missing = {
            DescriptorFault.NO_BULK_IN: BULK_IN,
            DescriptorFault.NO_BULK_OUT: BULK_OUT,
        }.get(faults.descriptors)  # type: ignore[arg-type]  # None is none of them
        is_truncated = faults.descriptors is DescriptorFault.TRUNCATED
        return UsbDevice(
            firmware,
            vendor_id=VENDOR_ID,
            product_id=PRODUCT_ID,
            interface_triple=_ANOTHER_INTERFACE if is_foreign else _INTERFACE,
            strings=(info.manufacturer, info.model, info.serial_number),
            endpoints=tuple(e for e in ENDPOINTS if e.address != missing),
            n_descriptor_bytes=_TRUNCATED_BYTES if is_truncated else None,
            return_s=return_s if faults.return_s is None else faults.return_s,
            on_return=firmware.come_back,
        )


def simulated_device(address: str) -> SimulatedDevice:
    """Return the device at ``address`` (what follows ``sim:``).

    Raises
    ------
    ArgumentError
        If there is no such probe, profile or recording, or an option does not fit.
    """
    asked = _read(address)
    if asked.probe is None:
        # h5py and the readers are wanted only here.
        from usdk.io import load_recording

        return playing_device(
            load_recording(Path(asked.target)),
            loop=asked.loop,
            speed=asked.speed,
            faults=asked.faults,
            device_faults=asked.device_faults,
        )
    engine = EchoEngine(
        asked.probe,
        make_scene(asked.scene, asked.probe, asked.seed, asked.truth),
        serial_number=asked.serial,
        n_cine_frames=asked.frames,
        noise_db=asked.noise_db,
        seed=asked.seed,
        electronics=asked.electronics,
        dead_elements=asked.device_faults.dead_elements(asked.probe.n_elements, asked.seed),
        shorted_elements=asked.device_faults.shorted,
        weak_elements=asked.device_faults.weak,
    )
    return SimulatedDevice(
        engine=engine,
        faults=asked.faults,
        device_faults=asked.device_faults,
        pace=Pace(speed=1.0, overruns=True) if asked.realtime else Pace(),
        fifo_bytes=asked.electronics.fifo_bytes,
        trigger_hz=asked.trigger_hz,
    )


def playing_device(
    acquisition: Acquisition, *, loop: bool = False, speed: float = 0.0, **faults: Any
) -> SimulatedDevice:
    """Return a device that plays an acquisition; ``faults`` are those of `SimulatedDevice`."""
    if speed and math.isnan(recorded_frame_rate_hz(acquisition)):
        raise ArgumentError("the recording does not tell its frame rate: leave speed out")
    engine = RecordingEngine(acquisition, loop=loop)
    return SimulatedDevice(engine=engine, pace=Pace(speed=speed), **faults)


def flow_truth(address: str) -> Truth:
    """Return what flows in front of a simulated probe: velocities at every point and time.

    Parameters
    ----------
    address : str
        As for `usdk.open_front_end`: ``sim:linear-l11-5v?scene=vessel&angle_deg=70``.

    Returns
    -------
    Vessel or Disk

    Raises
    ------
    ArgumentError
        If an option does not fit, or nothing flows in that scene.
    """
    truth = _read(address.removeprefix("sim:")).truth
    if truth is None:
        raise ArgumentError(f"nothing flows in {address}: add scene={' or scene='.join(TRUTHS)}")
    return truth


def _read(address: str) -> SimulatorAddress:
    """Return what an address asks for; without a probe it is a recording."""
    target = address.partition("?")[0]
    if target in PROBES:
        bare = SimulatorAddress(target=target, probe=simulated_probe(target))
        return SimulatorAddress.parse(address, is_recording=False, profile=bare)
    path = Path(target)
    if not path.is_file():
        raise ArgumentError(
            f"sim:{address} is neither a simulated probe ({', '.join(PROBES)}) nor a file: "
            "check the name, or the path"
        )
    if path.suffix.lower() in PROFILE_ENDINGS:
        profile = load_profile(path)
        return SimulatorAddress.parse(address, is_recording=False, profile=profile)
    return SimulatorAddress.parse(address, is_recording=True)
