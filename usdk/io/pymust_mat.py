"""Channel data of the MATLAB/Python UltraSound Toolbox: a MAT file with ``RF`` and ``param``.

``RF`` is (n_samples, n_elements, n_frames) and ``param`` a struct with fs, fc, PRF, Hz; pitch,
width, height, radius, m; c, m/s; t0 and TXdelay, s; bandwidth, per cent. Sample n is taken at
t0 + n / fs on the clock of TXdelay. RF may be band-pass sampled (fs below twice fc): it is kept
as it is, and is to be demodulated at fc.

D. Garcia, "Make the most of MUST, an open-source MATLAB UltraSound Toolbox", IEEE IUS, 2021.
"""

from __future__ import annotations

import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from usdk.acquisition import Acquisition, ReceiveSettings, time_zero_s
from usdk.errors import DataDamagedError
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
    require_sound_speed,
)
from usdk.io.mat5 import MatVariable, list_variables, read_variable
from usdk.io.wave_recovery import wave_from_delays
from usdk.probe import Probe
from usdk.transmit import TransmitSequence

__all__ = ["FORMAT", "describe_pymust", "load_pymust"]

FORMAT = "PyMUST MAT"
FRACTIONAL_BANDWIDTH = 0.75
"""MUST's own default, for files that do not say."""

SAMPLE_TYPES = ("int8", "int16", "float32", "float64")

_EXPECTED = "a MAT file of MUST (RF and param)"


def load_pymust(path: Path) -> Acquisition:
    """Load channel data; the pulses of ``RF``'s last axis become frames, 1 / PRF apart.

    Raises
    ------
    DataDamagedError
        If the file is truncated, or not a MAT file (version 5 to 7) with RF and param.
    """
    description = describe_pymust(path)
    with _damage(path):
        rf = read_variable(path, "RF").value
        if not isinstance(rf, np.ndarray):
            raise DataDamagedError(f"{path}: RF must hold numbers")
        rf = channel_samples(rf.reshape((*rf.shape, 1)[:3]).transpose(2, 1, 0), "RF")
        prf_hz = description.sequence.prf_hz
        times_s = np.arange(len(rf)) / prf_hz if prf_hz else np.empty(0)
        return Acquisition(
            data=rf[:, None],
            probe=description.probe,
            sequence=description.sequence,
            receive=description.receive,
            device_timestamps_s=times_s,
        )


def describe_pymust(path: Path) -> RecordingDescription:
    """Describe channel data without reading the samples; raises as `load_pymust`."""
    with _damage(path):
        found = list_variables(path)
        if "RF" not in found or "param" not in found:
            raise DataDamagedError(
                f"{path} is not {_EXPECTED}: it holds {', '.join(sorted(found)) or 'nothing'}"
            )
        shape = found["RF"].shape
        if found["RF"].kind not in SAMPLE_TYPES or len(shape) > 3:
            raise DataDamagedError(
                f"{path}: RF must be (samples, elements, frames) of {', '.join(SAMPLE_TYPES)}, "
                f"it is {found['RF'].kind} {shape}"
            )
        dtype = channel_dtype(np.dtype(found["RF"].kind), "RF")
        require_size(shape, dtype, "RF")
        n_samples, n_elements, n_frames = (*shape, 1)[:3]
        param = _fields(read_variable(path, "param"))
        probe, sound_speed_m_s = _probe(param, n_elements)
        sequence, receive = _settings(param, probe, sound_speed_m_s, n_samples)
        return RecordingDescription(
            format=FORMAT,
            probe=probe,
            sequence=sequence,
            receive=receive,
            dtype=dtype.name,
            n_frames=n_frames,
            n_bytes=path.stat().st_size,
        )


def _damage(path: Path) -> Any:
    return damage(path, _EXPECTED, zlib.error, ArithmeticError, MemoryError, ValueError)


def _fields(param: MatVariable) -> dict[str, Any]:
    """Return the fields of ``param``: arrays, or the class of what is none."""
    if not isinstance(param.value, dict):
        raise DataDamagedError(f"param must be a struct, it is {param.kind}")
    return {
        name.lower(): field.kind if field.value is None else field.value
        for name, field in param.value.items()
    }


def _number(param: dict[str, Any], name: str, default: float | None = None) -> float:
    value = param.get(name.lower())
    if value is None or np.size(value) == 0:
        if default is None:
            raise DataDamagedError(f"param.{name} is missing")
        return default
    array = np.asarray(value)
    # MUST writes an infinite radius for a flat array.
    if array.size == 1 and array.dtype.kind == "f" and np.isposinf(array).all():
        return math.inf
    return number(value, f"param.{name}")


def _probe(param: dict[str, Any], n_elements: int) -> tuple[Probe, float]:
    if int(_number(param, "Nelements", n_elements)) != n_elements:
        raise DataDamagedError(f"RF has {n_elements} elements, param.Nelements says otherwise")
    sound_speed_m_s = _number(param, "c", SOUND_SPEED_M_S)
    require_sound_speed(sound_speed_m_s, "param.c")
    frequency_hz = _number(param, "fc")
    pitch_m = _number(param, "pitch")
    height_m = _number(param, "height", 0.0)
    shared: dict[str, Any] = {
        "n_elements": n_elements,
        "pitch_m": pitch_m,
        "centre_frequency_hz": frequency_hz,
        "fractional_bandwidth": _number(param, "bandwidth", 100 * FRACTIONAL_BANDWIDTH) / 100,
        "element_width_m": _number(param, "width", pitch_m - _number(param, "kerf", 0.0)),
        "element_height_m": height_m if math.isfinite(height_m) else 0.0,
    }
    radius_m = _number(param, "radius", math.inf)
    if math.isfinite(radius_m):
        return Probe.curved("MUST", radius_m=radius_m, **shared), sound_speed_m_s
    for value in (pitch_m, frequency_hz, sound_speed_m_s):
        if not (math.isfinite(value) and value > 0):
            raise DataDamagedError("param.pitch, fc and c must be positive and finite")
    kind = flat_kind(pitch_m, frequency_hz, sound_speed_m_s)
    return Probe.linear("MUST", kind=kind, **shared), sound_speed_m_s


def _settings(
    param: dict[str, Any], probe: Probe, sound_speed_m_s: float, n_samples: int
) -> tuple[TransmitSequence, ReceiveSettings]:
    if np.any(numbers(param.get("rxdelay", 0.0), "param.RXdelay")):
        raise DataDamagedError("param.RXdelay must be zero: channel data are read unshifted")
    delays_s = np.asarray(param.get("txdelay", np.zeros(probe.n_elements)))
    if delays_s.dtype.kind not in "iuf" or delays_s.size != probe.n_elements:
        raise DataDamagedError("param.TXdelay must hold one number per element: a single transmit")
    delays_s = delays_s.astype(np.float64).reshape(1, -1)
    prf_hz = _number(param, "PRF", 0.0)
    sequence = TransmitSequence(
        transmits=(wave_from_delays(delays_s[0], probe, sound_speed_m_s),),
        frequency_hz=probe.centre_frequency_hz,
        prf_hz=prf_hz or None,
    )
    receive = ReceiveSettings(
        sampling_frequency_hz=_number(param, "fs"),
        n_samples=n_samples,
        time_zero_s=time_zero_s(
            sequence,
            probe,
            sound_speed_m_s,
            delays_s=delays_s,
            first_sample_s=_number(param, "t0", 0.0),
        ),
        sound_speed_m_s=sound_speed_m_s,
    )
    return sequence, receive
