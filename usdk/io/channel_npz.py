"""Channel data in a NumPy archive that anyone can write: ``numpy.savez(path, rf=…, …)``.

The layout is documented in ``docs/reference/foreign-formats.md``. Required: ``rf``,
``tx_delays_s``, ``elem_x_m``, ``fs_hz``, ``fc_hz``. Which waves were sent is found from the delays.
"""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from usdk.acquisition import Acquisition, DeviceInfo, ReceiveSettings, time_zero_s
from usdk.errors import DataDamagedError
from usdk.io.description import RecordingDescription
from usdk.io.foreign import (
    ARCHIVE_ERRORS,
    SOUND_SPEED_M_S,
    channel_dtype,
    channel_samples,
    damage,
    flat_kind,
    number,
    numbers,
    require_size,
    require_sound_speed,
)
from usdk.io.wave_recovery import wave_from_delays
from usdk.probe import ArrayKind, Probe
from usdk.transmit import TransmitSequence

__all__ = ["FORMAT", "MAX_ENTRY_BYTES", "describe_npz", "load_npz"]

FORMAT = "channel data NPZ"
MAX_ENTRY_BYTES = 512 * 2**20
"""Largest entry other than the samples that is read, bytes."""

FRACTIONAL_BANDWIDTH = 0.7
"""Taken when the file does not say; it matters only where data are filtered to the band."""

_EXPECTED = "channel data in a NumPy archive (rf, tx_delays_s, elem_x_m, fs_hz, fc_hz)"
_REQUIRED = ("rf", "tx_delays_s", "elem_x_m", "fs_hz", "fc_hz")


def load_npz(path: Path) -> Acquisition:
    """Load channel data; ``rf`` keeps its type, ``scale`` is not applied.

    Raises
    ------
    DataDamagedError
        If the file is truncated, holds pickled objects (they are never run), lacks an entry, or
        delays and geometry do not belong to waves that usdk knows.
    """
    with _damage(path), zipfile.ZipFile(path) as archive:
        description, is_ensemble = _describe(archive, path)
        rf = channel_samples(_array(archive, "rf"), "rf")
        if rf.ndim == 3:
            rf = rf[:, None] if is_ensemble else rf[None]
        prf_hz = description.sequence.prf_hz
        # One transmit a frame: frames follow each other at the pulse repetition frequency.
        times_s = np.empty(0)
        if prf_hz is not None and len(description.sequence) == 1:
            times_s = np.arange(len(rf)) / prf_hz
        return Acquisition(
            data=rf,
            probe=description.probe,
            sequence=description.sequence,
            receive=description.receive,
            device=description.device,
            device_timestamps_s=times_s,
        )


def describe_npz(path: Path) -> RecordingDescription:
    """Describe channel data without reading the samples; raises as `load_npz`."""
    with _damage(path), zipfile.ZipFile(path) as archive:
        return _describe(archive, path)[0]


def _damage(path: Path) -> Any:
    return damage(path, _EXPECTED, *ARCHIVE_ERRORS)


def _describe(archive: zipfile.ZipFile, path: Path) -> tuple[RecordingDescription, bool]:
    names = {name.removesuffix(".npy") for name in archive.namelist()}
    missing = [name for name in _REQUIRED if name not in names]
    if missing:
        raise DataDamagedError(f"{path} is not {_EXPECTED}: {', '.join(missing)} missing")
    rf_shape, rf_dtype = _head(archive, "rf")
    dtype = channel_dtype(rf_dtype, "rf")
    require_size(rf_shape, rf_dtype, "rf")
    if len(rf_shape) not in (3, 4):
        raise DataDamagedError(
            "rf must be (transmits, elements, samples) or (frames, transmits, elements, samples), "
            f"it has shape {rf_shape}"
        )
    probe, sound_speed_m_s = _probe(archive, path)
    delays_s = _delays_s(archive, probe)
    prf_hz = _number(archive, "prf_hz", 0.0)
    # The same wave again and again at a known rate is one ensemble in slow time.
    is_ensemble = (
        len(rf_shape) == 3
        and prf_hz > 0
        and len(delays_s) > 1
        and np.array_equal(delays_s, np.broadcast_to(delays_s[0], delays_s.shape), equal_nan=True)
    )
    n_frames, n_transmits = rf_shape[:2] if len(rf_shape) == 4 else (1, rf_shape[0])
    if len(delays_s) != n_transmits:
        raise DataDamagedError(f"rf has {n_transmits} transmits, tx_delays_s {len(delays_s)}")
    if is_ensemble:
        n_frames, delays_s = n_transmits, delays_s[:1]
    sequence = _sequence(archive, delays_s, probe, sound_speed_m_s, prf_hz)
    receive = ReceiveSettings(
        sampling_frequency_hz=_number(archive, "fs_hz"),
        n_samples=rf_shape[-1],
        time_zero_s=time_zero_s(
            sequence,
            probe,
            sound_speed_m_s,
            delays_s=delays_s,
            first_sample_s=_number(archive, "t0_s", 0.0),
        ),
        sound_speed_m_s=sound_speed_m_s,
    )
    if rf_shape[-2] != probe.n_elements:
        raise DataDamagedError(f"rf has {rf_shape[-2]} elements, elem_x_m {probe.n_elements}")
    description = RecordingDescription(
        format=FORMAT,
        probe=probe,
        sequence=sequence,
        receive=receive,
        device=_device(archive),
        dtype=dtype.name,
        n_frames=n_frames,
        n_bytes=path.stat().st_size,
    )
    return description, is_ensemble


def _probe(archive: zipfile.ZipFile, path: Path) -> tuple[Probe, float]:
    x_m = _numbers(archive, "elem_x_m")
    z_m = _numbers(archive, "elem_z_m", np.zeros_like(x_m))
    tilt_rad = _numbers(archive, "elem_tilt_rad", np.zeros_like(x_m))
    if not x_m.size == z_m.size == tilt_rad.size > 1:
        raise DataDamagedError("elem_x_m, elem_z_m, elem_tilt_rad must be of one size, at least 2")
    steps_m = np.hypot(np.diff(x_m), np.diff(z_m))
    pitch_m = _number(archive, "pitch_m", float(steps_m.mean()))
    frequency_hz = _number(archive, "fc_hz")
    sound_speed_m_s = _number(archive, "c_m_s", SOUND_SPEED_M_S)
    if not (pitch_m > 0 and frequency_hz > 0 and sound_speed_m_s > 0):
        raise DataDamagedError("pitch_m, fc_hz and c_m_s must be positive")
    require_sound_speed(sound_speed_m_s, "c_m_s")
    radius_m = math.inf
    if "radius_m.npy" in archive.namelist() and not np.isposinf(_array(archive, "radius_m")).all():
        radius_m = _number(archive, "radius_m")
    kind = flat_kind(pitch_m, frequency_hz, sound_speed_m_s)
    zero = np.zeros_like(x_m)
    probe = Probe(
        name=path.stem,
        kind=ArrayKind.CURVED if math.isfinite(radius_m) else kind,
        element_positions_m=np.column_stack((x_m, zero, z_m)),
        element_normals=np.column_stack((np.sin(tilt_rad), zero, np.cos(tilt_rad))),
        centre_frequency_hz=frequency_hz,
        fractional_bandwidth=_number(archive, "bandwidth_pct", 100 * FRACTIONAL_BANDWIDTH) / 100,
        pitch_m=pitch_m,
        element_width_m=pitch_m - _number(archive, "kerf_m", 0.0),
        element_height_m=_number(archive, "elem_height_m", 0.0),
        radius_m=radius_m,
    )
    return probe, sound_speed_m_s


def _delays_s(archive: zipfile.ZipFile, probe: Probe) -> NDArray[np.float64]:
    delays_s = _array(archive, "tx_delays_s")
    if delays_s.dtype.kind not in "iuf" or delays_s.shape != (len(delays_s), probe.n_elements):
        raise DataDamagedError(
            f"tx_delays_s must be numbers of shape (transmits, {probe.n_elements}), got "
            f"{delays_s.dtype} {delays_s.shape}"
        )
    if np.any(np.isinf(delays_s)):
        raise DataDamagedError("tx_delays_s holds infinite values; NaN marks a silent element")
    return delays_s.astype(np.float64)


def _sequence(
    archive: zipfile.ZipFile,
    delays_s: NDArray[np.float64],
    probe: Probe,
    sound_speed_m_s: float,
    prf_hz: float,
) -> TransmitSequence:
    beams_x_m: list[float | None] = [None] * len(delays_s)
    if "line_x_m.npy" in archive.namelist():
        beams_x_m = list(_numbers(archive, "line_x_m").tolist())
        if len(beams_x_m) != len(delays_s):
            raise DataDamagedError(f"line_x_m must hold one number per transmit: {len(delays_s)}")
    return TransmitSequence(
        transmits=tuple(
            wave_from_delays(row, probe, sound_speed_m_s, beam_x_m=beam_x_m)
            for row, beam_x_m in zip(delays_s, beams_x_m, strict=True)
        ),
        frequency_hz=probe.centre_frequency_hz,
        prf_hz=prf_hz or None,
    )


def _device(archive: zipfile.ZipFile) -> DeviceInfo | None:
    if "simulator.npy" not in archive.namelist():
        return None
    simulator = _array(archive, "simulator")
    if simulator.dtype.kind != "U" or simulator.size != 1:
        raise DataDamagedError("simulator must be one text")
    return DeviceInfo(manufacturer="simulation", model=str(simulator.ravel()[0]))


def _number(archive: zipfile.ZipFile, name: str, default: float | None = None) -> float:
    if default is not None and f"{name}.npy" not in archive.namelist():
        return default
    return number(_array(archive, name), name)


def _numbers(
    archive: zipfile.ZipFile, name: str, default: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    if default is not None and f"{name}.npy" not in archive.namelist():
        return default
    return numbers(_array(archive, name), name)


def _head(archive: zipfile.ZipFile, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return shape and type of an entry without reading it."""
    with archive.open(f"{name}.npy") as entry:
        version = npy_format.read_magic(entry)
        readers = {
            (1, 0): npy_format.read_array_header_1_0,
            (2, 0): npy_format.read_array_header_2_0,
        }
        if version not in readers:
            raise DataDamagedError(f"{name} is of version {version} of NumPy's format: 1 or 2 only")
        shape, _, dtype = readers[version](entry)
    return shape, dtype


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """Return an entry; objects are refused before anything of them is run."""
    shape, dtype = _head(archive, name)
    if dtype.hasobject:
        raise DataDamagedError(f"{name} holds pickled objects: save plain numbers instead")
    n_bytes = math.prod(shape) * dtype.itemsize
    if name != "rf" and n_bytes > MAX_ENTRY_BYTES:
        raise DataDamagedError(f"{name} has {n_bytes} bytes, at most {MAX_ENTRY_BYTES} are read")
    with archive.open(f"{name}.npy") as entry:
        return np.asarray(npy_format.read_array(entry, allow_pickle=False))
