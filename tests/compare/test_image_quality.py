"""Pictures of known phantoms are as good as theory says, and as the documentation says."""

from __future__ import annotations

import importlib
import math
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy.signal import hilbert

import usdk
from usdk.acquisition import Acquisition
from usdk.beamform import Beamformer
from usdk.demodulation import demodulate
from usdk.quality import (
    Circle,
    Contrast,
    Ring,
    measure_contrast,
    measure_point_spread,
    rayleigh_cnr,
    rayleigh_gcnr,
)
from usdk.scan import LinearScan
from usdk_drivers.simulator import (
    EchoEngine,
    Lesion,
    SceneName,
    SimulatedFrontEnd,
    lesions_of,
    make_scene,
    simulated_probe,
    still_scene,
)

ROOT = Path(__file__).parents[2]
# |sinc| is one half here.
SINC_HALF = 0.603355
SOUND_SPEED_M_S = 1540.0


def recorded(probe: Any, scene: Any, sequence: Any, depth_m: float) -> Acquisition:
    with SimulatedFrontEnd(EchoEngine(probe, scene, noise_db=-math.inf)) as front_end:
        front_end.configure(sequence, depth_m=depth_m)
        return demodulate(front_end.read(timeout_s=60))


@pytest.mark.parametrize("f_number", [1.5, 2.0, 3.0])
def test_the_lateral_width_is_that_of_the_aperture(f_number: float) -> None:
    """Of one plane wave and a boxcar: 1.207 λ / 2 sin θ, the width of |sinc(2x sin θ / λ)|.

    θ is the aperture's half-angle, tan θ = 1 / 2F.
    Elements are narrow, so that all of the aperture hears alike. Measured: 0.2 to 0.6 % less.
    """
    probe = usdk.Probe.linear(
        "narrow elements",
        n_elements=128,
        pitch_m=0.2e-3,
        element_width_m=0.01e-3,
        centre_frequency_hz=7.6e6,
        fractional_bandwidth=0.5,
    )
    z_m = 20e-3
    scene = still_scene(np.array([[0.0, 0.0, z_m]]), np.ones(1))
    iq = recorded(probe, scene, usdk.plane_waves([0.0], n_cycles=4), 25e-3)
    scan = LinearScan(
        x_m=np.linspace(-3e-3, 3e-3, 181), z_m=z_m + np.linspace(-0.8e-3, 0.8e-3, 129)
    )
    plan = Beamformer.for_acquisition(iq, scan, f_number=f_number, window="boxcar")
    found = measure_point_spread(
        np.abs(plan(iq.data[0])), scan, (0.0, z_m), half_width_m=2.9e-3, half_depth_m=0.7e-3
    )
    wavelength_m = SOUND_SPEED_M_S / probe.centre_frequency_hz
    sine = math.sin(math.atan(1 / (2 * f_number)))
    assert found.fwhm_lateral_m == pytest.approx(SINC_HALF * wavelength_m / sine, rel=0.01)


def test_the_axial_width_is_that_of_the_pulse() -> None:
    """A Gaussian pulse of −6 dB bandwidth B has an envelope 4 ln 2 / πB long at its half.

    Measured: 0.35 % more, by the demodulator's filter.
    """
    probe, z_m = simulated_probe("linear-l11-5v"), 25e-3
    scene = still_scene(np.array([[0.0, 0.0, z_m]]), np.ones(1))
    # Four cycles: the probe itself hardly narrows the band.
    iq = recorded(probe, scene, usdk.plane_waves([0.0], n_cycles=4), 30e-3)
    scan = LinearScan(x_m=np.linspace(-2e-3, 2e-3, 81), z_m=z_m + np.linspace(-1.5e-3, 1.5e-3, 241))
    plan = Beamformer.for_acquisition(iq, scan, f_number=3.0)
    found = measure_point_spread(
        np.abs(plan(iq.data[0])), scan, (0.0, z_m), half_width_m=1.9e-3, half_depth_m=1.4e-3
    )
    bandwidth = 1 / math.hypot(1 / probe.fractional_bandwidth, 4 / 1.207)
    length_s = 4 * math.log(2) / (math.pi * bandwidth * probe.centre_frequency_hz)
    assert found.fwhm_axial_m == pytest.approx(length_s * SOUND_SPEED_M_S / 2, rel=0.01)


WAVES = {
    "linear-l11-5v": lambda probe: usdk.plane_waves([-3, 0, 3]),
    "phased-p4-2v": lambda probe: usdk.diverging_waves(probe, tilts_deg=[-4, 0, 4]),
    "convex-c5-2v": lambda probe: usdk.TransmitSequence(
        transmits=(usdk.DivergingWave(source_m=tuple(probe.centre_of_curvature_m)),)
    ),
}


@pytest.fixture(scope="module", params=WAVES)
def phantom(request: pytest.FixtureRequest) -> list[tuple[Lesion, Contrast]]:
    """Lesions before a simulated probe, and what is found of them."""
    probe = simulated_probe(request.param)
    lesions = lesions_of(probe)
    scene = make_scene(SceneName.LESIONS, probe, 3)
    iq = recorded(probe, scene, WAVES[request.param](probe), 1.3 * lesions[0].z_m)
    found = []
    for lesion in lesions:
        radius_m = lesion.radius_m
        scan = LinearScan(
            x_m=lesion.x_m + np.linspace(-1.7, 1.7, 121) * radius_m,
            z_m=lesion.z_m + np.linspace(-1.7, 1.7, 181) * radius_m,
        )
        options = {"f_number": 1.5, "window": "hann"} if probe.pitch_m < 3e-4 else {}
        image = np.abs(Beamformer.for_acquisition(iq, scan, **options)(iq.data[0]))
        contrast = measure_contrast(
            image,
            inside=Circle(lesion.x_m, lesion.z_m, 0.8 * radius_m),
            outside=Ring(lesion.x_m, lesion.z_m, 1.25 * radius_m, 1.6 * radius_m),
            on=scan,
        )
        found.append((lesion, contrast))
    return found


def test_lesions_are_as_bright_as_they_are(phantom: list[tuple[Lesion, Contrast]]) -> None:
    """Measured: within 0.8 dB; CNR within 0.16, gCNR within 0.09 of what Rayleigh's law gives."""
    for lesion, contrast in phantom[1:]:
        assert contrast.contrast_db == pytest.approx(lesion.level_db, abs=1.2)
        assert contrast.cnr == pytest.approx(rayleigh_cnr(lesion.level_db), abs=0.2)
        assert contrast.gcnr == pytest.approx(rayleigh_gcnr(lesion.level_db), abs=0.12)


def test_an_empty_cyst_is_dark(phantom: list[tuple[Lesion, Contrast]]) -> None:
    """Measured: −9.4, −17 and −9.0 dB; one to three waves leave much clutter."""
    _, contrast = phantom[0]
    assert contrast.contrast_db < -8
    assert contrast.gcnr > 0.6


def test_speckle_is_fully_developed(phantom: list[tuple[Lesion, Contrast]]) -> None:
    """Over the three rings, each of some hundred resolution cells. Measured: 1.78 to 1.88."""
    assert np.mean([c.speckle_snr for _, c in phantom]) == pytest.approx(1.91, abs=0.15)


# Contrast of cysts that another simulator made: (recording, least clutter to expect in dB).
CYSTS = {
    "simus/p4_2v_diverging7.npz": [-20.0, -13.0],
    "simus/c5_2v_allfire_sta12.npz": [-11.0],
    "simus/l11_5v_focused49.npz": [-21.0],
}


@pytest.mark.parametrize("name", CYSTS)
def test_cysts_of_another_simulator_are_dark(
    recording: Callable[[str], Acquisition], data_dir: Path, name: str
) -> None:
    """Measured: −22.0 and −15.0 dB phased, −12.6 dB convex (13 transmits), −22.9 dB focused."""
    iq = demodulate(recording(name))
    cysts = np.load(data_dir / name)["cysts_m"].tolist()
    for (x_m, z_m, radius_m), least_db in zip(cysts, CYSTS[name], strict=True):
        scan = LinearScan(
            x_m=x_m + np.linspace(-1.7, 1.7, 121) * radius_m,
            z_m=z_m + np.linspace(-1.7, 1.7, 241) * radius_m,
        )
        image = np.abs(Beamformer.for_acquisition(iq, scan)(iq.data[0]))
        found = measure_contrast(
            image,
            inside=Circle(x_m, z_m, 0.8 * radius_m),
            outside=Ring(x_m, z_m, 1.25 * radius_m, 1.6 * radius_m),
            on=scan,
        )
        assert found.contrast_db < least_db


PEERS: dict[str, tuple[str, float, list[tuple[float, float]]]] = {
    "refs/pybf_ultraspy127.npz": (
        "pybf/rf_dataset.hdf5",
        1.5,
        [(0.0, z_m) for z_m in (10.35e-3, 22.18e-3, 34.0e-3, 45.83e-3)],
    ),
    "refs/p4_2v_diverging7_ultraspy127.npz": (
        "simus/p4_2v_diverging7.npz",
        1.0,
        [(0.0, z_m) for z_m in (30e-3, 50e-3, 70e-3, 90e-3)],
    ),
}


@pytest.mark.parametrize("theirs", PEERS)
def test_points_and_cysts_measure_as_in_the_pictures_of_a_peer(
    recording: Callable[[str], Acquisition],
    data_file: Callable[[str], Path],
    data_dir: Path,
    theirs: str,
) -> None:
    """ultraspy's RF pictures and ours. Measured: widths 0.12 %, places 1.2 µm, cysts 0.04 dB."""
    ours, f_number, points_m = PEERS[theirs]
    with np.load(data_file(theirs)) as file:
        scan, peers_rf = LinearScan(x_m=file["x"], z_m=file["z"]), file["rf_bf"].T
    rf = recording(ours)
    plan = Beamformer.for_acquisition(rf, scan, f_number=f_number, window="boxcar", normalize=False)
    pictures = [np.abs(hilbert(picture, axis=1)) for picture in (peers_rf, plan(rf.data[0]))]
    for about_m in points_m:
        a, b = (
            measure_point_spread(p, scan, about_m, half_width_m=3e-3, half_depth_m=1e-3)
            for p in pictures
        )
        assert math.dist((a.x_m, a.z_m), (b.x_m, b.z_m)) < 3e-6
        assert a.fwhm_lateral_m == pytest.approx(b.fwhm_lateral_m, rel=3e-3)
        assert a.fwhm_axial_m == pytest.approx(b.fwhm_axial_m, rel=3e-3)
    if "pybf" not in ours:
        for x_m, z_m, radius_m in np.load(data_dir / ours)["cysts_m"].tolist():
            inside = Circle(x_m, z_m, 0.8 * radius_m)
            outside = Ring(x_m, z_m, 1.25 * radius_m, 1.6 * radius_m)
            c, d = (measure_contrast(p, inside=inside, outside=outside, on=scan) for p in pictures)
            assert c.contrast_db == pytest.approx(d.contrast_db, abs=0.1)
            assert c.gcnr == pytest.approx(d.gcnr, abs=0.02)
            assert c.cnr == pytest.approx(d.cnr, abs=0.02)


@pytest.fixture(scope="module")
def tables() -> Iterator[ModuleType]:
    """The script that writes the page, as a module."""
    folder = str(ROOT / "benchmarks/image_quality")
    sys.path.insert(0, folder)
    try:
        yield importlib.import_module("quality_tables")
    finally:
        sys.path.remove(folder)


def documented(subject: str) -> dict[str, list[str]]:
    """The rows of a table of the page, by method."""
    page = (ROOT / "docs/explanation/image-quality.md").read_text(encoding="utf-8")
    block = page.split(f"<!-- table: {subject} -->")[1].split(f"<!-- end: {subject} -->")[0]
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in block.splitlines()]
    return {row[0]: row[1:] for row in rows if len(row) > 1}


@pytest.mark.parametrize(
    "method", ["default", "Hann", "F-number 2.5", "incoherent", "coherence factor"]
)
def test_the_page_says_what_the_script_computes(tables: Any, method: str) -> None:
    methods = importlib.import_module("quality_methods")
    row = tables.measure(tables.SUBJECTS["pybf"], methods.ROWS["pybf"][method])
    written, computed = documented("pybf")[method], tables.cells(row)
    for there, here in zip(written, computed, strict=False):
        # Half a unit of the last figure may go either way on another machine.
        unit = 10.0 ** -len(there.partition(".")[2])
        assert number(there) == pytest.approx(number(here), abs=1.01 * unit)


def test_the_page_has_every_row(tables: Any) -> None:
    rows = importlib.import_module("quality_methods").ROWS
    for subject, methods in rows.items():
        assert list(documented(subject))[2:] == list(methods)


def number(text: str) -> float:
    assert re.fullmatch(r"−?\d+(\.\d+)?", text)
    return float(text.replace("−", "-"))
