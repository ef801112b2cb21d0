"""Plane-wave channel data in the HDF5 layout of pulp-bio/pybf.

Layout: ``data/rf_data/frame_i/shot_j`` (n_elements, n_samples), ``data/tx_mode/PW_<n>_<degrees>``
with the steering angles in rad, ``data/f_sampling`` in Hz, and the probe under ``trans_params``.
The steering reference is the array centre, and sample n is taken at

    t = n / f_sampling − correction

where correction, s, is ``data/correction_time_shift``; later files keep it under
``hardware_params/correction_time``. ``trans_params/bandwidth`` is a fraction in some files and in
Hz in others; a fraction is never above 2. The layout has no sound speed: it is 1540 m/s.

Files: https://github.com/pulp-bio/pybf and https://github.com/soleym/ml-muscle-feature-extraction.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from usdk.acquisition import Acquisition, ReceiveSettings
from usdk.errors import DataDamagedError, MissingExtraError
from usdk.io.description import RecordingDescription
from usdk.io.foreign import (
    SOUND_SPEED_M_S,
    channel_dtype,
    channel_samples,
    damage,
    flat_kind,
    number,
    numbers,
    require_size,
)
from usdk.probe import Probe
from usdk.transmit import PlaneWave, TransmitSequence

__all__ = ["FORMAT", "MAX_METADATA_VALUES", "describe_pybf", "load_pybf"]

FORMAT = "pybf HDF5"
MAX_METADATA_VALUES = 65_536
"""Most numbers that one entry of the description may hold."""

_EXPECTED = "plane-wave channel data in the HDF5 layout of pybf"
_MODE = re.compile(r"PW_(\d{1,4})_")


def load_pybf(path: Path) -> Acquisition:
    """Load channel data; int16 and float32 stay what they are.

    Raises
    ------
    DataDamagedError
        If the file is truncated or not of this layout; the message says what is missing.
    MissingExtraError
        If h5py is not installed.
    """
    h5py = _h5py()
    with _damage(path), h5py.File(path, "r") as file:
        description, shots = _read(file, path)
        dtype = np.dtype(description.dtype)
        data = np.empty(description.shape, dtype)
        for row, shot in zip(data.reshape(-1, *data.shape[2:]), shots, strict=True):
            row[...] = channel_samples(shot[()], shot.name)
        return Acquisition(
            data=data,
            probe=description.probe,
            sequence=description.sequence,
            receive=description.receive,
        )


def describe_pybf(path: Path) -> RecordingDescription:
    """Describe channel data without reading the samples; raises as `load_pybf`."""
    h5py = _h5py()
    with _damage(path), h5py.File(path, "r") as file:
        return _read(file, path)[0]


def _h5py() -> Any:
    try:
        import h5py
    except ImportError as error:
        raise MissingExtraError.for_extra("io", "HDF5 recordings") from error
    return h5py


def _damage(path: Path) -> Any:
    # What h5py raises depends on where libhdf5 stumbles.
    return damage(path, _EXPECTED, OSError, KeyError, RuntimeError, TypeError, ValueError)


def _read(file: Any, path: Path) -> tuple[RecordingDescription, list[Any]]:
    sequence = _sequence(file)
    probe = _probe(file, path)
    shots = _shots(file, len(sequence))
    n_elements, n_samples = shots[0].shape
    if n_elements != probe.n_elements:
        raise DataDamagedError(
            f"{path}: shots have {n_elements} rows, the probe has {probe.n_elements} elements"
        )
    correction_s = 0.0
    for name in ("data/correction_time_shift", "hardware_params/correction_time"):
        if name in file:
            correction_s = number(_values(file, name), name)
            break
    if _number(file, "hardware_params/start_time", 0.0) != 0:
        # No file is known by which to tell whether a start counts forwards or backwards.
        raise DataDamagedError("hardware_params/start_time must be 0: fold it into correction_time")
    receive = ReceiveSettings(
        sampling_frequency_hz=_number(file, "data/f_sampling"),
        n_samples=n_samples,
        time_zero_s=(0.0 - correction_s,) * len(sequence),
        sound_speed_m_s=SOUND_SPEED_M_S,
    )
    description = RecordingDescription(
        format=FORMAT,
        probe=probe,
        sequence=sequence,
        receive=receive,
        dtype=channel_dtype(shots[0].dtype, shots[0].name).name,
        n_frames=len(shots) // len(sequence),
        n_bytes=path.stat().st_size,
    )
    return description, shots


def _sequence(file: Any) -> TransmitSequence:
    modes = list(_group(file, "data/tx_mode"))
    match = _MODE.match(modes[0]) if len(modes) == 1 else None
    if match is None:
        raise DataDamagedError(
            f"data/tx_mode must hold one entry PW_<number>_<degrees> of plane waves, not {modes}"
        )
    name = f"data/tx_mode/{modes[0]}"
    angles_rad = numbers(_values(file, name), name)
    if angles_rad.size != int(match[1]):
        raise DataDamagedError(f"{name} holds {angles_rad.size} angles, its name says {match[1]}")
    return TransmitSequence(
        transmits=tuple(PlaneWave(azimuth_rad=float(angle)) for angle in angles_rad)
    )


def _probe(file: Any, path: Path) -> Probe:
    frequency_hz = _number(file, "trans_params/f_central")
    bandwidth = _number(file, "trans_params/bandwidth")
    if _number(file, "trans_params/y_num_of_elements", 1.0) != 1:
        raise DataDamagedError("trans_params/y_num_of_elements must be 1: a flat linear array")
    n_elements = _number(file, "trans_params/x_num_of_elements")
    if n_elements != int(n_elements):
        raise DataDamagedError(f"trans_params/x_num_of_elements must be whole, got {n_elements}")
    pitch_m = _number(file, "trans_params/x_pitch")
    if frequency_hz <= 0:
        raise DataDamagedError(f"trans_params/f_central must be positive, got {frequency_hz}")
    return Probe.linear(
        path.parent.name or path.stem,
        n_elements=int(n_elements),
        pitch_m=pitch_m,
        centre_frequency_hz=frequency_hz,
        fractional_bandwidth=bandwidth if bandwidth <= 2 else bandwidth / frequency_hz,
        element_width_m=_number(file, "trans_params/x_width", pitch_m),
        element_height_m=_number(file, "trans_params/y_width", 0.0),
        kind=flat_kind(pitch_m, frequency_hz, SOUND_SPEED_M_S),
    )


def _shots(file: Any, n_transmits: int) -> list[Any]:
    n_frames = len(_group(file, "data/rf_data"))
    if n_frames < 1:
        raise DataDamagedError("data/rf_data holds no frame")
    shots = []
    for frame in range(1, n_frames + 1):
        where = f"data/rf_data/frame_{frame}"
        if len(_group(file, where)) != n_transmits:
            raise DataDamagedError(f"{where} must hold one shot per angle: {n_transmits}")
        shots += [_dataset(file, f"{where}/shot_{i}") for i in range(1, n_transmits + 1)]
    shape, dtype = shots[0].shape, shots[0].dtype
    if len(shape) != 2 or any(s.shape != shape or s.dtype != dtype for s in shots):
        raise DataDamagedError("every shot must have the same shape (n_elements, n_samples)")
    require_size((len(shots), *shape), channel_dtype(dtype, shots[0].name), "data/rf_data")
    return shots


def _number(file: Any, name: str, default: float | None = None) -> float:
    if default is not None and name not in file:
        return default
    return number(_values(file, name), name)


def _values(file: Any, name: str) -> Any:
    dataset = _dataset(file, name)
    if dataset.size is None or dataset.size > MAX_METADATA_VALUES:
        raise DataDamagedError(f"{name} must hold at most {MAX_METADATA_VALUES} numbers")
    return dataset[()]


def _group(file: Any, name: str) -> Any:
    found = _entry(file, name)
    if not hasattr(found, "keys"):
        raise DataDamagedError(f"{name} must be a group")
    return found


def _dataset(file: Any, name: str) -> Any:
    found = _entry(file, name)
    if not hasattr(found, "shape"):
        raise DataDamagedError(f"{name} must be a dataset")
    if found.external or found.is_virtual:
        raise DataDamagedError(f"{name} lies in another file: a recording must hold its own data")
    return found


def _entry(file: Any, name: str) -> Any:
    """Return an entry of this very file; a link could lead the reader to any file on the disk."""
    found = file
    for part in name.split("/"):
        link = found.get(part, getlink=True) if hasattr(found, "keys") else None
        if link is None:
            raise DataDamagedError(f"{name} is missing")
        if type(link).__name__ != "HardLink":
            raise DataDamagedError(f"{name} is a link: a recording must hold its own data")
        found = found[part]
    return found
