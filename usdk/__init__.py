"""usdk: from an ultrasound probe's wire to a picture with its calibration."""

from usdk.acquisition import Acquisition, DeviceInfo, Gap, ReceiveSettings
from usdk.frame import Frame, Provenance
from usdk.front_end import (
    FrontEnd,
    ReceiveRequest,
    discover,
    installed_schemes,
    open_front_end,
)
from usdk.probe import ArrayKind, Probe
from usdk.scan import LinearScan, Raster, SectorScan, scan_for
from usdk.sequences import diverging_waves, focused_lines, plane_waves, single_elements
from usdk.transmit import (
    DivergingWave,
    FocusedWave,
    PlaneWave,
    SingleElement,
    TransmitSequence,
)

__all__ = [
    # What is there: probes, transmits, scans
    "ArrayKind",
    "Probe",
    "DivergingWave",
    "FocusedWave",
    "PlaneWave",
    "SingleElement",
    "TransmitSequence",
    "diverging_waves",
    "focused_lines",
    "plane_waves",
    "single_elements",
    "LinearScan",
    "SectorScan",
    "Raster",
    "scan_for",
    # From the device: front-ends and channel data
    "FrontEnd",
    "ReceiveRequest",
    "discover",
    "installed_schemes",
    "open_front_end",
    "Acquisition",
    "DeviceInfo",
    "Gap",
    "ReceiveSettings",
    # To the picture
    "Frame",
    "Provenance",
]
