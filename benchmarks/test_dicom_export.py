"""Cines to signed DICOM objects: frames per second, seconds of processor per 100 MB, memory.

Run as a script it prints one line for each case::

    python benchmarks/test_dicom_export.py
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from usdk.export import write_dicom
from usdk.frame import Frame, Provenance
from usdk.scan import Raster
from usdk.trust import RsaSigner, verify_dicom
from usdk.trust.development_certificates import issue_development_certificates

N_ROWS, N_COLUMNS = 480, 640
N_PICTURES = 12


@dataclass(frozen=True)
class Case:
    """A cine and how it is written."""

    codec: str
    n_frames: int
    is_colour: bool


CASES = [
    Case("jpeg-ls", 600, True),
    Case("native", 360, False),
    Case("native", 120, True),
    Case("jpeg-2000", 120, True),
    Case("htj2k", 600, True),
    Case("rle", 120, True),
]


def pictures(is_colour: bool) -> list[np.ndarray]:
    """Return a sector of speckle 60 dB deep, of the size that a beam gives it, and a vessel."""
    rng = np.random.default_rng(6)
    y, x = np.mgrid[:N_ROWS, :N_COLUMNS]
    made = []
    for index in range(N_PICTURES):
        spectrum = np.fft.fft2(rng.normal(size=(2, N_ROWS, N_COLUMNS)))
        frequencies = np.fft.fftfreq(N_ROWS)[:, None] ** 2 * 9 + np.fft.fftfreq(N_COLUMNS) ** 2 * 25
        real, imaginary = np.fft.ifft2(spectrum * np.exp(-19.7 * frequencies)).real
        level_db = 20 * np.log10(np.hypot(real, imaginary) + 1e-9)
        level_db -= level_db.max() + 15.0 * y / N_ROWS
        grey = np.clip(level_db / 60 + 1, 0, 1) * 255
        grey[np.abs(x - N_COLUMNS / 2) > 40 + 0.6 * y] = 0
        picture = grey.astype(np.uint8)
        if is_colour:
            rgb = np.repeat(picture[..., None], 3, axis=-1)
            vessel = np.hypot((x - 320) / 110, (y - 240 - 3 * index) / 30) < 1
            speed = np.clip(200 - picture[vessel] // 3, 0, 255)
            rgb[vessel] = np.stack([speed, speed // 4, np.zeros_like(speed)], axis=-1)
            picture = rgb
        made.append(picture)
    return made


def frames(case: Case, made: list[np.ndarray]) -> Iterator[Frame]:
    """Yield the cine, each frame when it is asked for."""
    raster = Raster(x_m=-0.05, z_m=0.0, pixel_size_m=1.5e-4, n_rows=N_ROWS, n_columns=N_COLUMNS)
    provenance = Provenance(
        probe="L11-5v", sequence="7 plane waves", transmit_frequency_hz=7.6e6, sound_speed_m_s=1540
    )
    for index in range(case.n_frames):
        yield Frame(
            pixels=made[index % len(made)],
            raster=raster,
            dynamic_range_db=60.0,
            provenance=provenance,
            sequence_number=index,
            device_timestamp_s=index / 60,
        )


@pytest.fixture(scope="module")
def signer() -> RsaSigner:
    _, certificate, key = issue_development_certificates()
    return RsaSigner(key, certificate)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_write_dicom(benchmark, case, signer, tmp_path):
    made = pictures(case.is_colour)
    benchmark.extra_info["n_frames"] = case.n_frames
    path = benchmark.pedantic(
        lambda: write_dicom(
            tmp_path / "x.dcm", frames(case, made), signer=signer, codec=case.codec
        ),
        rounds=1,
        warmup_rounds=1,
    )
    assert verify_dicom(path, trusted_certificates=[signer.certificate_der]).is_valid


def measure(case: Case) -> str:
    """Write a cine in a process of its own and return one line of figures."""
    warnings.simplefilter("ignore")
    _, certificate, key = issue_development_certificates()
    signer = RsaSigner(key, certificate)
    made = pictures(case.is_colour)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.dcm"
        write_dicom(path, frames(Case(case.codec, 12, case.is_colour), made), signer=signer)
        before_kb = _memory_kb("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # The peak counts from here.
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        write_dicom(path, frames(case, made), signer=signer, codec=case.codec)
        wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
        extra_mb = (_memory_kb("VmHWM") - before_kb) / 1024
        n_bytes = case.n_frames * made[0].nbytes
        return (
            f"{case.codec:<10} {'RGB' if case.is_colour else 'grey':<5} {case.n_frames:4d} frames "
            f"{n_bytes / 1e6:6.1f} MB: {case.n_frames / wall_s:7.1f} frames/s, "
            f"{cpu_s / n_bytes * 1e8:5.2f} s of processor per 100 MB, "
            f"ratio {n_bytes / path.stat().st_size:5.2f}, {extra_mb:5.1f} MB more memory"
        )


def _memory_kb(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


if __name__ == "__main__":
    for each in CASES:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            print(pool.apply(measure, (each,)), flush=True)
