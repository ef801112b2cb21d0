from __future__ import annotations

import builtins
import os
import sys
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageSequence

from usdk import view
from usdk.doppler.colours import colour_map
from usdk.errors import ArgumentError, MissingExtraError, StorageError
from usdk.flow_overlay import FlowKind, FlowOverlay
from usdk.frame import Frame, Provenance
from usdk.image import grey_curve
from usdk.scan import Raster
from usdk.view import layout
from usdk.view.scales import colour_marks

N_ROWS, N_COLUMNS = 200, 120


def frame(seed: int = 0, n_rows: int = N_ROWS, **raster: float) -> Frame:
    entries: dict[str, Any] = {"x_m": -0.0119, "z_m": 0.002, "pixel_size_m": 2e-4} | raster
    pixels = np.random.default_rng(seed).integers(0, 256, (n_rows, N_COLUMNS), dtype=np.uint8)
    return Frame(
        pixels=pixels,
        raster=Raster(n_rows=n_rows, n_columns=N_COLUMNS, **entries),
        dynamic_range_db=60.0,
        provenance=Provenance(
            probe="L", sequence="1 × plane", transmit_frequency_hz=5e6, sound_speed_m_s=1540.0
        ),
    )


def inner(image: Image.Image, n_rows: int = N_ROWS) -> Any:
    return np.asarray(image)[:n_rows, layout.MARGIN : layout.MARGIN + N_COLUMNS]


def test_the_ruler_never_touches_the_pixels() -> None:
    shown = frame()
    assert np.array_equal(inner(view.picture(shown)), shown.pixels)
    assert np.array_equal(np.asarray(view.picture(shown, ruler=False)), shown.pixels)


def test_marks_stand_at_round_millimetres() -> None:
    shown = frame()
    canvas = np.asarray(view.picture(shown)).astype(int)
    rows = np.flatnonzero(canvas[:N_ROWS, layout.MARGIN - 4] == layout.INK)
    depths_mm = (0.002 + rows * 2e-4) * 1e3
    assert np.allclose(depths_mm, [5, 10, 15, 20, 25, 30, 35, 40], atol=0.1)
    columns = np.flatnonzero(
        canvas[N_ROWS + 4, layout.MARGIN : layout.MARGIN + N_COLUMNS] == layout.INK
    )
    places_mm = (-0.0119 + columns * 2e-4) * 1e3
    assert np.allclose(places_mm, [-10, -5, 0, 5, 10], atol=0.1)


def test_the_grey_scale_shows_the_greys_of_equal_steps_in_decibels() -> None:
    curved = replace(
        frame(), provenance=replace(frame().provenance, processing=(("grey map", "s-curve"),))
    )
    unknown = replace(
        frame(), provenance=replace(frame().provenance, processing=(("grey map", "other"),))
    )
    bars = [
        np.asarray(view.picture(shown))[6 : N_ROWS - 6, layout.MARGIN + N_COLUMNS + 20].astype(int)
        for shown in (frame(), curved, unknown)
    ]
    expected = grey_curve("s-curve", 60.0)[np.rint(bars[0] / 255 * 4095).astype(int)]
    assert np.abs(bars[1] - expected).max() <= 3
    assert np.abs(bars[1] - bars[0]).max() > 10
    assert np.array_equal(bars[2], bars[0])


def test_the_grey_scale_falls_from_white_to_black() -> None:
    canvas = np.asarray(view.picture(frame()))
    bar = canvas[6 : 6 + N_ROWS - 12, layout.MARGIN + N_COLUMNS + 20]
    assert (bar[0], bar[-1]) == (255, 0)
    assert np.all(np.diff(bar.astype(int)) <= 0)


@pytest.mark.parametrize(
    ("n_rows", "pixel_size_m"), [(1, 1e-4), (5, 1e-6), (40, 1e-2), (700, 3e-5)]
)
def test_frames_of_any_size_can_be_shown(n_rows: int, pixel_size_m: float) -> None:
    shown = frame(n_rows=n_rows, pixel_size_m=pixel_size_m, z_m=-3 * pixel_size_m)
    assert np.array_equal(inner(view.picture(shown), n_rows), shown.pixels)


def test_a_png_holds_every_grey(tmp_path: Path) -> None:
    shown = frame()
    path = view.write_png(shown, str(tmp_path / "frame.png"))
    with Image.open(path) as image:
        assert image.format == "PNG"
        assert np.array_equal(inner(image), shown.pixels)
    bare = view.write_png(shown, tmp_path / "bare.png", ruler=False)
    with Image.open(bare) as image:
        assert np.array_equal(np.asarray(image), shown.pixels)


def test_a_cine_holds_every_frame_at_its_rate(tmp_path: Path) -> None:
    frames = [frame(seed) for seed in range(3)]
    path = view.write_cine(frames, tmp_path / "cine.gif", frame_rate_hz=20)
    with Image.open(path) as image:
        assert image.info["duration"] == 50
        assert image.info["loop"] == 0
        found = [inner(page.convert("L")) for page in ImageSequence.Iterator(image)]
    assert len(found) == 3
    for pixels, shown in zip(found, frames, strict=True):
        assert np.array_equal(pixels, shown.pixels)


def test_a_rate_that_gif_cannot_show_becomes_its_fastest(tmp_path: Path) -> None:
    path = view.write_cine([frame(0), frame(1)], tmp_path / "cine.gif", frame_rate_hz=1000)
    with Image.open(path) as image:
        assert image.info["duration"] == 20


@pytest.mark.parametrize(
    ("frames", "rate_hz"),
    [
        ([], 15.0),
        ([frame(), frame(n_rows=10)], 15.0),
        ([frame()], 0.0),
        ([frame()], float("nan")),
        ([frame()] * (view.MAX_CINE_FRAMES + 1), 15.0),
    ],
)
def test_what_is_no_cine_is_refused(frames: list[Frame], rate_hz: float, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError):
        view.write_cine(frames, tmp_path / "cine.gif", frame_rate_hz=rate_hz)
    assert not any(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no such file or folder"):
        view.write_png(frame(), tmp_path / "absent" / "frame.png")
    with pytest.raises(StorageError, match="folder"):
        view.write_png(frame(), tmp_path)


def test_a_picture_that_fails_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = view.write_png(frame(0), tmp_path / "frame.png")
    old = path.read_bytes()

    def full(self: Any, file: Any, **options: Any) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(StorageError, match="disk is full"):
        view.write_png(frame(1), path)
    assert path.read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == ["frame.png"]


def test_without_a_screen_the_frame_is_written_and_said_where(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    path = frame().show()
    assert path.parent == tmp_path
    assert str(path) in capsys.readouterr().err
    with Image.open(path) as image:
        assert np.array_equal(inner(image), frame().pixels)


@pytest.mark.skipif(os.name == "nt", reason="Windows always has a screen")
def test_on_a_desktop_the_frame_opens_in_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(Image.Image, "show", lambda self, title: opened.append(title))
    assert isinstance(frame().show(), Image.Image)
    assert opened == ["usdk"]


def test_in_a_notebook_the_frame_is_displayed(monkeypatch: pytest.MonkeyPatch) -> None:
    displayed: list[Any] = []
    shell = types.SimpleNamespace(config={"IPKernelApp": {}})
    monkeypatch.setitem(
        sys.modules,
        "IPython",
        types.SimpleNamespace(get_ipython=lambda: shell),  # type: ignore[arg-type]
    )
    module = types.ModuleType("IPython.display")
    module.display = displayed.append  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    image = frame().show()
    assert displayed == [image]


def test_without_pillow_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real_import = builtins.__import__

    def no_pillow(name: str, *rest: Any, **named: Any) -> Any:
        if name == "PIL":
            raise ImportError(name)
        return real_import(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", no_pillow)
    with pytest.raises(MissingExtraError, match=r"ultrasound-sdk\[view\]"):
        view.picture(frame())


def colour_frame(kind: FlowKind = FlowKind.VELOCITY, **changes: Any) -> Frame:
    grey = frame()
    rgb = np.random.default_rng(5).integers(0, 256, (N_ROWS, N_COLUMNS, 3), dtype=np.uint8)
    name = {
        FlowKind.VELOCITY: "red-blue",
        FlowKind.VARIANCE: "variance",
        FlowKind.POWER: "power",
        FlowKind.DIRECTIONAL_POWER: "directional power",
    }[kind]
    options: dict[str, Any] = {
        "kind": kind,
        "velocity_m_s": np.full(grey.shape, 0.1, np.float32),
        "power_db": np.zeros(grey.shape, np.float32),
        "scale": (-0.2, 0.6),
        "colours": colour_map(name).colours,
        "nyquist_m_s": 0.4,
        "prf_hz": 4e3,
        "frequency_hz": 5e6,
        "box": (10, 10, 50, 50),
    }
    overlay = FlowOverlay(**(options | changes))
    return replace(grey, pixels=rgb, overlay=overlay)


def test_a_frame_in_colour_keeps_its_pixels_and_gets_both_scales() -> None:
    shown = colour_frame()
    assert np.array_equal(np.asarray(view.picture(shown, ruler=False)), shown.pixels)
    canvas = np.asarray(view.picture(shown))
    assert np.array_equal(inner(view.picture(shown)), shown.pixels)
    grey_bar = canvas[6 : N_ROWS - 6, layout.MARGIN + N_COLUMNS + 20]
    assert np.array_equal(grey_bar[:, 0], grey_bar[:, 2])
    left = layout.MARGIN + N_COLUMNS + layout.BAR + layout.MARGIN
    colour_bar = canvas[6 : N_ROWS - 6, left + 3]
    assert shown.overlay is not None
    assert np.array_equal(colour_bar[0], shown.overlay.colours[-1])
    assert np.array_equal(colour_bar[-1], shown.overlay.colours[0])
    tissue = replace(shown, overlay=None)
    assert np.asarray(view.picture(tissue)).shape[1] == left


@pytest.mark.parametrize(
    ("kind", "scale", "expected"),
    [
        (FlowKind.VELOCITY, (-0.2, 0.6), ([(0.0, "-20"), (0.25, "0"), (1.0, "+60")], "cm/s")),
        (FlowKind.VELOCITY, (-1.5, 1.5), ([(0.0, "-1.5"), (0.5, "0"), (1.0, "+1.5")], "m/s")),
        (FlowKind.VARIANCE, (0.0, 0.5), ([(0.0, "+0"), (1.0, "+50")], "cm/s")),
        (FlowKind.POWER, (-30.0, 0.0), ([(0.0, "-30"), (1.0, "0")], "dB")),
        (
            FlowKind.DIRECTIONAL_POWER,
            (-30.0, 30.0),
            ([(0.0, "0"), (0.5, "-30"), (1.0, "0")], "dB"),
        ),
    ],
)
def test_the_colour_scale_is_marked_in_its_unit(
    kind: FlowKind, scale: tuple[float, float], expected: tuple[list[Any], str]
) -> None:
    overlay = colour_frame(kind, scale=scale).overlay
    assert overlay is not None
    marks, unit = colour_marks(overlay)
    assert [text for _, text in marks] == [text for _, text in expected[0]]
    assert np.allclose([place for place, _ in marks], [place for place, _ in expected[0]])
    assert unit == expected[1]
    view.picture(colour_frame(kind, scale=scale))


def test_a_cine_in_colour_keeps_greys_grey_and_colours_near(tmp_path: Path) -> None:
    shown = colour_frame()
    assert shown.overlay is not None
    pixels = np.repeat(frame().pixels[..., None], 3, axis=2)
    pixels[50:100] = shown.overlay.colours[np.linspace(0, 255, N_COLUMNS).astype(int)]
    shown = replace(shown, pixels=pixels)
    path = view.write_cine([shown, colour_frame(), frame()], tmp_path / "c.gif")
    with Image.open(path) as image:
        frames = [np.asarray(part.convert("RGB")) for part in ImageSequence.Iterator(image)]
    assert len(frames) == 3
    seen = frames[0][:N_ROWS, layout.MARGIN : layout.MARGIN + N_COLUMNS].astype(int)
    assert np.abs(seen - pixels).max() <= 16
    assert np.ptp(seen[:50], axis=-1).max() <= 8
    bare = replace(shown, overlay=None)
    with Image.open(view.write_cine([bare, bare], tmp_path / "d.gif")) as image:
        seen = np.asarray(image.convert("RGB"))[50:100, layout.MARGIN : layout.MARGIN + N_COLUMNS]
    assert np.abs(seen.astype(int) - pixels[50:100]).mean() < 20


def test_a_low_picture_in_colour_has_no_room_for_a_scale() -> None:
    shown = frame(n_rows=20)
    rgb = np.zeros((20, N_COLUMNS, 3), np.uint8)
    overlay = colour_frame().overlay
    assert overlay is not None
    values = np.zeros(shown.shape, np.float32)
    overlay = replace(overlay, velocity_m_s=values, power_db=values, box=(0, 0, 20, N_COLUMNS))
    assert view.picture(replace(shown, pixels=rgb, overlay=overlay)).mode == "RGB"


@pytest.mark.parametrize("bad", [None, "x", np.zeros((4, 4), np.uint8)])
def test_what_is_no_frame_is_refused_by_name(bad: Any, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=type(bad).__name__):
        view.picture(bad)
    with pytest.raises(ArgumentError, match=type(bad).__name__):
        view.write_cine([bad], tmp_path / "a.gif")


def test_a_cine_that_is_slower_than_its_format_allows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="655 s"):
        view.write_cine([frame(), frame()], tmp_path / "a.gif", frame_rate_hz=1e-300)
    assert list(tmp_path.iterdir()) == []
