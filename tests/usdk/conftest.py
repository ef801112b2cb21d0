"""Small frames, a study of nobody, and the standard's own validator."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.datadict import tag_for_keyword

from usdk.acquisition import DeviceInfo
from usdk.dicom import Patient, Series, Study
from usdk.frame import Frame, Provenance
from usdk.scan import Raster

_HOST_TIME_S = 1_750_000_000.25
_INTERVAL_S = 1 / 30

FrameMaker = Callable[..., Frame]


@pytest.fixture(scope="session")
def make_frame() -> FrameMaker:
    """Return a maker of frames: a gradient with speckle, an odd number of pixels."""

    def make(index: int = 0, **changes: Any) -> Frame:
        raster = changes.pop(
            "raster",
            Raster(x_m=-11.513e-3, z_m=2.03e-3, pixel_size_m=0.2e-3, n_rows=61, n_columns=115),
        )
        shape = (raster.n_rows, raster.n_columns)
        speckle = np.random.default_rng(index).rayleigh(0.6, shape)
        grey = np.linspace(200, 30, raster.n_rows)[:, None] * speckle
        provenance = Provenance(
            probe="L11-5v",
            sequence="7 plane waves",
            transmit_frequency_hz=7.6e6,
            sound_speed_m_s=1540.0,
            prf_hz=5000.0,
            device=DeviceInfo(
                manufacturer="Example GmbH",
                model="Sonde 1",
                serial_number="SN-0042",
                firmware_version="1.4.2",
            ),
            processing=(("beamformer", "delay and sum"), ("dynamic_range_db", "60")),
        )
        provenance = dataclasses.replace(provenance, **changes.pop("provenance", {}))
        values = {
            "pixels": np.clip(grey, 0, 255).astype(np.uint8),
            "raster": raster,
            "dynamic_range_db": 60.0,
            "provenance": provenance,
            "sequence_number": index,
            "device_timestamp_s": 12.5 + index * _INTERVAL_S,
            "host_timestamp_s": _HOST_TIME_S + index * _INTERVAL_S,
        }
        return Frame(**(values | changes))

    return make


@pytest.fixture
def frame(make_frame: FrameMaker) -> Frame:
    return make_frame()


@pytest.fixture
def cine(make_frame: FrameMaker) -> list[Frame]:
    return [make_frame(index) for index in range(5)]


@pytest.fixture
def study() -> Study:
    return Study(
        patient=Patient(
            patient_name="Wang^XiaoDong=王^小东",
            patient_id="病历-7",
            patient_birth_date=date(1970, 2, 3),
            patient_sex="M",
        ),
        series=Series(series_description="Halsschlagader längs", examination="VASCULAR"),
        study_datetime=datetime(2025, 6, 15, 14, 30, 5, tzinfo=UTC),
        study_id="1",
        referring_physician_name="Müller^Jörg",
    )


@pytest.fixture(scope="session")
def require_conformant() -> Callable[[Path], None]:
    """Return a check by dciodvfy: no line begins with Error, and it exits with 0."""
    tool = shutil.which("dciodvfy")
    if tool is None:
        pytest.skip("dciodvfy (Debian's dicom3tools) is not installed")

    def check(path: Path) -> None:
        run = subprocess.run(
            [tool, "-new", path], capture_output=True, text=True, timeout=60, check=False
        )
        lines = (run.stderr + run.stdout).splitlines()
        assert [line for line in lines if line.startswith("Error")] == []
        assert run.returncode == 0
        kinds = ("USImage", "USMultiFrameImage", "EnhancedUltrasoundVolume")
        assert any(line in kinds for line in lines)

    return check


@pytest.fixture(scope="session")
def dcmtk() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a runner of DCMTK's tools, not of the scripts that share their names."""

    def run(tool: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        path = shutil.which(tool, path="/usr/bin")
        if path is None:
            pytest.skip(f"DCMTK's {tool} is not installed")
        return subprocess.run(
            [path, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
        )

    return run


@pytest.fixture(scope="session")
def require_modules() -> Callable[[Dataset], None]:
    """Return a check of Type 1 and Type 2 against the module tables that highdicom ships."""
    tables = pytest.importorskip("highdicom._standard_utils")

    def parents(dataset: Dataset, path: list[str]) -> list[Dataset]:
        items = [dataset]
        for keyword in path:
            items = [inner for item in items for inner in item.get(keyword, [])]
        return items

    def check(dataset: Dataset) -> None:
        iod = tables.get_sop_class_iod_map()[dataset.SOPClassUID]
        modules = {module["key"]: module["usage"] for module in tables.get_iod_module_map()[iod]}
        # Functional groups are listed whole, those that need not be there as well.
        needed = [key for key, usage in modules.items() if usage == "M" and "functional" not in key]
        n_checked = 0
        for module in [*needed, "us-region-calibration"]:
            if module == "us-region-calibration" and "SequenceOfUltrasoundRegions" not in dataset:
                continue
            for attribute in tables.get_module_attribute_map()[module]:
                keyword, kind = attribute["keyword"], attribute["type"]
                if tag_for_keyword(keyword) is None:
                    continue  # Newer or older than the dictionary.
                for item in parents(dataset, attribute["path"]):
                    where = f"{module}: {'.'.join([*attribute['path'], keyword])}"
                    if kind in ("1", "2"):
                        assert keyword in item, f"{where} is absent"
                        n_checked += 1
                    if kind == "1" or (kind == "1C" and keyword in item):
                        assert item[keyword].value not in (None, "", []), f"{where} is empty"
        assert n_checked > 30

    return check
