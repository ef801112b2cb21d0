"""Recordings: damage costs the frames that it hit, and what is read is what was written."""

from __future__ import annotations

import json
import struct
import zlib

import numpy as np
from scratch_file import scratch_file, scratch_folder

from usdk.acquisition import Acquisition, DeviceInfo, ReceiveSettings
from usdk.errors import DataDamagedError, EndOfRecordingError
from usdk.io import RecordingReader, describe_recording, load_recording, save_recording
from usdk.io.recording_chunks import (
    CHUNK_HEAD_BYTES,
    MARKER_BYTES,
    PREAMBLE_BYTES,
    ChunkKind,
    chunk_head,
    pack_preamble,
)
from usdk.probe import Probe
from usdk.sequences import plane_waves

_MARKER = b"fuzzmark"
_KINDS = tuple(ChunkKind)
_PIECE = struct.Struct("<BH")
_RAW = 0xFF
"""As the first byte: the rest is the file. Any other: pieces follow, from which one is built."""


def _acquisition(dtype: type[np.generic]) -> Acquisition:
    is_complex = np.dtype(dtype).kind == "c"
    probe = Probe.linear(
        "L2", n_elements=2, pitch_m=3e-4, centre_frequency_hz=5e6, fractional_bandwidth=0.7
    )
    return Acquisition(
        data=np.arange(2 * 2 * 2 * 3).reshape(2, 2, 2, 3).astype(dtype),
        probe=probe,
        sequence=plane_waves(np.array([-5.0, 5.0]), prf_hz=4e3),
        receive=ReceiveSettings(
            sampling_frequency_hz=20e6,
            n_samples=3,
            time_zero_s=(0.0, 1e-7),
            demodulation_frequency_hz=5e6 if is_complex else 0.0,
        ),
        device=DeviceInfo(manufacturer="m", model="n", serial_number="1"),
    )


WEIGHT = 2
"""Share of a campaign's time, where others have 1."""


def seeds() -> list[bytes]:
    """Return recordings as files, whole and cut, and in pieces."""
    found = []
    for dtype in (np.int16, np.complex64):
        path = scratch_folder() / "seed.usrec"
        save_recording(path, _acquisition(dtype), overwrite=True)
        whole = path.read_bytes()
        found += [bytes((_RAW,)) + whole, bytes((_RAW,)) + whole[:-60]]
        found.append(b"\0" + _pieces(whole))
    return found


def _pieces(file: bytes) -> bytes:
    """Take a recording apart: kind, length and payload of each chunk."""
    place, found = PREAMBLE_BYTES, b""
    while place < len(file):
        _, kind, _, _, n_bytes = struct.unpack_from("<8s4sIQQ", file, place)
        place += CHUNK_HEAD_BYTES
        number = _KINDS.index(ChunkKind(kind.decode()))
        found += _PIECE.pack(number, n_bytes) + file[place : place + n_bytes]
        place += n_bytes
    return found


def _built(pieces: bytes) -> bytes:
    """Put a recording together, every checksum right."""
    assert len(_MARKER) == MARKER_BYTES
    file, place, ordinal = pack_preamble(_MARKER), 0, 0
    while place + _PIECE.size <= len(pieces):
        kind, n_bytes = _PIECE.unpack_from(pieces, place)
        payload = pieces[place + _PIECE.size : place + _PIECE.size + n_bytes]
        place += _PIECE.size + n_bytes
        # The upper bits of the kind let a chunk be missing before this one.
        ordinal += kind >> 6
        file += chunk_head(_MARKER, _KINDS[kind % len(_KINDS)], ordinal, payload) + payload
        ordinal += 1
    return file


def one_input(data: bytes) -> None:
    """Describe, load, and read frame by frame: all three agree."""
    if not data:
        return
    path = scratch_file(data[1:] if data[0] == _RAW else _built(data[1:]), "fuzz.usrec")
    try:
        description = describe_recording(path)
    except DataDamagedError:
        return
    assert description.n_bytes == path.stat().st_size
    try:
        whole = load_recording(path)
    except DataDamagedError:
        return
    assert whole.data.shape[0] <= description.n_frames
    # Its header writes to what it is.
    with RecordingReader(path) as reader:
        payload = reader.header.to_bytes()
        assert zlib.crc32(payload) == zlib.crc32(reader.header.from_bytes(payload).to_bytes())
        json.loads(payload)
        n_read = 0
        while True:
            try:
                n_read += reader.read(1).data.shape[0]
            except EndOfRecordingError:
                break
            except DataDamagedError:
                continue
    assert n_read == whole.data.shape[0]
