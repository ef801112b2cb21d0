"""A recording that begins with the first acquisition."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from usdk.acquisition import Acquisition, ReceiveSettings
from usdk.errors import ArgumentError, StateError, StorageError
from usdk.io import Recorder, load_recording
from usdk.probe import Probe
from usdk.sequences import plane_waves


def one_frame(number: int) -> Acquisition:
    return Acquisition(
        data=np.full((1, 1, 2, 8), number, np.int16),
        probe=Probe.linear(
            "toy", n_elements=2, pitch_m=3e-4, centre_frequency_hz=5e6, fractional_bandwidth=0.6
        ),
        sequence=plane_waves(),
        receive=ReceiveSettings(sampling_frequency_hz=20e6, n_samples=8, time_zero_s=(0.0,)),
        sequence_numbers=np.array([number]),
    )


def test_what_came_is_in_the_file(tmp_path: Path) -> None:
    with Recorder(tmp_path / "a.usrec") as record:
        assert not record.path.exists()
        for number in range(3):
            record(one_frame(number))
        assert record.n_frames == 3
    recorded = load_recording(record.path)
    assert recorded.data[:, 0, 0, 0].tolist() == [0, 1, 2]


def test_nothing_came_and_no_file_is_made(tmp_path: Path) -> None:
    with Recorder(tmp_path / "a.usrec") as record:
        pass
    assert not record.path.exists()
    assert record.n_frames == 0


def test_an_existing_file_is_kept_unless_it_may_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.usrec"
    path.write_bytes(b"precious")
    with pytest.raises(StorageError):
        Recorder(path)(one_frame(0))
    assert path.read_bytes() == b"precious"
    with Recorder(path, overwrite=True) as record:
        record(one_frame(0))
    assert load_recording(path).n_frames == 1


def test_nothing_is_recorded_after_the_end(tmp_path: Path) -> None:
    with Recorder(tmp_path / "a.usrec") as record:
        record(one_frame(0))
    with pytest.raises(StateError):
        record(one_frame(1))


def test_no_file_is_begun_after_the_end(tmp_path: Path) -> None:
    with Recorder(tmp_path / "a.usrec") as record:
        pass
    with pytest.raises(StateError, match="closed"):
        record(one_frame(0))
    assert not record.path.exists()


def test_what_is_no_acquisition_is_refused_by_name(tmp_path: Path) -> None:
    with (
        Recorder(tmp_path / "a.usrec") as record,
        pytest.raises(ArgumentError, match="ndarray"),
    ):
        record(np.zeros(3))  # type: ignore[arg-type]
