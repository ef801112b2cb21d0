"""What every loader of a foreign format checks: numbers, samples, sizes."""

from __future__ import annotations

import math
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.errors import ArgumentError, DataDamagedError
from usdk.probe import ArrayKind

__all__ = [
    "ARCHIVE_ERRORS",
    "MAX_SAMPLE_BYTES",
    "PHASED_PITCH_WAVELENGTHS",
    "SOUND_SPEED_M_S",
    "channel_dtype",
    "channel_samples",
    "damage",
    "flat_kind",
    "number",
    "numbers",
    "require_size",
    "require_sound_speed",
]

SOUND_SPEED_M_S = 1540.0
"""Taken when a file does not say, m/s."""

MIN_SOUND_SPEED_M_S, MAX_SOUND_SPEED_M_S = 100.0, 20_000.0
"""No medium that is looked into lies beyond: a number outside has another unit, m/s."""

ARCHIVE_ERRORS: tuple[type[Exception], ...] = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    ArithmeticError,
    NotImplementedError,
    RuntimeError,
    MemoryError,
    SyntaxError,
    tokenize.TokenError,
)
"""What reading a damaged NumPy archive may raise."""

MAX_SAMPLE_BYTES = 16 * 2**30
"""Largest array of samples that is read from a foreign file, bytes."""

PHASED_PITCH_WAVELENGTHS = 0.6
"""A flat array whose pitch is at most this many wavelengths is taken for a phased array."""

# Types that are taken, and what they are loaded as.
_LOADED_AS: dict[np.dtype[Any], np.dtype[Any]] = {
    np.dtype(np.int8): np.dtype(np.int16),
    np.dtype(np.int16): np.dtype(np.int16),
    np.dtype(np.float32): np.dtype(np.float32),
    np.dtype(np.float64): np.dtype(np.float32),
}


@contextmanager
def damage(path: Path, expected: str, *foreign: type[Exception]) -> Iterator[None]:
    """Turn a refusal of what a file says, or a foreign exception, into `DataDamagedError`."""
    try:
        yield
    except DataDamagedError as error:
        if str(path) in str(error):
            raise
        raise DataDamagedError(f"{path} is damaged or not {expected}: {error}") from error
    except ArgumentError as error:
        raise DataDamagedError(f"{path} is not {expected}: {error}") from error
    except foreign as error:
        reason = str(error) or type(error).__name__
        raise DataDamagedError(f"{path} is damaged or not {expected}: {reason}") from error


def number(value: Any, name: str) -> float:
    """Return the one finite number that ``value`` holds."""
    found = numbers(value, name)
    if found.size != 1:
        raise DataDamagedError(f"{name} must be one number, it holds {found.size}")
    return float(found[0])


def numbers(value: Any, name: str) -> NDArray[np.float64]:
    """Return the finite real numbers that ``value`` holds, (n,), float64."""
    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        raise DataDamagedError(f"{name} must hold real numbers, its type is {array.dtype}")
    found = array.astype(np.float64).ravel()
    if not np.all(np.isfinite(found)):
        raise DataDamagedError(f"{name} holds NaN or infinite values")
    return found


def channel_dtype(dtype: np.dtype[Any], name: str) -> np.dtype[Any]:
    """Return the type as which samples of ``dtype`` are loaded.

    int16 and float32 stay what they are, int8 becomes int16, float64 is rounded to float32.
    """
    loaded = _LOADED_AS.get(dtype.newbyteorder("="))
    if loaded is None:
        known = ", ".join(kind.name for kind in _LOADED_AS)
        raise DataDamagedError(f"{name} holds {dtype}; samples must be one of {known}")
    return loaded


def channel_samples(values: NDArray[Any], name: str) -> NDArray[Any]:
    """Return samples in the type and order of an acquisition; refuse NaN and infinity."""
    dtype = channel_dtype(values.dtype, name)
    with np.errstate(over="ignore"):
        samples = np.ascontiguousarray(values, dtype=dtype)
    if dtype.kind == "f" and not np.all(np.isfinite(samples)):
        raise DataDamagedError(f"{name} holds samples that are NaN, infinite or past float32")
    return samples


def require_size(shape: tuple[int, ...], dtype: np.dtype[Any], name: str) -> None:
    """Refuse an empty array, or one larger than `MAX_SAMPLE_BYTES`."""
    n_bytes = math.prod(shape) * dtype.itemsize
    if not 0 < n_bytes <= MAX_SAMPLE_BYTES:
        raise DataDamagedError(
            f"{name} of shape {shape} has {n_bytes} bytes; 1 to {MAX_SAMPLE_BYTES} can be read"
        )


def flat_kind(pitch_m: float, frequency_hz: float, sound_speed_m_s: float) -> ArrayKind:
    """Return phased or linear, by the pitch in wavelengths: files do not say which it is."""
    wavelength_m = sound_speed_m_s / frequency_hz
    is_phased = pitch_m <= PHASED_PITCH_WAVELENGTHS * wavelength_m
    return ArrayKind.PHASED if is_phased else ArrayKind.LINEAR


def require_sound_speed(sound_speed_m_s: float, name: str) -> None:
    """Refuse a speed of sound that no medium has."""
    if not MIN_SOUND_SPEED_M_S <= sound_speed_m_s <= MAX_SOUND_SPEED_M_S:
        raise DataDamagedError(
            f"{name} is {sound_speed_m_s:g} m/s, and lies between {MIN_SOUND_SPEED_M_S:g} and "
            f"{MAX_SOUND_SPEED_M_S:g} in anything that is looked into"
        )
