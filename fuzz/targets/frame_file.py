"""Files of frames: refused by type, or frames that save to what they are."""

from __future__ import annotations

import zipfile

import numpy as np
from archives import RAW, archive_of, pieces_of
from scratch_file import scratch_file, scratch_folder

from usdk.acquisition import DeviceInfo, Gap
from usdk.errors import ArgumentError, DataDamagedError
from usdk.flow_overlay import FlowKind, FlowOverlay
from usdk.frame import Frame, Provenance
from usdk.io import load_frames, save_frames
from usdk.io.frame_overlay import OVERLAY_ARRAYS
from usdk.scan import Raster

_NAMES = ("about.npy", "pixels.npy", *(f"{name}.npy" for name in OVERLAY_ARRAYS))


def _frame(is_colour: bool) -> Frame:
    pixels = np.arange(6, dtype=np.uint8).reshape(2, 3)
    overlay = None
    if is_colour:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
        overlay = FlowOverlay(
            kind=FlowKind.VELOCITY,
            velocity_m_s=np.zeros((2, 3), np.float32),
            power_db=np.zeros((2, 3), np.float32),
            scale=(-0.5, 0.5),
            colours=np.array([[0, 0, 255], [255, 0, 0]], np.uint8),
            nyquist_m_s=0.5,
            prf_hz=4e3,
            frequency_hz=5e6,
            box=(0, 0, 2, 3),
            steering_rad=0.1,
            angle_rad=0.5,
        )
    return Frame(
        pixels=pixels,
        raster=Raster(x_m=0.0, z_m=1e-3, pixel_size_m=1e-3, n_rows=2, n_columns=3),
        dynamic_range_db=60.0,
        provenance=Provenance(
            probe="p",
            sequence="s",
            transmit_frequency_hz=5e6,
            sound_speed_m_s=1540.0,
            prf_hz=4e3,
            device=DeviceInfo(manufacturer="m", model="n"),
            gaps=(Gap(first_sequence_number=0, n_frames=1),),
            processing=(("a", "b"),),
        ),
        overlay=overlay,
    )


def seeds() -> list[bytes]:
    """Return files of grey and of coloured frames, whole and as entries."""
    found = []
    for is_colour in (False, True):
        path = scratch_folder() / "seed.npz"
        save_frames(path, [_frame(is_colour)] * 2, overwrite=True)
        with zipfile.ZipFile(path) as archive:
            entries = {name: archive.read(name) for name in archive.namelist()}
        found += [bytes((RAW,)) + path.read_bytes(), pieces_of(entries, _NAMES)]
    return found


def one_input(data: bytes) -> None:
    """Load, save, load: the second file holds as many frames, with the same pixels."""
    path = scratch_file(archive_of(data, _NAMES), "fuzz.npz")
    try:
        frames = load_frames(path)
    except DataDamagedError:
        return
    try:
        again = load_frames(save_frames(path, frames, overwrite=True))
    except ArgumentError:
        return
    assert len(again) == len(frames)
    for one, other in zip(frames, again, strict=True):
        assert np.array_equal(one.pixels, other.pixels)
        assert one.raster == other.raster
