from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from usdk.acquisition import Acquisition
from usdk.errors import DataDamagedError
from usdk.io import describe_recording, load_recording
from usdk.probe import ArrayKind
from usdk.transmit import DivergingWave, PlaneWave

DataFile = Callable[[str], Path]


def test_the_rotating_disk_is_read(data_file: DataFile) -> None:
    path = data_file("pymust/PWI_disk.mat")
    found = load_recording(path)
    assert found.data.shape == (32, 1, 128, 334)
    assert found.data.dtype == np.int16
    rf = loadmat(path)["RF"]
    for frame, element, sample in ((0, 0, 0), (31, 127, 333), (7, 64, 200)):
        assert found.data[frame, 0, element, sample] == rf[sample, element, frame]
    assert found.sequence.transmits == (PlaneWave(),)
    assert found.sequence.prf_hz == 10e3
    assert found.transmit_frequency_hz == 5e6
    # Band-pass sampled: below twice the centre frequency.
    assert found.receive.sampling_frequency_hz == pytest.approx(20e6 / 3)
    assert found.receive.time_zero_s == (9.95e-6,)
    assert found.receive.sound_speed_m_s == 1480
    assert found.probe.kind is ArrayKind.LINEAR
    assert found.probe.pitch_m == 0.298e-3
    assert found.probe.element_width_m == 0.262e-3
    assert found.probe.fractional_bandwidth == 0.15
    assert found.device_timestamps_s == pytest.approx(np.arange(32) * 1e-4)


def test_a_description_agrees_with_what_is_loaded(data_file: DataFile) -> None:
    path = data_file("pymust/PWI_disk.mat")
    found, described = load_recording(path), describe_recording(path)
    assert described.format == "PyMUST MAT"
    assert described.shape == found.data.shape
    assert described.dtype == "int16"
    assert described.receive == found.receive


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a small MAT file; fields of param given replace the right ones, None removes them."""

    def write_file(fields: dict[str, Any] | None = None, **entries: Any) -> Path:
        right: dict[str, Any] = {"fs": 20e6, "fc": 5e6, "pitch": 0.3e-3, "Nelements": 4, "t0": 1e-6}
        right.update(fields or {})
        rf = np.arange(24, dtype=np.int16).reshape(6, 4)
        content: dict[str, Any] = {
            "RF": rf,
            "param": {name: value for name, value in right.items() if value is not None},
        }
        content.update(entries)
        path = tmp_path / "recording"
        with path.open("wb") as file:
            savemat(file, {k: v for k, v in content.items() if v is not None})
        return path

    return write_file


def test_one_pulse_makes_one_frame(write: Callable[..., Path]) -> None:
    found = load_recording(write())
    assert found.data.shape == (1, 1, 4, 6)
    assert found.data[0, 0, 2].tolist() == [2, 6, 10, 14, 18, 22]
    assert math.isnan(found.device_timestamps_s[0])


def test_a_steered_wave_counts_from_the_arrays_centre(write: Callable[..., Path]) -> None:
    x_m = (np.arange(4) - 1.5) * 0.3e-3
    delays_s = x_m * math.sin(0.2) / 1540
    first_s = float(delays_s.min())
    found = load_recording(write({"TXdelay": delays_s - first_s}))
    (wave,) = found.sequence.transmits
    assert isinstance(wave, PlaneWave)
    assert wave.azimuth_rad == pytest.approx(0.2)
    # MUST counts from the first element that fires, the wave passes the centre later.
    assert found.receive.time_zero_s == pytest.approx((1e-6 + first_s,))


def test_a_convex_array_is_read(write: Callable[..., Path]) -> None:
    found = load_recording(write({"radius": 0.05}))
    assert found.probe.kind is ArrayKind.CURVED
    (wave,) = found.sequence.transmits
    assert isinstance(wave, DivergingWave)
    assert wave.source_m == pytest.approx((0, 0, -0.05))


def test_an_infinite_radius_is_a_flat_array(write: Callable[..., Path]) -> None:
    assert load_recording(write({"radius": math.inf})).probe.kind is ArrayKind.LINEAR


@pytest.mark.parametrize(
    ("param", "message"),
    [
        ({"fs": None}, "param.fs is missing"),
        ({"fs": math.nan}, "NaN"),
        ({"fs": -1.0}, "sampling_frequency_hz"),
        ({"fs": "fast"}, "real numbers"),
        ({"fc": 0.0}, "positive"),
        ({"pitch": None}, "param.pitch is missing"),
        ({"pitch": math.inf}, "positive and finite"),
        ({"c": math.nan}, "NaN"),
        ({"c": 1e-300}, "between 100 and 20000"),
        ({"Nelements": 5}, "says otherwise"),
        ({"t0": math.inf}, "time_zero_s"),
        ({"PRF": -1.0}, "prf_hz"),
        ({"RXdelay": [0.0, 1e-6, 0.0, 0.0]}, "RXdelay must be zero"),
        ({"TXdelay": [0.0, 0.0]}, "one number per element"),
        ({"TXdelay": [0.0, 1e-6, -1e-6, 0.0]}, "not those of the sequence"),
        ({"TXdelay": [np.nan] * 4}, "neighbours"),
    ],
)
def test_a_param_that_lacks_something_is_refused_and_told_why(
    param: dict[str, Any], message: str, write: Callable[..., Path]
) -> None:
    with pytest.raises(DataDamagedError, match=message):
        load_recording(write(param))


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"RF": None}, "it holds param"),
        ({"param": None}, "it holds RF"),
        ({"param": 5.0}, "param must be a struct"),
        ({"RF": np.zeros((6, 4, 2, 2), np.int16)}, "samples, elements, frames"),
        ({"RF": np.zeros((6, 4), np.uint32)}, "uint32"),
        ({"RF": np.zeros((6, 4), complex)}, "it is complex"),
        ({"RF": np.full((6, 4), np.nan)}, "NaN"),
        ({"RF": np.zeros((0, 4))}, "0 bytes"),
    ],
)
def test_an_rf_that_cannot_be_taken_is_refused(
    entries: dict[str, Any], message: str, write: Callable[..., Path]
) -> None:
    with pytest.raises(DataDamagedError, match=message):
        load_recording(write(**entries))


def test_pictures_are_no_channel_data(data_file: DataFile) -> None:
    with pytest.raises(DataDamagedError, match="it holds I"):
        load_recording(data_file("pymust/bmode_PWI_disk.mat"))


def test_a_truncated_file_is_refused(data_file: DataFile, tmp_path: Path) -> None:
    content = data_file("pymust/PWI_disk.mat").read_bytes()
    for n_bytes in (128, 130, 200, 10_000, len(content) // 2, len(content) - 1):
        path = tmp_path / "cut"
        path.write_bytes(content[:n_bytes])
        with pytest.raises(DataDamagedError, match="MUST"):
            load_recording(path)


def test_damaged_bytes_give_samples_or_a_typed_error(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    content = write().read_bytes()
    rng = np.random.default_rng(5)
    n_refused = 0
    for _ in range(400):
        damaged = bytearray(content)
        for place in rng.integers(128, len(content), int(rng.integers(1, 9))):
            damaged[place] = int(rng.integers(256))
        path = tmp_path / "damaged"
        path.write_bytes(damaged)
        try:
            assert isinstance(load_recording(path), Acquisition)
        except DataDamagedError:
            n_refused += 1
    assert n_refused > 100
