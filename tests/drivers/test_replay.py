from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from usdk.acquisition import Acquisition, Gap
from usdk.errors import (
    ArgumentError,
    DataDamagedError,
    DeviceAbsentError,
    EndOfRecordingError,
    StateError,
)
from usdk.front_end import open_front_end
from usdk.io import Recorder, save_recording
from usdk.sequences import plane_waves
from usdk_drivers.replay import ReplayFrontEnd

Maker = Callable[..., Acquisition]
GAPS = (
    Gap(first_sequence_number=12, n_frames=3, n_packets_lost=4, n_packets_damaged=1),
    Gap(first_sequence_number=19, n_frames=1, n_packets_lost=1),
)


def with_gaps(recording: Maker) -> Acquisition:
    return recording(
        sequence_numbers=np.array([10, 11, 15, 16, 17, 18]),
        device_timestamps_s=np.array([10, 11, 15, 16, 17, 18]) / 40,
        gaps=GAPS,
    )


@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.complex64])
def test_a_saved_recording_is_replayed_bit_for_bit(
    recording: Maker, dtype: type, tmp_path: Path
) -> None:
    original, path = recording(dtype), tmp_path / "scan of a phantom?.usdk"
    save_recording(path, original)
    for scheme in ("file", "sim"):
        address = str(path) if scheme == "file" else str(path).replace("?", "")
        Path(address).write_bytes(path.read_bytes())
        with open_front_end(f"{scheme}:{address}") as front_end:
            configuration = front_end.configure()
            acquisition = front_end.read(100)
            assert acquisition.data.tobytes() == original.data.tobytes()
            assert acquisition.data.dtype == original.data.dtype
            assert configuration.receive == original.receive
            assert configuration.sequence == original.sequence
            with pytest.raises(EndOfRecordingError):
                front_end.read()


def test_frames_come_one_by_one_with_their_numbers_times_and_gaps(recording: Maker) -> None:
    original = with_gaps(recording)
    with ReplayFrontEnd(original) as front_end:
        assert front_end.configure().frame_rate_hz == pytest.approx(40.0)
        reads = list(front_end.stream())
        assert [int(r.sequence_numbers[0]) for r in reads] == [10, 11, 15, 16, 17, 18]
        assert [r.gaps for r in reads] == [(), (), GAPS[:1], (), (), GAPS[1:]]
        assert [float(r.device_timestamps_s[0]) for r in reads] == list(
            original.device_timestamps_s
        )
        status = front_end.status()
        assert (status.n_frames_received, status.n_frames_lost) == (6, 4)
        assert (status.n_packets_lost, status.n_packets_damaged) == (5, 1)


def test_the_last_read_may_be_shorter_and_a_new_start_goes_back(recording: Maker) -> None:
    with ReplayFrontEnd(with_gaps(recording)) as front_end:
        front_end.configure()
        assert [front_end.read(4).n_frames for _ in range(2)] == [4, 2]
        with pytest.raises(EndOfRecordingError, match="start again"):
            front_end.read()
        front_end.stop()
        acquisition = front_end.read(6)
        assert acquisition.n_frames == 6
        assert acquisition.gaps == GAPS


def test_another_sequence_is_refused(recording: Maker) -> None:
    with ReplayFrontEnd(recording()) as front_end:
        with pytest.raises(ArgumentError, match="own sequence"):
            front_end.configure(plane_waves((1.0, 2.0)))
        with pytest.raises(StateError):
            front_end.read()


def test_a_path_that_is_none_says_so(tmp_path: Path) -> None:
    with pytest.raises(DeviceAbsentError, match="no recording"):
        open_front_end(f"file:{tmp_path / 'absent'}")
    with pytest.raises(ArgumentError, match="file:PATH"):
        open_front_end("file:")
    (tmp_path / "noise").write_bytes(b"no recording at all")
    with pytest.raises(DataDamagedError):
        open_front_end(f"file:{tmp_path / 'noise'}")


def test_nothing_is_discovered() -> None:
    assert ReplayFrontEnd.discover() == []


def test_a_lossy_file_is_replayed_frame_by_frame_with_its_gaps(
    recording: Maker, tmp_path: Path
) -> None:
    save_recording(tmp_path / "a", with_gaps(recording))
    with open_front_end(f"file:{tmp_path / 'a'}") as front_end:
        assert front_end.configure().frame_rate_hz == pytest.approx(40.0)
        for _ in range(2):
            reads = list(front_end.stream())
            assert [int(r.sequence_numbers[0]) for r in reads] == [10, 11, 15, 16, 17, 18]
            # What was lost after the last frame has no frame of its own in the file either.
            assert [r.gaps for r in reads] == [(), (), GAPS[:1], (), (), GAPS[1:]]
            status = front_end.status()
            assert (status.n_frames_received, status.n_frames_lost) == (6, 4)
            assert (status.n_packets_lost, status.n_packets_damaged) == (5, 1)
            front_end.stop()


def test_a_torn_tail_is_cut_and_told_and_the_rest_reads(recording: Maker, tmp_path: Path) -> None:
    original, path = recording(), tmp_path / "a"
    content = save_recording(path, original).read_bytes()
    path.write_bytes(content[: -len(content) // 8])
    with open_front_end(f"file:{path}") as front_end:
        front_end.configure()
        reads = list(front_end.stream())
        assert 0 < len(reads) < original.n_frames
        assert [r.gaps for r in reads[:-1]] == [()] * (len(reads) - 1)
        assert reads[-1].gaps[-1].n_packets_lost == 1
        assert front_end.status().n_frames_lost == reads[-1].gaps[-1].n_frames >= 1
        assert front_end.status().n_packets_lost == 1


def test_a_file_without_a_whole_frame_cannot_be_opened(recording: Maker, tmp_path: Path) -> None:
    original, path = recording(n_frames=1), tmp_path / "a"
    content = save_recording(path, original).read_bytes()
    path.write_bytes(content[: content.index(b"FRAM") + 40])
    with pytest.raises(DataDamagedError, match="no whole frame"):
        open_front_end(f"file:{path}")


def test_memory_does_not_grow_with_the_recording(recording: Maker, tmp_path: Path) -> None:
    frame = recording(n_frames=1)
    frame = replace(
        frame,
        data=np.ones((1, 3, 4, 2**16), np.int16),
        receive=replace(frame.receive, n_samples=2**16),
    )
    n_frames, frame_bytes = 48, frame.data.nbytes
    with Recorder(tmp_path / "a") as record:
        for number in range(n_frames):
            record(replace(frame, sequence_numbers=np.array([number])))
    tracemalloc.start()
    try:
        with open_front_end(f"file:{tmp_path / 'a'}") as front_end:
            front_end.configure()
            assert sum(1 for _ in front_end.stream()) == n_frames
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 4 * frame_bytes
