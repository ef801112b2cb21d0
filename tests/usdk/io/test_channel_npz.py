from __future__ import annotations

import math
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from usdk.acquisition import Acquisition, DeviceInfo
from usdk.errors import DataDamagedError
from usdk.io import describe_recording, load_recording
from usdk.probe import ArrayKind
from usdk.sequences import diverging_waves
from usdk.transmit import DivergingWave, FocusedWave, PlaneWave, SingleElement

DataFile = Callable[[str], Path]


def check_firing_times(path: Path, found: Acquisition) -> None:
    """On the transmits' own clocks, elements fire when the file says, counted from sample 0."""
    with np.load(path) as archive:
        filed_s = archive["tx_delays_s"] - archive["t0_s"]
        rf = archive["rf"]
    own_s = found.sequence.delays_s(found.probe, found.receive.sound_speed_m_s)
    own_s -= np.array(found.receive.time_zero_s)[:, None]
    assert np.array_equal(np.isnan(own_s), np.isnan(filed_s))
    assert np.nanmax(np.abs(own_s - filed_s)) < 1e-12
    assert np.array_equal(found.data[0], rf)


def test_diverging_waves_are_read(data_file: DataFile) -> None:
    path = data_file("simus/p4_2v_diverging7.npz")
    found = load_recording(path)
    assert found.data.shape == (1, 7, 64, 1702)
    assert found.data.dtype == np.int16
    assert found.probe.kind is ArrayKind.PHASED
    assert found.probe.fractional_bandwidth == 0.74
    assert found.probe.element_width_m == pytest.approx(0.25e-3)
    assert found.receive.sampling_frequency_hz == 10.88e6
    assert found.device == DeviceInfo(manufacturer="simulation", model="PyMUST 0.1.9 simus")
    tilts_deg = np.linspace(-20, 20, 7)
    expected = diverging_waves(found.probe, tilts_deg=tilts_deg, width_deg=60.0)
    for wave, right in zip(found.sequence.transmits, expected.transmits, strict=True):
        assert isinstance(wave, DivergingWave)
        assert isinstance(right, DivergingWave)
        assert wave.source_m == pytest.approx(right.source_m, abs=1e-9)
    # The straight wave: the outermost elements, furthest from the source, fire last; the clock
    # starts when the wave passes the middle, which fires first, at zero delay.
    assert found.receive.time_zero_s[3] == pytest.approx(0.0, abs=2e-9)
    check_firing_times(path, found)


def test_a_convex_array_is_read(data_file: DataFile) -> None:
    path = data_file("simus/c5_2v_allfire_sta12.npz")
    found = load_recording(path)
    assert found.data.shape == (1, 13, 128, 2342)
    assert found.probe.kind is ArrayKind.CURVED
    assert found.probe.radius_m == 49.57e-3
    all_fire, *single = found.sequence.transmits
    assert isinstance(all_fire, DivergingWave)
    offsets_m = found.probe.element_positions_m - np.array(all_fire.source_m)
    assert np.linalg.norm(offsets_m, axis=1) == pytest.approx(np.full(128, 49.57e-3), abs=1e-12)
    elements = [wave.element for wave in single if isinstance(wave, SingleElement)]
    assert elements == np.linspace(0, 127, 12).round().astype(int).tolist()
    assert found.receive.time_zero_s[1:] == (0.0,) * 12
    # All fire at zero; the wave passed the file's origin, on the chord behind the face, before.
    behind_m = 49.57e-3 - math.dist(all_fire.source_m, (0, 0, 0))
    assert behind_m == pytest.approx(10.13e-3, abs=1e-5)
    assert found.receive.time_zero_s[0] == pytest.approx(behind_m / 1540, abs=1e-12)
    check_firing_times(path, found)


def test_focused_beams_are_read(data_file: DataFile) -> None:
    path = data_file("simus/l11_5v_focused49.npz")
    found = load_recording(path)
    assert found.data.shape == (1, 49, 128, 1764)
    assert found.probe.kind is ArrayKind.LINEAR
    x_m = np.linspace(-13.5e-3, 13.5e-3, 49)
    for wave, line_x_m in zip(found.sequence.transmits, x_m, strict=True):
        assert isinstance(wave, FocusedWave)
        assert wave.focus_m == pytest.approx((line_x_m, 0, 20e-3), abs=1e-9)
        assert wave.origin_m == pytest.approx((line_x_m, 0, 0), abs=1e-12)
        assert wave.aperture is not None
        assert wave.aperture[1] - wave.aperture[0] == 33
    check_firing_times(path, found)


@pytest.mark.parametrize("name", ["p4_2v_diverging7", "c5_2v_allfire_sta12", "l11_5v_focused49"])
def test_a_description_agrees_with_what_is_loaded(name: str, data_file: DataFile) -> None:
    path = data_file(f"simus/{name}.npz")
    found, described = load_recording(path), describe_recording(path)
    assert described.format == "channel data NPZ"
    assert described.shape == found.data.shape
    assert described.dtype == "int16"
    assert described.receive == found.receive
    assert described.device == found.device


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a small archive; entries given replace the right ones, None leaves them out."""

    def write_file(**entries: Any) -> Path:
        right: dict[str, Any] = {
            "rf": np.arange(48, dtype=np.int16).reshape(2, 4, 6),
            "tx_delays_s": np.array([[0.0] * 4, [0.0, np.nan, np.nan, np.nan]]),
            "elem_x_m": (np.arange(4) - 1.5) * 0.3e-3,
            "fs_hz": 20e6,
            "fc_hz": 5e6,
        }
        right.update(entries)
        path = tmp_path / "recording"
        with path.open("wb") as file:
            np.savez(file, **{k: v for k, v in right.items() if v is not None})
        return path

    return write_file


def test_the_least_archive_that_a_researcher_writes_is_read(write: Callable[..., Path]) -> None:
    found = load_recording(write())
    assert found.sequence.transmits == (PlaneWave(), SingleElement(element=0))
    assert found.receive.time_zero_s == (0.0, 0.0)
    assert found.receive.sound_speed_m_s == 1540
    assert found.probe.pitch_m == pytest.approx(0.3e-3)
    assert found.probe.element_normals[:, 2].tolist() == [1.0] * 4
    assert found.device is None


def test_the_first_sample_shifts_every_clock(write: Callable[..., Path]) -> None:
    found = load_recording(write(t0_s=2e-6, tx_delays_s=np.full((2, 4), 0.5e-6)))
    assert found.receive.time_zero_s == pytest.approx((1.5e-6,) * 2)


def test_the_same_wave_at_a_known_rate_is_an_ensemble(write: Callable[..., Path]) -> None:
    entries = {"tx_delays_s": np.zeros((2, 4)), "prf_hz": 5e3}
    found, described = load_recording(write(**entries)), describe_recording(write(**entries))
    assert found.data.shape == described.shape == (2, 1, 4, 6)
    assert found.data[1, 0, 0].tolist() == [24, 25, 26, 27, 28, 29]
    assert found.device_timestamps_s == pytest.approx([0, 2e-4])
    assert found.sequence.prf_hz == 5e3


def test_frames_stand_first_when_there_are_four_dimensions(write: Callable[..., Path]) -> None:
    rf = np.random.default_rng(0).normal(size=(3, 2, 4, 6)).astype(np.float32)
    found = load_recording(write(rf=rf))
    assert np.array_equal(found.data, rf)
    assert len(found.sequence) == 2


def test_samples_in_fortran_order_are_put_right(write: Callable[..., Path]) -> None:
    rf = np.arange(48, dtype=np.int16).reshape(2, 4, 6)
    found = load_recording(write(rf=np.asfortranarray(rf)))
    assert np.array_equal(found.data[0], rf)
    assert found.data.flags.c_contiguous


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"rf": None}, "rf missing"),
        ({"fs_hz": None, "fc_hz": None}, "fs_hz, fc_hz missing"),
        ({"fs_hz": math.nan}, "NaN"),
        ({"fs_hz": 0.0}, "sampling_frequency_hz"),
        ({"fc_hz": -1.0}, "must be positive"),
        ({"c_m_s": 0.0}, "must be positive"),
        ({"c_m_s": 1e-300}, "between 100 and 20000"),
        ({"c_m_s": 1.54e6}, "between 100 and 20000"),
        ({"t0_s": "soon"}, "real numbers"),
        ({"rf": np.zeros((4, 6), np.int16)}, "transmits, elements, samples"),
        ({"rf": np.zeros((3, 4, 6), np.int16)}, "rf has 3 transmits"),
        ({"rf": np.zeros((2, 5, 6), np.int16)}, "rf has 5 elements"),
        ({"rf": np.zeros((2, 4, 0), np.int16)}, "0 bytes"),
        ({"rf": np.zeros((2, 4, 6), np.uint8)}, "uint8"),
        ({"rf": np.full((2, 4, 6), np.nan)}, "NaN"),
        ({"elem_z_m": np.zeros(5)}, "one size"),
        ({"elem_x_m": np.zeros(4)}, "must be positive"),
        ({"tx_delays_s": np.zeros((2, 5))}, "tx_delays_s must be"),
        ({"tx_delays_s": np.float64(0)}, "not channel data|tx_delays_s|damaged"),
        ({"tx_delays_s": np.full((2, 4), np.inf)}, "infinite"),
        ({"tx_delays_s": np.full((2, 4), np.nan)}, "neighbours"),
        ({"tx_delays_s": np.array([[0, 1e-6, 0, 2e-6]] * 2)}, "not those of the sequence"),
        ({"line_x_m": np.zeros(3)}, "one number per transmit"),
        ({"radius_m": np.nan}, "NaN"),
        ({"bandwidth_pct": 0.0}, "fractional_bandwidth"),
        ({"kerf_m": 1.0}, "element_width_m"),
        ({"simulator": np.float64(5)}, "one text"),
    ],
)
def test_an_archive_that_lacks_something_is_refused_and_told_why(
    entries: dict[str, Any], message: str, write: Callable[..., Path]
) -> None:
    path = write(**entries)
    with pytest.raises(DataDamagedError, match=message):
        load_recording(path)


class Intruder:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("entry", ["rf", "fs_hz", "tx_delays_s", "simulator"])
def test_a_pickled_object_is_refused_and_never_run(
    entry: str, write: Callable[..., Path], tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    path = write(**{entry: np.array([Intruder(trace)], dtype=object)})
    with pytest.raises(DataDamagedError):
        load_recording(path)
    assert not trace.exists()
    # The object is what it claims to be: run, it leaves its trace.
    pickle.loads(pickle.dumps(Intruder(trace)))
    assert trace.exists()


def test_a_bare_pickle_as_an_entry_is_refused(tmp_path: Path, write: Callable[..., Path]) -> None:
    trace = tmp_path / "trace"
    path = write(c_m_s=None)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("c_m_s.npy", pickle.dumps(Intruder(trace)))
    with pytest.raises(DataDamagedError):
        load_recording(path)
    assert not trace.exists()


def test_an_entry_that_claims_to_be_huge_is_refused_unread(write: Callable[..., Path]) -> None:
    path = write(rf=None)
    header = np.lib.format.header_data_from_array_1_0(np.zeros(1, np.int16))
    header["shape"] = (2, 4, 2**40)
    with zipfile.ZipFile(path, "a") as archive, archive.open("rf.npy", "w") as entry:
        np.lib.format.write_array_header_1_0(entry, header)
    with pytest.raises(DataDamagedError, match="can be read"):
        load_recording(path)


def test_a_truncated_file_is_refused(data_file: DataFile, tmp_path: Path) -> None:
    content = data_file("simus/p4_2v_diverging7.npz").read_bytes()
    for n_bytes in (4, 30, 1000, len(content) // 2, len(content) - 1):
        path = tmp_path / "cut"
        path.write_bytes(content[:n_bytes])
        with pytest.raises(DataDamagedError, match="NumPy archive"):
            load_recording(path)


def test_a_header_that_python_cannot_split_into_words_is_refused(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    path = tmp_path / "damaged"
    with zipfile.ZipFile(write()) as archive, zipfile.ZipFile(path, "w") as copy:
        for name in archive.namelist():
            entry = archive.read(name)
            if name == "rf.npy":
                assert entry.count(b"(2, 4, 6), }") == 1
                entry = entry.replace(b"(2, 4, 6), }", b"(2, 4, 6(( L")
            copy.writestr(name, entry)
    for read in (describe_recording, load_recording):
        with pytest.raises(DataDamagedError, match="NumPy archive"):
            read(path)


def test_damaged_bytes_give_the_samples_or_a_typed_error(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    path = write()
    right, content = load_recording(path), path.read_bytes()
    rng = np.random.default_rng(5)
    n_refused = 0
    for _ in range(400):
        damaged = bytearray(content)
        for place in rng.integers(4, len(content), int(rng.integers(1, 5))):
            damaged[place] = int(rng.integers(256))
        path = tmp_path / "damaged"
        path.write_bytes(damaged)
        try:
            assert np.array_equal(load_recording(path).data, right.data)
        except DataDamagedError:
            n_refused += 1
    assert n_refused > 100
