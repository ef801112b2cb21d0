from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from usdk.acquisition import Acquisition
from usdk.errors import DataDamagedError, MissingExtraError
from usdk.io import describe_recording, load_recording
from usdk.probe import ArrayKind
from usdk.transmit import PlaneWave

h5py = pytest.importorskip("h5py", reason="needs the extra io")

DataFile = Callable[[str], Path]


def test_the_simulation_of_pybf_is_read(data_file: DataFile) -> None:
    path = data_file("pybf/rf_dataset.hdf5")
    found = load_recording(path)
    assert found.data.shape == (1, 3, 192, 2313)
    assert found.data.dtype == np.int16
    angles_deg = [
        math.degrees(t.azimuth_rad) for t in found.sequence.transmits if isinstance(t, PlaneWave)
    ]
    assert angles_deg == pytest.approx([-12, 0, 12], abs=1e-6)
    assert found.receive.sampling_frequency_hz == 20e6
    assert found.receive.time_zero_s == pytest.approx((-3.6625e-6,) * 3, abs=1e-15)
    assert found.receive.sound_speed_m_s == 1540
    assert found.probe.kind is ArrayKind.LINEAR
    assert found.probe.centre_frequency_hz == 5.2083e6
    assert found.probe.fractional_bandwidth == 0.75241
    assert found.probe.pitch_m == 0.23e-3
    assert found.probe.element_width_m == pytest.approx(0.207e-3)
    assert found.probe.element_height_m == pytest.approx(10e-3)
    x_m = found.probe.element_positions_m[:, 0]
    assert x_m[[0, -1]] == pytest.approx([-95.5 * 0.23e-3, 95.5 * 0.23e-3])
    with h5py.File(path, "r") as file:
        for i in range(3):
            shot = file[f"data/rf_data/frame_1/shot_{i + 1}"][()]
            assert np.array_equal(found.data[0, i], shot)


def test_the_muscle_of_soleym_is_read(data_file: DataFile) -> None:
    path = data_file("soleym/rf_dataset.hdf5")
    found = load_recording(path)
    assert found.data.shape == (2, 1, 192, 1408)
    assert found.data.dtype == np.float32
    assert found.sequence.transmits == (PlaneWave(),)
    assert found.receive.time_zero_s == (0.0,)
    assert found.receive.sampling_frequency_hz == 20e6
    # The file holds 3.975 MHz where pybf holds a fraction.
    assert found.probe.fractional_bandwidth == pytest.approx(3.975e6 / 5.2083e6)
    with h5py.File(path, "r") as file:
        assert np.array_equal(found.data[1, 0], file["data/rf_data/frame_2/shot_1"][()])


@pytest.mark.parametrize("name", ["pybf/rf_dataset.hdf5", "soleym/rf_dataset.hdf5"])
def test_a_description_agrees_with_what_is_loaded(name: str, data_file: DataFile) -> None:
    found, described = load_recording(data_file(name)), describe_recording(data_file(name))
    assert described.format == "pybf HDF5"
    assert described.shape == found.data.shape
    assert described.dtype == found.data.dtype.name
    assert described.receive == found.receive
    assert described.sequence == found.sequence
    assert described.n_bytes == data_file(name).stat().st_size


def test_the_echo_of_a_point_is_where_its_time_says(data_file: DataFile) -> None:
    """The middle element sees the point straight ahead at 2 z / c, give or take the pulse."""
    found = load_recording(data_file("pybf/rf_dataset.hdf5"))
    rf = found.data[0, 1, 94:98].astype(float).sum(axis=0)
    for z_m in (10.35e-3, 22.18e-3, 34.0e-3, 45.83e-3):
        expected_s = 2 * z_m / 1540
        sample = (expected_s - found.receive.time_zero_s[1]) * 20e6
        near = slice(round(sample) - 30, round(sample) + 31)
        peak = near.start + int(np.argmax(np.abs(rf[near])))
        assert abs(peak - sample) / 20e6 < 0.4e-6


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a small recording; entries given replace the right ones, None leaves them out."""

    def write_file(entries: dict[str, Any] | None = None, n_frames: int = 2) -> Path:
        rng = np.random.default_rng(1)
        right: dict[str, Any] = {
            "data/f_sampling": np.array([[20e6]]),
            "data/correction_time_shift": 1e-6,
            "data/tx_mode/PW_2_5": np.array([[-0.05, 0.05]]),
            "trans_params/bandwidth": 0.7,
            "trans_params/f_central": 5e6,
            "trans_params/x_num_of_elements": 4.0,
            "trans_params/x_pitch": 0.3e-3,
        }
        for frame in range(1, n_frames + 1):
            for shot in (1, 2):
                right[f"data/rf_data/frame_{frame}/shot_{shot}"] = rng.integers(
                    -9, 9, (4, 6), np.int16
                )
        right.update(entries or {})
        path = tmp_path / "recording"
        with h5py.File(path, "w") as file:
            for name, value in right.items():
                if value is not None:
                    file[name] = value
        return path

    return write_file


def test_frames_are_taken_in_numerical_order(write: Callable[..., Path]) -> None:
    path = write(n_frames=11)
    found = load_recording(path)
    with h5py.File(path, "r") as file:
        for i in (0, 1, 9, 10):
            assert np.array_equal(found.data[i, 1], file[f"data/rf_data/frame_{i + 1}/shot_2"][()])


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"data/f_sampling": None}, "data/f_sampling is missing"),
        ({"data/f_sampling": math.nan}, "NaN"),
        ({"data/f_sampling": 0.0}, "sampling_frequency_hz must be positive"),
        ({"data/f_sampling": "fast"}, "real numbers"),
        ({"data/f_sampling": [1.0, 2.0]}, "one number"),
        ({"data/f_sampling/inner": 1.0, "data/f_sampling": None}, "must be a dataset"),
        ({"data/correction_time_shift": math.inf}, "infinite"),
        ({"hardware_params/start_time": 1e-6}, "start_time must be 0"),
        ({"data/tx_mode/PW_2_5": None}, "data/tx_mode is missing"),
        ({"data/tx_mode/STA": 1.0}, "one entry PW_"),
        ({"data/tx_mode/PW_2_5": [0.0]}, "holds 1 angles"),
        ({"data/tx_mode/PW_2_5": [0.0, 3.0]}, "azimuth_rad"),
        ({"trans_params/x_num_of_elements": 5.0}, "4 rows"),
        ({"trans_params/x_num_of_elements": 4.5}, "whole"),
        ({"trans_params/x_num_of_elements": 1e12}, "number of elements"),
        ({"trans_params/y_num_of_elements": 2.0}, "y_num_of_elements"),
        ({"trans_params/x_pitch": -1.0}, "pitch_m"),
        ({"trans_params/f_central": 0.0}, "f_central"),
        ({"trans_params/x_pitch": np.zeros(70_000)}, "at most 65536"),
        ({"data/rf_data/frame_1/shot_2": None}, "one shot per angle"),
        ({"data/rf_data/frame_1/shot_2": np.zeros((4, 5), np.int16)}, "same shape"),
        ({"data/rf_data/frame_1/shot_2": np.zeros((4, 6), np.float32)}, "same shape"),
        ({"data/rf_data/frame_9/shot_1": np.zeros((4, 6), np.int16)}, "frame_3 is missing"),
    ],
)
def test_a_file_that_lacks_something_is_refused_and_told_why(
    entries: dict[str, Any], message: str, write: Callable[..., Path]
) -> None:
    path = write(entries)
    with pytest.raises(DataDamagedError, match=message):
        load_recording(path)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros((4, 6), np.uint16), "uint16"),
        (np.zeros((4, 6), np.complex64), "complex64"),
        (np.full((4, 6), np.nan, np.float32), "NaN"),
        (np.full((4, 6), 1e300), "past float32"),
        (np.zeros((4, 0), np.int16), "0 bytes"),
        (np.zeros(6, np.int16), "same shape"),
    ],
)
def test_samples_that_cannot_be_taken_are_refused(
    samples: np.ndarray[Any, Any], message: str, write: Callable[..., Path]
) -> None:
    names = [f"data/rf_data/frame_1/shot_{i}" for i in (1, 2)]
    with pytest.raises(DataDamagedError, match=message):
        load_recording(write(dict.fromkeys(names, samples), n_frames=1))


def test_samples_in_another_file_are_never_read(tmp_path: Path, write: Callable[..., Path]) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"this belongs to someone else, and is long enough for it")
    name = "data/rf_data/frame_1/shot_1"
    path = write({name: None}, n_frames=1)
    with h5py.File(path, "a") as file:
        file.create_dataset(name, (4, 6), np.int16, external=[(str(secret), 0, 48)])
    with pytest.raises(DataDamagedError, match="another file"):
        load_recording(path)
    with h5py.File(path, "a") as file:
        del file[name]
        file[name] = h5py.ExternalLink(str(secret), "/data")
    with pytest.raises(DataDamagedError, match="is a link"):
        load_recording(path)


def test_a_truncated_file_is_refused(data_file: DataFile, tmp_path: Path) -> None:
    content = data_file("pybf/rf_dataset.hdf5").read_bytes()
    for n_bytes in (8, 9, 100, 2048, 100_000, len(content) // 2, len(content) - 1):
        path = tmp_path / "cut"
        path.write_bytes(content[:n_bytes])
        with pytest.raises(DataDamagedError, match="pybf"):
            load_recording(path)


def test_damaged_bytes_give_samples_or_a_typed_error(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    content = write().read_bytes()
    rng = np.random.default_rng(5)
    n_refused = 0
    for _ in range(150):
        damaged = bytearray(content)
        for place in rng.integers(8, len(content), 20):
            damaged[place] = int(rng.integers(256))
        path = tmp_path / "damaged"
        path.write_bytes(damaged)
        try:
            assert isinstance(load_recording(path), Acquisition)
        except DataDamagedError:
            n_refused += 1
    assert n_refused > 10


def test_without_h5py_the_message_names_the_extra(
    data_file: DataFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingExtraError, match=r"ultrasound-sdk\[io\]"):
        load_recording(data_file("pybf/rf_dataset.hdf5"))
