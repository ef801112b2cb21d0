"""Channel data in NumPy archives that anybody may have written: refused by type, or whole."""

from __future__ import annotations

import io

import numpy as np
from archives import archive_of, pieces_of
from scratch_file import scratch_file

from usdk.errors import DataDamagedError
from usdk.io import describe_recording, load_recording

_ENTRIES = {
    "rf": np.arange(2 * 2 * 3, dtype=np.int16).reshape(2, 2, 3),
    "tx_delays_s": np.array([[0.0, 1e-8], [1e-8, 0.0]]),
    "elem_x_m": np.array([-1.5e-4, 1.5e-4]),
    "fs_hz": np.float64(20e6),
    "fc_hz": np.float64(5e6),
    "elem_z_m": np.zeros(2),
    "elem_tilt_rad": np.zeros(2),
    "pitch_m": np.float64(3e-4),
    "c_m_s": np.float64(1540.0),
    "radius_m": np.float64(np.inf),
    "prf_hz": np.float64(4e3),
    "t0_s": np.float64(0.0),
}
_NAMES = tuple(f"{name}.npy" for name in _ENTRIES)


def _entry(value: object) -> bytes:
    content = io.BytesIO()
    np.save(content, value)
    return content.getvalue()


def seeds() -> list[bytes]:
    """Return archives: of all entries, of the least, and of an ensemble."""
    every = {f"{name}.npy": _entry(value) for name, value in _ENTRIES.items()}
    least = {name: every[name] for name in _NAMES[:5]}
    ensemble = every | {"tx_delays_s.npy": _entry(np.zeros((2, 2)))}
    several = every | {"rf.npy": _entry(np.zeros((3, 2, 2, 3), np.float32))}
    whole = b"\xff" + archive_of(pieces_of(every, _NAMES), _NAMES)
    return [*(pieces_of(entries, _NAMES) for entries in (every, least, ensemble, several)), whole]


def one_input(data: bytes) -> None:
    """Describe and load: what both say agrees."""
    path = scratch_file(archive_of(data, _NAMES), "fuzz.npz")
    try:
        description = describe_recording(path)
        found = load_recording(path)
    except DataDamagedError:
        return
    assert found.data.shape[0] == description.n_frames
    assert found.data.dtype.name == description.dtype
