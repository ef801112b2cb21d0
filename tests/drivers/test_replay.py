from __future__ import annotations

from collections.abc import Callable
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
from usdk.io import save_recording
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
