from __future__ import annotations

import json
import math
import tracemalloc
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from usdk.errors import DataDamagedError
from usdk.frame import Frame, Provenance
from usdk.io import FrameReader, save_frames
from usdk.scan import Raster

N_ROWS, N_COLUMNS = 200, 300


@pytest.fixture
def frames() -> list[Frame]:
    rng = np.random.default_rng(1)
    raster = Raster(x_m=0.0, z_m=0.0, pixel_size_m=1e-4, n_rows=N_ROWS, n_columns=N_COLUMNS)
    provenance = Provenance(
        probe="L", sequence="1 × plane", transmit_frequency_hz=5e6, sound_speed_m_s=1540.0
    )
    return [
        Frame(
            pixels=rng.integers(0, 9, (N_ROWS, N_COLUMNS)).astype(np.uint8),
            raster=raster,
            dynamic_range_db=60.0,
            provenance=provenance,
            sequence_number=index,
            device_timestamp_s=index / 25 if index else math.nan,
        )
        for index in range(40)
    ]


def test_frames_come_one_by_one_and_again(tmp_path: Path, frames: list[Frame]) -> None:
    with FrameReader(save_frames(tmp_path / "f.npz", frames)) as reader:
        assert len(reader) == len(frames)
        assert reader.device_timestamps_s[1:] == [frame.device_timestamp_s for frame in frames[1:]]
        assert math.isnan(reader.device_timestamps_s[0])
        for _ in range(2):
            for one, other in zip(frames, reader, strict=True):
                assert np.array_equal(one.pixels, other.pixels)
                assert one.sequence_number == other.sequence_number


def test_two_who_read_at_once_do_not_disturb_each_other(
    tmp_path: Path, frames: list[Frame]
) -> None:
    with FrameReader(save_frames(tmp_path / "f.npz", frames)) as reader:
        for one, other in zip(reader, reader, strict=True):
            assert np.array_equal(one.pixels, other.pixels)


def test_memory_does_not_grow_with_the_cine(tmp_path: Path, frames: list[Frame]) -> None:
    path = save_frames(tmp_path / "f.npz", frames)
    tracemalloc.start()
    try:
        with FrameReader(path) as reader:
            assert sum(1 for _ in reader) == len(frames)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * N_ROWS * N_COLUMNS


def test_a_frame_that_was_changed_on_the_disk_is_said_at_the_end_at_last(
    tmp_path: Path, frames: list[Frame]
) -> None:
    """Stored without compression, so that only the checksum of the whole can tell."""
    path = tmp_path / "f.npz"
    with np.load(save_frames(path, frames)) as archive:
        arrays = dict(archive)
    np.savez(path, **arrays)
    content = bytearray(path.read_bytes())
    place = content.index(frames[3].pixels.tobytes())
    content[place] ^= 1
    path.write_bytes(content)
    with FrameReader(path) as reader, pytest.raises(DataDamagedError):
        list(reader)


@pytest.mark.parametrize("n_bytes", [-1, 1])
def test_an_array_of_another_length_than_it_says_is_refused(
    tmp_path: Path, frames: list[Frame], n_bytes: int
) -> None:
    path = save_frames(tmp_path / "f.npz", frames[:1])
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    pixels = entries["pixels.npy"]
    entries["pixels.npy"] = pixels + b"\0" if n_bytes > 0 else pixels[:n_bytes]
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    with pytest.raises(DataDamagedError, match="another length"):
        FrameReader(path)


def test_columns_first_is_refused(tmp_path: Path, frames: list[Frame]) -> None:
    path = save_frames(tmp_path / "f.npz", frames[:2])
    with np.load(path) as archive:
        arrays = dict(archive)
    np.savez(path, about=arrays["about"], pixels=np.asfortranarray(arrays["pixels"]))
    with pytest.raises(DataDamagedError, match="pixels"):
        FrameReader(path)


def test_a_description_without_times_is_refused(tmp_path: Path, frames: list[Frame]) -> None:
    path = save_frames(tmp_path / "f.npz", [replace(frames[0])])
    with np.load(path) as archive:
        pixels, about = archive["pixels"], json.loads(archive["about"].tobytes())
    del about["frames"][0]["device_timestamp_s"]
    text = np.frombuffer(json.dumps(about).encode(), np.uint8)
    np.savez(path, pixels=pixels, about=text)
    with FrameReader(path) as reader, pytest.raises(DataDamagedError):
        _ = reader.device_timestamps_s
