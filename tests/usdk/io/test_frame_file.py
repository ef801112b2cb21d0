from __future__ import annotations

import json
import math
import pickle
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usdk.acquisition import DeviceInfo, Gap
from usdk.errors import ArgumentError, DataDamagedError, StorageError
from usdk.flow_overlay import FlowKind, FlowOverlay
from usdk.frame import Frame, Provenance
from usdk.io import load_frames, save_frames
from usdk.scan import Raster

NUMBER = st.floats(allow_nan=False, allow_infinity=False)
POSITIVE = st.floats(min_value=1e-300, max_value=1e300)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
TIME = st.one_of(st.just(math.nan), NUMBER)
COUNT = st.integers(0, 2**70)
PROVENANCE = st.builds(
    Provenance,
    probe=TEXT,
    sequence=TEXT,
    transmit_frequency_hz=POSITIVE,
    sound_speed_m_s=POSITIVE,
    device=st.one_of(
        st.none(),
        st.builds(
            DeviceInfo, manufacturer=TEXT, model=TEXT, serial_number=TEXT, firmware_version=TEXT
        ),
    ),
    prf_hz=st.one_of(st.none(), POSITIVE),
    gaps=st.lists(
        st.builds(
            Gap,
            first_sequence_number=COUNT,
            n_frames=COUNT,
            n_packets_lost=COUNT,
            n_packets_damaged=COUNT,
        ),
        max_size=2,
    ).map(tuple),
    processing=st.lists(st.tuples(TEXT, TEXT), max_size=3).map(tuple),
)


def plain(frame: Frame) -> Any:
    """Everything about a frame in a form that compares; NaN equals NaN by its text."""
    return (
        frame.pixels.tobytes(),
        asdict(frame.raster),
        asdict(frame.provenance),
        frame.dynamic_range_db,
        frame.sequence_number,
        repr(frame.device_timestamp_s),
        repr(frame.host_timestamp_s),
    )


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_frames_come_back_as_they_were(data: st.DataObject) -> None:
    n_rows, n_columns = data.draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    frames = [
        Frame(
            pixels=np.frombuffer(
                data.draw(st.binary(min_size=n_rows * n_columns, max_size=n_rows * n_columns)),
                np.uint8,
            ).reshape(n_rows, n_columns),
            raster=Raster(
                x_m=data.draw(NUMBER),
                z_m=data.draw(NUMBER),
                pixel_size_m=data.draw(POSITIVE),
                n_rows=n_rows,
                n_columns=n_columns,
            ),
            dynamic_range_db=data.draw(POSITIVE),
            provenance=data.draw(PROVENANCE),
            sequence_number=data.draw(COUNT),
            device_timestamp_s=data.draw(TIME),
            host_timestamp_s=data.draw(TIME),
        )
        for _ in range(data.draw(st.integers(1, 3)))
    ]
    with tempfile.TemporaryDirectory() as folder:
        found = load_frames(save_frames(Path(folder) / "frames", frames))
    assert [plain(frame) for frame in found] == [plain(frame) for frame in frames]


@pytest.fixture
def frames() -> list[Frame]:
    raster = Raster(x_m=-1e-3, z_m=2e-3, pixel_size_m=1e-4, n_rows=3, n_columns=2)
    provenance = Provenance(
        probe="L", sequence="1 × plane", transmit_frequency_hz=5e6, sound_speed_m_s=1540.0
    )
    return [
        Frame(
            pixels=np.full((3, 2), i, np.uint8),
            raster=raster,
            dynamic_range_db=60.0,
            provenance=provenance,
            sequence_number=i,
        )
        for i in range(4)
    ]


@pytest.fixture
def rewrite(tmp_path: Path, frames: list[Frame]) -> Callable[..., Path]:
    """Save frames, change their description by a function, and save that."""

    def change(how: Callable[[Any], Any], pixels: Any = None) -> Path:
        path = save_frames(tmp_path / "right", frames)
        with np.load(path) as archive:
            right, about = archive["pixels"], json.loads(archive["about"].tobytes())
        about = how(about) or about
        text = json.dumps(about).encode()
        path = tmp_path / "wrong"
        with path.open("wb") as file:
            np.savez(
                file,
                pixels=right if pixels is None else pixels,
                about=np.frombuffer(text, np.uint8),
            )
        return path

    return change


def test_an_existing_file_is_kept_unless_told_otherwise(
    tmp_path: Path, frames: list[Frame]
) -> None:
    path = save_frames(tmp_path / "frames", frames)
    with pytest.raises(StorageError, match="exists already"):
        save_frames(path, frames[:1])
    assert len(load_frames(path)) == 4
    save_frames(path, frames[:1], overwrite=True)
    assert len(load_frames(path)) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["frames"]


def test_a_disk_that_fills_up_leaves_the_old_file(
    tmp_path: Path, frames: list[Frame], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_frames(tmp_path / "frames", frames)

    def fill(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("usdk.files.os.fsync", fill)
    with pytest.raises(StorageError, match="disk is full"):
        save_frames(path, frames[:1], overwrite=True)
    assert len(load_frames(path)) == 4
    assert [p.name for p in tmp_path.iterdir()] == ["frames"]


def test_frames_that_cannot_stand_together_are_refused(tmp_path: Path, frames: list[Frame]) -> None:
    wide = replace(frames[0].raster, n_columns=5)
    other = replace(frames[0], raster=wide, pixels=np.zeros((3, 5), np.uint8))
    with pytest.raises(ArgumentError, match="differ in size"):
        save_frames(tmp_path / "a", [frames[0], other])
    with pytest.raises(ArgumentError, match="got 0"):
        save_frames(tmp_path / "a", [])
    endless = replace(frames[0], host_timestamp_s=math.inf)
    with pytest.raises(ArgumentError, match="cannot be saved"):
        save_frames(tmp_path / "a", [endless])
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    "how",
    [
        lambda about: [1],
        lambda about: about.update(kind="something"),
        lambda about: about.update(version=2),
        lambda about: about.pop("frames") and None,
        lambda about: about["frames"].pop() and None,
        lambda about: about["frames"][0].pop("raster") and None,
        lambda about: about["frames"][0]["raster"].update(n_rows=4),
        lambda about: about["frames"][0]["raster"].update(pixel_size_m=0),
        lambda about: about["frames"][0]["raster"].update(x_m=math.nan),
        lambda about: about["frames"][0].update(dynamic_range_db=-1),
        lambda about: about["frames"][0].update(sequence_number="first"),
        lambda about: about["frames"][0].update(host_timestamp_s=[]),
        lambda about: about["frames"][0]["provenance"].update(probe=5),
        lambda about: about["frames"][0]["provenance"].update(device={"nobody": ""}),
        lambda about: about["frames"][0]["provenance"].update(gaps=[{"a": 1}]),
        lambda about: about["frames"][0]["provenance"].update(processing=[["a"]]),
    ],
)
def test_a_description_that_lies_is_refused(
    how: Callable[[Any], Any], rewrite: Callable[..., Path]
) -> None:
    with pytest.raises(DataDamagedError):
        load_frames(rewrite(how))


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((4, 3, 2), np.int16), np.zeros((4, 6), np.uint8), np.zeros((3, 3, 2), np.uint8)],
)
def test_pixels_that_do_not_fit_are_refused(pixels: Any, rewrite: Callable[..., Path]) -> None:
    with pytest.raises(DataDamagedError):
        load_frames(rewrite(lambda about: None, pixels))


class Intruder:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


def test_a_pickled_object_is_refused_and_never_run(
    tmp_path: Path, rewrite: Callable[..., Path]
) -> None:
    trace = tmp_path / "trace"
    pixels = np.array([Intruder(trace)], dtype=object)
    with pytest.raises(DataDamagedError):
        load_frames(rewrite(lambda about: None, pixels))
    assert not trace.exists()
    pickle.loads(pickle.dumps(Intruder(trace)))
    assert trace.exists(), "run, the object would have left its trace"


def test_a_file_with_more_entries_is_foreign(tmp_path: Path, frames: list[Frame]) -> None:
    path = save_frames(tmp_path / "frames", frames)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("more", b"")
    with pytest.raises(DataDamagedError, match="save_frames"):
        load_frames(path)


def test_every_truncation_and_flipped_byte_is_refused_or_harmless(
    tmp_path: Path, frames: list[Frame]
) -> None:
    content = save_frames(tmp_path / "frames", frames).read_bytes()
    path = tmp_path / "damaged"
    for n_bytes in range(0, len(content), 7):
        path.write_bytes(content[:n_bytes])
        with pytest.raises(DataDamagedError):
            load_frames(path)
    rng = np.random.default_rng(2)
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            found = load_frames(path)
        except DataDamagedError:
            continue
        assert [plain(frame) for frame in found] == [plain(frame) for frame in frames]


def test_an_absent_file_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no such file"):
        load_frames(tmp_path / "none")


def colour_frame(seed: int = 0, n_spreads: int = 0, **changes: Any) -> Frame:
    rng = np.random.default_rng(seed)
    shape = (7, 5)
    velocity_m_s = rng.normal(size=shape).astype(np.float32)
    velocity_m_s[0] = np.nan
    table = (n_spreads, 16, 3) if n_spreads else (16, 3)
    options: dict[str, Any] = {
        "kind": FlowKind.VARIANCE if n_spreads else FlowKind.VELOCITY,
        "velocity_m_s": velocity_m_s,
        "power_db": velocity_m_s - 10,
        "scale": (-0.2, 0.6),
        "colours": rng.integers(0, 256, table).astype(np.uint8),
        "nyquist_m_s": 0.4,
        "prf_hz": 4e3,
        "frequency_hz": 5e6,
        "box": (1, 0, 7, 4),
    }
    return Frame(
        pixels=rng.integers(0, 256, (*shape, 3)).astype(np.uint8),
        raster=Raster(x_m=0.0, z_m=0.0, pixel_size_m=1e-4, n_rows=7, n_columns=5),
        dynamic_range_db=60.0,
        provenance=Provenance(
            probe="p", sequence="s", transmit_frequency_hz=5e6, sound_speed_m_s=1540.0
        ),
        overlay=FlowOverlay(**(options | changes)),
    )


def test_frames_in_colour_come_back_with_their_velocities(tmp_path: Path) -> None:
    saved = [
        colour_frame(0),
        replace(colour_frame(1), overlay=None),
        colour_frame(2, 4, steering_rad=0.2, angle_rad=1.0),
        colour_frame(0, scale=(-1.0, 1.0)),
    ]
    loaded = load_frames(save_frames(tmp_path / "f.npz", saved))
    assert [plain(frame) for frame in loaded] == [plain(frame) for frame in saved]
    assert loaded[1].overlay is None
    for one, other in zip(saved, loaded, strict=True):
        if one.overlay is None or other.overlay is None:
            continue
        for field in fields(FlowOverlay):
            before, after = getattr(one.overlay, field.name), getattr(other.overlay, field.name)
            assert np.array_equal(before, after, equal_nan=field.name not in ("kind", "colours"))
        assert other.overlay.velocity_m_s.dtype == np.float32
        assert isinstance(other.overlay.kind, FlowKind)


def test_colours_of_unknown_meaning_come_back(tmp_path: Path) -> None:
    bare = replace(colour_frame(), overlay=None)
    (loaded,) = load_frames(save_frames(tmp_path / "f.npz", [bare]))
    assert np.array_equal(loaded.pixels, bare.pixels)
    assert loaded.overlay is None


def test_grey_frames_are_saved_as_before(tmp_path: Path) -> None:
    grey = replace(colour_frame(), pixels=np.zeros((7, 5), np.uint8), overlay=None)
    path = save_frames(tmp_path / "f.npz", [grey])
    with zipfile.ZipFile(path) as archive:
        assert sorted(archive.namelist()) == ["about.npy", "pixels.npy"]
    with np.load(path) as archive:
        about = json.loads(archive["about"].tobytes())
    assert about["version"] == 1
    assert set(about) == {"kind", "version", "frames"}


def test_grey_frames_and_frames_in_colour_are_saved_apart(tmp_path: Path) -> None:
    grey = replace(colour_frame(), pixels=np.zeros((7, 5), np.uint8), overlay=None)
    with pytest.raises(ArgumentError, match="apart"):
        save_frames(tmp_path / "f.npz", [grey, colour_frame()])


@pytest.mark.parametrize(
    "damage",
    [
        lambda about, _: about["overlays"].append(None),
        lambda about, _: about["overlays"][0].update(colours=1),
        lambda about, _: about["overlays"][0].update(colours=-1),
        lambda about, _: about["overlays"][0].update(kind="sound"),
        lambda about, _: about["overlays"][0].update(scale=[1, 1]),
        lambda about, _: about["overlays"][0].update(box=[1, 2]),
        lambda about, _: about["overlays"][0].pop("prf_hz"),
        lambda about, _: about["colours"][0].update(rgb="zz"),
        lambda about, _: about["colours"][0].update(shape=[3, 3]),
        lambda about, _: about.update(overlays=[None]),
        lambda about, _: about.pop("colours"),
        lambda _, arrays: arrays.update(power_db=arrays["power_db"][:, :3]),
        lambda _, arrays: arrays.update(velocity_m_s=arrays["velocity_m_s"].astype(float)),
        lambda _, arrays: arrays.update(pixels=arrays["pixels"][..., 0]),
        lambda _, arrays: arrays.pop("power_db"),
        lambda _, arrays: (arrays.pop("power_db"), arrays.pop("velocity_m_s")),
    ],
)
def test_damaged_colours_are_refused(tmp_path: Path, damage: Callable[[Any, Any], Any]) -> None:
    path = save_frames(tmp_path / "f.npz", [colour_frame()])
    with np.load(path) as archive:
        arrays = dict(archive)
    about = json.loads(arrays.pop("about").tobytes())
    damage(about, arrays)
    np.savez(path, **arrays, about=np.frombuffer(json.dumps(about).encode(), np.uint8))
    with pytest.raises(DataDamagedError):
        load_frames(path)


@pytest.mark.parametrize("bad", [None, "x", [3], np.zeros((2, 2))])
def test_what_are_no_frames_are_refused(bad: Any, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="frame"):
        save_frames(tmp_path / "a.npz", bad)
