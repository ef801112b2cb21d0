from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from pydicom import dcmread

from usdk.dicom import Unit, read_region_pictures
from usdk.errors import ArgumentError
from usdk.export import write_dicom


def flow_of(path):
    tissue, flow = read_region_pictures(path)
    return tissue, flow


@pytest.mark.parametrize("colour", ["rgb", "palette"])
@pytest.mark.parametrize("codec", ["native", "jpeg-ls"])
def test_velocities_come_back_from_the_colours(in_colour, study, tmp_path, colour, codec):
    path = write_dicom(
        tmp_path / "x.dcm", [in_colour], signer=None, study=study, colour=colour, codec=codec
    )
    tissue, flow = flow_of(path)
    values = flow.colour_values()
    assert flow.colour_table.unit is Unit.CM_PER_S
    overlay = in_colour.overlay
    top, left, bottom, right = overlay.box
    true_cm_s = overlay.velocity_m_s[top:bottom, left:right] * 100
    pixels = in_colour.pixels[top:bottom, left:right]
    is_coloured = np.ptp(pixels, axis=-1) > 0
    assert is_coloured.any()
    assert np.array_equal(np.isfinite(values), is_coloured)
    low, high = overlay.scale
    step_cm_s = (high - low) * 100 / overlay.colours.shape[-2]
    assert np.abs(values - true_cm_s)[is_coloured].max() <= step_cm_s / 2 + 1e-4
    with pytest.raises(ArgumentError, match="no table"):
        tissue.colour_values()


def test_power_is_in_db(in_colour, study, tmp_path):
    overlay = dataclasses.replace(in_colour.overlay, kind="power", scale=(-30.0, 0.0))
    frame = dataclasses.replace(in_colour, overlay=overlay)
    path = write_dicom(tmp_path / "x.dcm", [frame], signer=None, study=study)
    _, flow = flow_of(path)
    values = flow.colour_values()
    assert flow.colour_table.unit is Unit.DB
    assert np.nanmin(values) >= -30
    assert np.nanmax(values) <= 0


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PixelComponentOrganization", 1),
        ("TableOfPixelValues", [1, 2]),
        ("TableOfParameterValues", [1.0]),
        ("PixelComponentPhysicalUnits", 99),
    ],
)
def test_a_table_that_is_none_is_no_traceback(in_colour, study, tmp_path, keyword, value):
    path = write_dicom(tmp_path / "x.dcm", [in_colour], signer=None, study=study)
    dataset = dcmread(path)
    setattr(dataset.SequenceOfUltrasoundRegions[1], keyword, value)
    dataset.save_as(path)
    _, flow = flow_of(path)
    assert flow.colour_table is None
    with pytest.raises(ArgumentError, match="no table"):
        flow.colour_values()


def test_grey_pixels_have_no_colours(in_colour, study, tmp_path):
    path = write_dicom(tmp_path / "x.dcm", [in_colour], signer=None, study=study)
    _, flow = flow_of(path)
    with pytest.raises(ArgumentError, match="RGB"):
        flow.colour_table.values_of(np.zeros((4, 4), np.uint8))
