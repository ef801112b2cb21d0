from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from usdk import LinearScan, LineScan, Plane, VolumeScan
from usdk.errors import ArgumentError, StateError
from usdk.image import (
    AntiAlias,
    FrameAverage,
    ImageChain,
    Persistence,
    ScanConverter,
    SliceConverter,
    TimeGain,
    VolumeConverter,
    envelope,
    log_compression,
)

FLAT = LinearScan(x_m=np.linspace(-2e-3, 2e-3, 9), z_m=np.linspace(1e-3, 9e-3, 33))
AXIS_M = np.linspace(-1e-3, 1e-3, 4)
VOLUME = VolumeScan(x_m=AXIS_M, y_m=AXIS_M, z_m=np.linspace(1e-3, 8e-3, 16))
LINE = LineScan(start_m=(0, 1e-3), end_m=(0, 9e-3), n_samples=33)
GAIN = TimeGain(depths_m=(0.0,), gains_db=(0.0,))


@pytest.mark.parametrize("scan", [VOLUME, LINE], ids=["volume", "line"])
@pytest.mark.parametrize(
    "plan",
    [ScanConverter, ImageChain, GAIN.amplitudes, lambda scan: AntiAlias(scan, FLAT.raster())],
    ids=["scan converter", "chain", "time gain", "anti-alias"],
)
def test_a_flat_picture_is_made_of_a_flat_scan(plan: Callable[[Any], Any], scan: Any) -> None:
    with pytest.raises(ArgumentError, match="SliceConverter"):
        plan(scan)


@pytest.mark.parametrize(
    "plan",
    [VolumeConverter, lambda scan: SliceConverter(scan, Plane.at_y())],
    ids=["volume converter", "slice converter"],
)
def test_voxels_and_slices_are_made_of_a_volume(plan: Callable[[Any], Any]) -> None:
    with pytest.raises(ArgumentError, match="ScanConverter"):
        plan(FLAT)


CONVERTERS: dict[str, tuple[Callable[..., Any], tuple[int, ...]]] = {
    "scan": (ScanConverter(FLAT, FLAT.raster(n_rows=20)), FLAT.shape),
    "volume": (VolumeConverter(VOLUME), VOLUME.shape),
    "slice": (SliceConverter(VOLUME, Plane.at_y()), VOLUME.shape),
}


@pytest.mark.parametrize("name", CONVERTERS)
@pytest.mark.parametrize("dtype", [np.complex64, "U1", object, bool])
def test_converters_take_real_values(name: str, dtype: Any) -> None:
    convert, shape = CONVERTERS[name]
    with pytest.raises(ArgumentError, match="real numbers"):
        convert(np.zeros(shape, dtype))


@pytest.mark.parametrize("name", CONVERTERS)
def test_converters_write_where_one_may(name: str) -> None:
    convert, shape = CONVERTERS[name]
    values = np.ones(shape, np.float32)
    locked = convert(values).copy()
    locked.flags.writeable = False
    for out in (locked, locked.astype(np.float64), locked.tolist()):
        with pytest.raises(ArgumentError, match="out must be writable"):
            convert(values, out=out)
    with pytest.raises(ArgumentError, match="fill"):
        convert(values, fill="black")
    convert(values, fill=np.nan)


@pytest.mark.parametrize(
    "curve",
    [
        np.linspace(0, 1, 8),
        np.zeros(1, np.uint8),
        np.zeros(0, np.uint8),
        np.zeros((4, 4), np.uint8),
        "s-curve",
    ],
    ids=["float", "one", "none", "two dimensions", "name"],
)
def test_a_curve_is_a_row_of_greys(curve: Any) -> None:
    converter = ScanConverter(FLAT, FLAT.raster(n_rows=20))
    with pytest.raises(ArgumentError, match="curve"):
        converter.greys(np.zeros(FLAT.shape, np.float32), dynamic_range_db=60.0, curve=curve)


@pytest.mark.parametrize("limits", [{"dynamic_range_db": np.inf}, {"white_db": np.nan}])
def test_grey_limits_are_finite(limits: dict[str, float]) -> None:
    converter = ScanConverter(FLAT, FLAT.raster(n_rows=20))
    with pytest.raises(ArgumentError, match=next(iter(limits))):
        converter.greys(np.zeros(FLAT.shape, np.float32), **{"dynamic_range_db": 60.0, **limits})


@pytest.mark.parametrize(
    "options",
    [
        {"n_looks": 0},
        {"n_looks": 1.5},
        {"looks": "median"},
        {"persistence": 0.5},
        {"time_gain": 3.0},
        {"gain_db": "loud"},
        {"reference": np.nan},
    ],
    ids=lambda options: str(next(iter(options))),
)
def test_a_chain_refuses_what_it_cannot_do(options: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        ImageChain(FLAT, FLAT.raster(n_rows=20), **options)


def test_a_chain_ends_only_what_was_added() -> None:
    chain = ImageChain(FLAT, FLAT.raster(n_rows=20), n_looks=2, looks="rms")
    look = np.ones(FLAT.shape, np.float32)
    with pytest.raises(StateError, match="add 2 looks"):
        chain.finish()
    with pytest.raises(ArgumentError, match="index"):
        chain.add(look, index=1)
    chain.add(look)
    with pytest.raises(StateError, match="1 are there"):
        chain.finish()
    chain.add(look, index=1)
    assert chain.finish().max() == 255
    with pytest.raises(StateError):
        chain.finish()


@pytest.mark.parametrize("dtype", [np.float64, np.complex128, np.int16])
def test_a_chain_takes_the_types_of_beamformers(dtype: Any) -> None:
    with pytest.raises(ArgumentError, match="complex64"):
        ImageChain(FLAT, FLAT.raster(n_rows=20)).add(np.ones(FLAT.shape, dtype))


def test_an_average_is_of_float32() -> None:
    average = FrameAverage(Persistence(coefficient=0.5), FLAT.shape)
    with pytest.raises(ArgumentError, match="float32"):
        average(np.ones(FLAT.shape, np.complex64))  # type: ignore[arg-type]


def test_levels_are_of_envelopes() -> None:
    for bad in (np.ones((2, 2), np.complex64), "x", np.full((2, 2), "x"), np.ones(3)):
        with pytest.raises(ArgumentError, match="image"):
            log_compression(bad)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="iq"):
        envelope(np.full((2, 2), "x"))  # type: ignore[arg-type]
