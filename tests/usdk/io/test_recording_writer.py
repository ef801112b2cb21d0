from __future__ import annotations

import errno
import io
import os
import resource
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usdk.acquisition import Acquisition, Gap
from usdk.errors import ArgumentError, StateError, StorageError
from usdk.io import (
    RecordingReader,
    RecordingWriter,
    describe_recording,
    load_recording,
    save_recording,
)

Make = Callable[..., Acquisition]
Same = Callable[[Acquisition, Acquisition], bool]

INT64 = st.integers(-(2**63), 2**63 - 1)
TIME = st.floats(allow_nan=True, allow_infinity=True)


@pytest.fixture
def writer_of() -> Callable[..., RecordingWriter]:
    def open_writer(path: Path, a: Acquisition, **rest: Any) -> RecordingWriter:
        return RecordingWriter(path, a.probe, a.sequence, a.receive, a.device, **rest)

    return open_writer


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_recording_keeps_every_bit_of_any_acquisition(
    data: st.DataObject, make_acquisition: Make, same: Same
) -> None:
    n = data.draw(st.integers(1, 4))
    acquisition = make_acquisition(
        n_frames=n,
        n_transmits=data.draw(st.integers(1, 3)),
        n_elements=data.draw(st.integers(1, 5)),
        n_samples=data.draw(st.integers(1, 9)),
        dtype=data.draw(st.sampled_from(["int16", "float32", "complex64"])),
        seed=data.draw(st.integers(0, 99)),
        sequence_numbers=np.array(data.draw(st.lists(INT64, min_size=n, max_size=n)), np.int64),
        device_timestamps_s=np.array(data.draw(st.lists(TIME, min_size=n, max_size=n))),
        host_timestamps_s=np.array(data.draw(st.lists(TIME, min_size=n, max_size=n))),
        gaps=tuple(
            data.draw(
                st.lists(
                    st.builds(
                        Gap,
                        first_sequence_number=INT64,
                        n_frames=st.integers(0, 2**40),
                        n_packets_lost=st.integers(0, 2**40),
                        n_packets_damaged=st.integers(0, 2**40),
                    ),
                    max_size=3,
                )
            )
        ),
    )
    with tempfile.TemporaryDirectory() as folder:
        path = save_recording(Path(folder) / "a", acquisition)
        assert same(load_recording(path), acquisition)


def test_frames_appended_one_by_one_are_the_frames_saved_at_once(
    tmp_path: Path, make_acquisition: Make, same: Same, writer_of: Callable[..., RecordingWriter]
) -> None:
    acquisition = make_acquisition(n_frames=5)
    with writer_of(tmp_path / "a", acquisition) as writer:
        for i in range(5):
            writer.write(acquisition[i : i + 1])
            assert writer.n_frames == i + 1
    assert same(load_recording(tmp_path / "a"), acquisition)


def test_each_frame_is_readable_as_soon_as_it_is_written(
    tmp_path: Path, make_acquisition: Make, writer_of: Callable[..., RecordingWriter]
) -> None:
    acquisition = make_acquisition(n_frames=3)
    with writer_of(tmp_path / "a", acquisition) as writer:
        for i in range(3):
            writer.write(acquisition[i : i + 1])
            found = load_recording(tmp_path / "a")
            assert found.data.tobytes() == acquisition.data[: i + 1].tobytes()
            assert found.gaps, "an unclosed recording says so"


def test_appending_grows_the_file_by_the_frame_alone(
    tmp_path: Path, make_acquisition: Make, writer_of: Callable[..., RecordingWriter]
) -> None:
    acquisition = make_acquisition(n_frames=9)
    sizes = []
    with writer_of(tmp_path / "a", acquisition) as writer:
        for i in range(9):
            writer.write(acquisition[i : i + 1])
            sizes.append((tmp_path / "a").stat().st_size)
    assert set(np.diff(sizes)) == {36 + 32 + acquisition.data[0].nbytes}


def test_what_was_made_with_other_settings_is_refused_and_nothing_is_written(
    tmp_path: Path, make_acquisition: Make, writer_of: Callable[..., RecordingWriter]
) -> None:
    acquisition = make_acquisition()
    others = [
        make_acquisition(dtype=np.float32),
        make_acquisition(n_elements=4),
        replace(acquisition, receive=replace(acquisition.receive, sampling_frequency_hz=1e6)),
        replace(acquisition, device=None),
        replace(acquisition, probe=replace(acquisition.probe, name="other")),
    ]
    with writer_of(tmp_path / "a", acquisition) as writer:
        writer.write(acquisition)
        size = (tmp_path / "a").stat().st_size
        for other in others:
            with pytest.raises(ArgumentError, match="another probe"):
                writer.write(other)
        assert (tmp_path / "a").stat().st_size == size
    assert load_recording(tmp_path / "a").n_frames == 3


def test_a_gap_that_does_not_fit_is_refused_before_anything_is_written(
    tmp_path: Path, make_acquisition: Make, writer_of: Callable[..., RecordingWriter]
) -> None:
    acquisition = make_acquisition()
    with writer_of(tmp_path / "a", acquisition) as writer:
        writer.write(acquisition)
        gap = Gap(first_sequence_number=2**63, n_frames=1)
        with pytest.raises(ArgumentError, match="64 bits"):
            writer.write(replace(acquisition, gaps=(gap,)))
        writer.write(acquisition)
    found = load_recording(tmp_path / "a")
    assert found.n_frames == 6
    assert found.gaps == ()


def test_settings_that_do_not_fit_each_other_make_no_file(
    tmp_path: Path, make_acquisition: Make, writer_of: Callable[..., RecordingWriter]
) -> None:
    acquisition = make_acquisition()
    receive = replace(acquisition.receive, time_zero_s=(0.0,))
    with pytest.raises(ArgumentError, match="time_zero_s"):
        RecordingWriter(tmp_path / "a", acquisition.probe, acquisition.sequence, receive)
    assert not (tmp_path / "a").exists()


def test_an_existing_file_is_kept_unless_told_otherwise(
    tmp_path: Path, make_acquisition: Make, same: Same, writer_of: Callable[..., RecordingWriter]
) -> None:
    old, new = make_acquisition(seed=1), make_acquisition(seed=2)
    path = save_recording(tmp_path / "a", old)
    with pytest.raises(StorageError, match="exists already"):
        save_recording(path, new)
    with pytest.raises(StorageError, match="exists already"):
        writer_of(path, new)
    assert same(load_recording(path), old)
    save_recording(path, new, overwrite=True)
    assert same(load_recording(path), new)
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_writing_after_close_is_refused_and_closing_twice_is_not(
    tmp_path: Path, make_acquisition: Make, writer_of: Callable[..., RecordingWriter]
) -> None:
    writer = writer_of(tmp_path / "a", make_acquisition())
    writer.close()
    writer.close()
    with pytest.raises(StateError, match="closed"):
        writer.write(make_acquisition())


def test_an_error_inside_the_block_is_the_one_reported_and_frames_are_kept(
    tmp_path: Path, make_acquisition: Make, writer_of: Callable[..., RecordingWriter]
) -> None:
    acquisition = make_acquisition()

    def record() -> None:
        with writer_of(tmp_path / "a", acquisition) as writer:
            writer.write(acquisition)
            raise KeyError("the caller's own")

    with pytest.raises(KeyError, match="the caller's own"):
        record()
    assert load_recording(tmp_path / "a").gaps == ()


@contextmanager
def _file_size_limit(n_bytes: int) -> Iterator[None]:
    # The operating system itself refuses to grow the file: a part of the frame is written first.
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("n_bytes_more", [1, 36, 60, 100, 127])
def test_a_disk_that_fills_up_within_a_frame_leaves_the_frames_before_it(
    n_bytes_more: int,
    tmp_path: Path,
    make_acquisition: Make,
    writer_of: Callable[..., RecordingWriter],
) -> None:
    acquisition = make_acquisition(n_frames=4)
    path = tmp_path / "a"
    writer = writer_of(path, acquisition)
    writer.write(acquisition[0:2])
    whole = path.stat().st_size
    with (
        _file_size_limit(whole + n_bytes_more),
        pytest.raises(StorageError, match="choose another disk"),
    ):
        writer.write(acquisition[2:3])
    assert path.stat().st_size == whole, "the torn frame is taken back"
    with pytest.raises(StateError, match="earlier write failed"):
        writer.write(acquisition[3:4])
    writer.close()
    found = load_recording(path)
    assert found.data.tobytes() == acquisition.data[:2].tobytes()
    assert found.gaps == (Gap(first_sequence_number=2, n_frames=0, n_packets_lost=1),)


def test_a_full_disk_is_a_storage_error_that_says_so(
    tmp_path: Path, make_acquisition: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.FileIO):
        def write(self, data: object) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("usdk.io.recording_writer.io.FileIO", Full)
    a = make_acquisition()
    with pytest.raises(StorageError, match="disk is full: free space"):
        RecordingWriter(tmp_path / "a", a.probe, a.sequence, a.receive)


def test_ctrl_c_in_the_middle_of_a_frame_ends_the_recording_after_the_one_before(
    tmp_path: Path,
    make_acquisition: Make,
    writer_of: Callable[..., RecordingWriter],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    is_armed = False

    class Interrupted(io.FileIO):
        def write(self, data: Any) -> int:
            if is_armed:
                super().write(memoryview(data)[:7])
                raise KeyboardInterrupt
            return super().write(data)

    monkeypatch.setattr("usdk.io.recording_writer.io.FileIO", Interrupted)
    acquisition = make_acquisition()
    writer = writer_of(tmp_path / "a", acquisition)
    writer.write(acquisition)
    is_armed = True
    with pytest.raises(KeyboardInterrupt):
        writer.write(acquisition)
    is_armed = False
    writer.close()
    n_frames = writer.n_frames
    assert n_frames >= 1
    described = describe_recording(tmp_path / "a")
    assert (described.is_complete, described.n_frames) == (True, n_frames)


def test_a_device_is_not_taken_for_a_file(make_acquisition: Make) -> None:
    a = make_acquisition()
    with pytest.raises(StorageError, match="a device or a pipe"):
        RecordingWriter(os.devnull, a.probe, a.sequence, a.receive, overwrite=True)


def test_no_space_when_closing_is_reported_and_frames_stay(
    tmp_path: Path, make_acquisition: Make, writer_of: Callable[..., RecordingWriter]
) -> None:
    acquisition = make_acquisition()
    writer = writer_of(tmp_path / "a", acquisition)
    writer.write(acquisition)
    with (
        _file_size_limit((tmp_path / "a").stat().st_size + 5),
        pytest.raises(StorageError),
    ):
        writer.close()
    writer.close()
    assert load_recording(tmp_path / "a").n_frames == 3


def test_a_failed_save_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, make_acquisition: Make, same: Same
) -> None:
    old = make_acquisition(seed=1)
    path = save_recording(tmp_path / "a", old)
    with _file_size_limit(100), pytest.raises(StorageError):
        save_recording(path, make_acquisition(seed=2), overwrite=True)
    assert same(load_recording(path), old)
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_an_interrupted_write_is_taken_back(
    tmp_path: Path,
    make_acquisition: Make,
    writer_of: Callable[..., RecordingWriter],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    acquisition = make_acquisition()
    writer = writer_of(tmp_path / "a", acquisition)
    writer.write(acquisition[0:1])

    class Interrupted:
        def __init__(self, file: Any) -> None:
            self.file = file
            self.calls = 0

        def __getattr__(self, name: str) -> Any:
            return getattr(self.file, name)

        def write(self, data: memoryview) -> int:
            self.calls += 1
            if self.calls == 3:
                raise KeyboardInterrupt
            return int(self.file.write(data[:7]))

    monkeypatch.setattr(writer, "_file", Interrupted(writer._file))
    with pytest.raises(KeyboardInterrupt):
        writer.write(acquisition[1:2])
    writer.close()
    with RecordingReader(tmp_path / "a") as reader:
        assert reader.describe().n_bytes_cut == 0
        assert reader.read().data.tobytes() == acquisition.data[:1].tobytes()


def test_short_writes_are_continued(
    tmp_path: Path,
    make_acquisition: Make,
    same: Same,
    writer_of: Callable[..., RecordingWriter],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    acquisition = make_acquisition()
    writer = writer_of(tmp_path / "a", acquisition)
    real = writer._file

    class Short:
        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

        def write(self, data: memoryview) -> int:
            return int(real.write(data[:11]))

    monkeypatch.setattr(writer, "_file", Short())
    writer.write(acquisition)
    writer.close()
    assert same(load_recording(tmp_path / "a"), acquisition)


@pytest.mark.parametrize(
    ("code", "advice"),
    [(errno.EACCES, "permission denied"), (errno.EROFS, "read-only"), (errno.ENOSPC, "full")],
)
def test_a_file_that_cannot_be_created_says_what_to_do(
    code: int,
    advice: str,
    tmp_path: Path,
    make_acquisition: Make,
    writer_of: Callable[..., RecordingWriter],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("usdk.io.recording_writer.io.FileIO", refuse)
    with pytest.raises(StorageError, match=advice):
        writer_of(tmp_path / "a", make_acquisition())


def test_a_folder_that_is_absent_is_a_storage_error(tmp_path: Path, make_acquisition: Make) -> None:
    with pytest.raises(StorageError, match="check the path"):
        save_recording(tmp_path / "none" / "a", make_acquisition())


def test_each_gap_is_written_before_its_frame_and_read_with_it(
    make_acquisition: Callable[..., Acquisition], tmp_path: Path
) -> None:
    gaps = tuple(Gap(first_sequence_number=n, n_frames=1, n_packets_lost=1) for n in (0, 2, 4))
    acquisition = make_acquisition(sequence_numbers=np.array([1, 3, 5]), gaps=gaps)
    more = replace(acquisition[:1], sequence_numbers=np.array([8]), gaps=())
    end = Gap(first_sequence_number=6, n_frames=2)
    with RecordingWriter(
        tmp_path / "a",
        acquisition.probe,
        acquisition.sequence,
        acquisition.receive,
        acquisition.device,
    ) as writer:
        writer.write(replace(acquisition, gaps=(*acquisition.gaps, end)))
        writer.write(more)
    with RecordingReader(tmp_path / "a") as reader:
        found = [reader.read().gaps for _ in range(4)]
    assert found == [gaps[:1], gaps[1:2], gaps[2:], (end,)]
