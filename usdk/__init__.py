"""usdk: from an ultrasound probe's wire to a signed DICOM object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from usdk.acquisition import Acquisition, DeviceInfo, GainCurve, Gap, ReceiveSettings
from usdk.band_pass import band_pass
from usdk.beamform import Beamformer
from usdk.bmode import BMode, bmode
from usdk.demodulation import demodulate
from usdk.errors import UsdkError
from usdk.frame import Frame, Provenance
from usdk.front_end import (
    FrontEnd,
    ReceiveRequest,
    discover,
    installed_schemes,
    open_front_end,
)
from usdk.gain_removal import remove_gain
from usdk.image import SliceConverter, VolumeConverter
from usdk.m_mode import MMode
from usdk.multiplexing import combine_apertures, multiplexed
from usdk.probe import ArrayKind, Probe
from usdk.scan import (
    LinearScan,
    LineScan,
    Plane,
    PyramidScan,
    Raster,
    SectorScan,
    VolumeRaster,
    VolumeScan,
    scan_for,
)
from usdk.sequences import diverging_waves, focused_lines, plane_waves, single_elements
from usdk.transmit import (
    DivergingWave,
    FocusedWave,
    PlaneWave,
    SingleElement,
    TransmitSequence,
)

if TYPE_CHECKING:
    from usdk.dicom import Patient, Study
    from usdk.doppler import (
        ColourFlow,
        ColourMode,
        Interleaved,
        PulsedWaveDoppler,
        SampleVolume,
        SlowTime,
        VectorDoppler,
    )
    from usdk.export import write_dicom
    from usdk.io import load_frames, load_recording, save_frames, save_recording
    from usdk.kernel_cache import warm_up
    from usdk.stream import Planned, Stream
    from usdk.time_zero import TimeZeroReport, check_time_zero
    from usdk.tissue_motion import TissueTracking
    from usdk.trust import FileSigner, dev_certificate_authority, dev_signer, verify_dicom

# Imported when first asked for: they need extras, or are slow to import.
_LATER = {
    "load_frames": "usdk.io",
    "load_recording": "usdk.io",
    "save_frames": "usdk.io",
    "save_recording": "usdk.io",
    "Patient": "usdk.dicom",
    "Study": "usdk.dicom",
    "write_dicom": "usdk.export",
    "FileSigner": "usdk.trust",
    "dev_certificate_authority": "usdk.trust",
    "dev_signer": "usdk.trust",
    "verify_dicom": "usdk.trust",
    "warm_up": "usdk.kernel_cache",
    "ColourFlow": "usdk.doppler",
    "ColourMode": "usdk.doppler",
    "Interleaved": "usdk.doppler",
    "PulsedWaveDoppler": "usdk.doppler",
    "SampleVolume": "usdk.doppler",
    "SlowTime": "usdk.doppler",
    "VectorDoppler": "usdk.doppler",
    "TissueTracking": "usdk.tissue_motion",
    "Planned": "usdk.stream",
    "Stream": "usdk.stream",
    "TimeZeroReport": "usdk.time_zero",
    "check_time_zero": "usdk.time_zero",
}

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
    "LineScan",
    "SectorScan",
    "PyramidScan",
    "VolumeScan",
    "Plane",
    "Raster",
    "VolumeRaster",
    "scan_for",
    # From the device: front-ends and channel data
    "FrontEnd",
    "ReceiveRequest",
    "discover",
    "installed_schemes",
    "open_front_end",
    "Acquisition",
    "DeviceInfo",
    "GainCurve",
    "Gap",
    "ReceiveSettings",
    "combine_apertures",
    "multiplexed",
    "remove_gain",
    "load_recording",
    "save_recording",
    "Planned",
    "Stream",
    "TimeZeroReport",
    "check_time_zero",
    # To the picture
    "BMode",
    "Beamformer",
    "SliceConverter",
    "VolumeConverter",
    "MMode",
    "band_pass",
    "bmode",
    "demodulate",
    "Frame",
    "Provenance",
    "load_frames",
    "save_frames",
    "warm_up",
    # To flow and motion
    "ColourFlow",
    "ColourMode",
    "Interleaved",
    "PulsedWaveDoppler",
    "SampleVolume",
    "SlowTime",
    "TissueTracking",
    "VectorDoppler",
    # To the signed DICOM object
    "Patient",
    "Study",
    "write_dicom",
    "FileSigner",
    "dev_certificate_authority",
    "dev_signer",
    "verify_dicom",
    # What goes wrong
    "UsdkError",
]

# Hidden from type checkers, to which every name would seem to exist.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        from importlib import import_module

        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_LATER[name]), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
