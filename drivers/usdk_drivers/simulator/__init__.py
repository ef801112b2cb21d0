"""Simulated front-ends: probes that echo a scene, and recordings played as if by a device."""

from usdk_drivers.simulator.device_faults import DescriptorFault, DeviceFaults
from usdk_drivers.simulator.disk import Disk
from usdk_drivers.simulator.echo_engine import EchoEngine
from usdk_drivers.simulator.electronics import Electronics
from usdk_drivers.simulator.faults import Fault, FaultPlan
from usdk_drivers.simulator.lesions import Lesion
from usdk_drivers.simulator.packet_source import Pace
from usdk_drivers.simulator.probes import PROBES, simulated_probe
from usdk_drivers.simulator.recording_engine import RecordingEngine
from usdk_drivers.simulator.scenes import (
    SceneName,
    Truth,
    lesions_of,
    make_scene,
    still_scene,
)
from usdk_drivers.simulator.simulated_device import flow_truth, simulated_device
from usdk_drivers.simulator.simulated_front_end import SimulatedFrontEnd
from usdk_drivers.simulator.vessel import Vessel, Waveform

__all__ = [
    "PROBES",
    "DescriptorFault",
    "DeviceFaults",
    "Disk",
    "EchoEngine",
    "Electronics",
    "Fault",
    "FaultPlan",
    "Lesion",
    "Pace",
    "RecordingEngine",
    "SceneName",
    "SimulatedFrontEnd",
    "Truth",
    "Vessel",
    "Waveform",
    "flow_truth",
    "lesions_of",
    "make_scene",
    "simulated_device",
    "simulated_probe",
    "still_scene",
]
