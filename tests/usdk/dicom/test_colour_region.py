from __future__ import annotations

import dataclasses
import hashlib
import math

import numpy as np
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from pydicom import dcmread

from usdk.dicom import check_dicom, read_frames, read_regions, read_summary, us_image, us_multiframe
from usdk.dicom.provenance import read_frame_digests
from usdk.doppler.colours import colour_map
from usdk.errors import ArgumentError
from usdk.export import write_dicom
from usdk.flow_overlay import FlowKind, FlowOverlay
from usdk.trust import RsaSigner, verify_dicom
from usdk.trust.development_certificates import issue_development_certificates

CODECS = ["native", "jpeg-ls"]
BOX = (10, 20, 40, 80)
SCALE = (-0.2, 0.6)


@pytest.fixture
def in_colour(make_frame):
    """Return a maker of frames with a wedge of colours in a box."""

    def make(index=0, name="red-blue", **changes):
        grey = make_frame(index)
        colours = colour_map(name)
        rgb = np.repeat(grey.pixels[..., None], 3, axis=-1)
        table = colours.colours if colours.colours.ndim == 2 else colours.colours[7]
        values = np.full(grey.shape, np.nan, np.float32)
        rows, columns = slice(BOX[0], BOX[2]), slice(BOX[1], BOX[3])
        places = np.linspace(0, len(table) - 1, BOX[3] - BOX[1]).astype(int)
        rgb[rows, columns] = table[places]
        values[rows, columns] = places
        is_power = colours.kind in (FlowKind.POWER, FlowKind.DIRECTIONAL_POWER)
        low = 0.0 if colours.kind is FlowKind.POWER else 30.0
        options = {
            "kind": colours.kind,
            "velocity_m_s": values,
            "power_db": values,
            "scale": (-30.0, low) if is_power else SCALE,
            "colours": colours.colours,
            "nyquist_m_s": 0.4,
            "prf_hz": 4000.0,
            "frequency_hz": 5e6,
            "box": BOX,
            "steering_rad": math.radians(10),
            "angle_rad": math.radians(60),
        }
        overlay = FlowOverlay(**(options | changes))
        return dataclasses.replace(grey, pixels=rgb, overlay=overlay)

    return make


def saved(dataset, folder):
    path = folder / "image.dcm"
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("name", ["red-blue", "variance", "power", "directional power"])
def test_the_standards_validator_finds_no_error(
    in_colour, study, codec, name, tmp_path, require_conformant, require_modules
):
    dataset = us_image(in_colour(name=name), study=study, codec=codec)
    require_conformant(saved(dataset, tmp_path))
    require_modules(dataset)
    assert check_dicom(dataset) == []
    bits = "0101" if "power" in name else "0011"
    assert dataset.ImageType[3] == bits
    assert dataset.UltrasoundColorDataPresent == 1
    assert "PresentationLUTShape" not in dataset


@pytest.mark.parametrize("codec", CODECS)
def test_a_cine_in_colour_is_conformant_and_comes_back(
    in_colour, study, codec, tmp_path, require_conformant, require_modules
):
    cine = [in_colour(index) for index in range(4)]
    dataset = us_multiframe(cine, study=study, codec=codec)
    path = saved(dataset, tmp_path)
    require_conformant(path)
    require_modules(dataset)
    read = read_frames(path)
    assert len(read) == 4
    for one, other in zip(cine, read, strict=True):
        assert np.array_equal(one.pixels, other.pixels)
        assert one.provenance == other.provenance
        assert other.overlay is None
        assert one.raster.pixel_size_m == pytest.approx(other.raster.pixel_size_m)


def test_dcmtk_decodes_the_same_colours(in_colour, study, tmp_path, dcmtk):
    frame = in_colour()
    path = saved(us_image(frame, study=study, codec="jpeg-ls"), tmp_path)
    assert dcmtk("dcmdjpls", path, tmp_path / "plain.dcm").returncode == 0
    plain = dcmread(tmp_path / "plain.dcm")
    assert plain.PlanarConfiguration == 0
    assert np.array_equal(plain.pixel_array, frame.pixels)


def test_the_frame_digests_are_those_of_the_colours(in_colour, study):
    frame = in_colour()
    dataset = us_image(frame, study=study)
    assert read_frame_digests(dataset) == [hashlib.sha256(frame.pixels.tobytes()).digest()]


def test_the_box_is_a_region_of_colour_flow_with_its_own_calibration(in_colour, study):
    frame = in_colour()
    dataset = us_image(frame, study=study)
    tissue, flow = read_regions(dataset)
    assert (tissue.data_type, flow.data_type) == (1, 2)
    # The box overwrites the tissue: low priority below, high priority above.
    assert (tissue.flags, flow.flags) == (3, 2)
    assert (flow.min_y0, flow.min_x0, flow.max_y1, flow.max_x1) == (10, 20, 39, 79)
    assert flow.transducer_frequency_khz == 5000
    assert flow.pulse_repetition_frequency_hz == 4000
    assert (flow.delta_x, flow.delta_y) == (tissue.delta_x, tissue.delta_y)
    # Both regions say where one pixel lies, each counting from its own corner.
    places = []
    for region in (tissue, flow):
        column = 50 - region.min_x0 - region.reference_x0
        row = 30 - region.min_y0 - region.reference_y0
        places.append(
            (
                region.reference_value_x + column * region.delta_x,
                region.reference_value_y + row * region.delta_y,
            )
        )
    assert places[0] == pytest.approx(places[1], abs=1e-12)
    assert places[0] == pytest.approx(np.multiply(frame.position_m(30, 50), 100), abs=1e-9)
    item = dataset.SequenceOfUltrasoundRegions[1]
    assert item.SteeringAngle == pytest.approx(10)
    assert item.DopplerCorrectionAngle == pytest.approx(60)


@pytest.mark.parametrize(
    ("name", "units", "kind"),
    [("red-blue", 7, 3), ("variance", 7, 3), ("power", 2, 5), ("directional power", 2, 5)],
)
def test_colours_can_be_looked_up(in_colour, study, name, units, kind):
    frame = in_colour(name=name)
    item = us_image(frame, study=study).SequenceOfUltrasoundRegions[1]
    assert item.PixelComponentOrganization == 2
    assert (item.PixelComponentPhysicalUnits, item.PixelComponentDataType) == (units, kind)
    values = dict(zip(item.TableOfPixelValues, item.TableOfParameterValues, strict=True))
    assert len(values) == item.NumberOfTableEntries
    row = frame.pixels[BOX[0], BOX[1] : BOX[3]].astype(int)
    found = np.array([values[r << 16 | g << 8 | b] for r, g, b in row.tolist()])
    place = (frame.overlay.velocity_m_s[BOX[0], BOX[1] : BOX[3]] + 0.5) / 256
    low, high = frame.overlay.scale
    expected = low + (high - low) * place
    if name == "directional power":
        expected = np.abs(expected) - 30
    elif units == 7:
        expected *= 100
    # Rounded colours of neighbours may be equal.
    assert np.abs(found - expected).max() < 0.02 * (expected.max() - expected.min())
    assert not any(code >> 16 == (code >> 8 & 255) == (code & 255) for code in values)


def test_what_a_reader_is_told_of_the_box(in_colour, study, tmp_path):
    path = saved(us_image(in_colour(), study=study), tmp_path)
    summary = read_summary(path)
    assert "2-D colour flow, columns 20–79, rows 10–39" in str(summary)
    assert summary.photometric_interpretation == "RGB"
    assert summary.findings == ()


@pytest.mark.parametrize("codec", CODECS)
def test_a_signed_object_holds_for_dcmtk_and_a_changed_colour_breaks_it(
    in_colour, study, codec, tmp_path, dcmtk
):
    authority, certificate, key = issue_development_certificates()
    authority_pem = tmp_path / "ca.pem"
    authority_pem.write_bytes(authority.public_bytes(Encoding.PEM))
    frames = [in_colour(0), in_colour(1)]
    signer = RsaSigner(key, certificate)
    path = write_dicom(tmp_path / "x.dcm", frames, signer=signer, study=study, codec=codec)
    assert dcmtk("dcmsign", "+cf", authority_pem, "+rc", path).returncode == 0
    assert verify_dicom(path, trusted_certificates=[authority_pem]).is_valid
    data = bytearray(path.read_bytes())
    pixels = dcmread(path).PixelData
    data[data.index(pixels[:64]) + len(pixels) * 3 // 4] ^= 1
    path.write_bytes(data)
    assert not verify_dicom(path, trusted_certificates=[authority_pem]).is_valid


def test_colours_without_meaning_are_written_without_a_box(
    in_colour, study, tmp_path, require_conformant
):
    frame = dataclasses.replace(in_colour(), overlay=None)
    dataset = us_image(frame, study=study)
    require_conformant(saved(dataset, tmp_path))
    assert len(dataset.SequenceOfUltrasoundRegions) == 1
    assert dataset.ImageType[3] == "0001"
    assert dataset.UltrasoundColorDataPresent == 1


def test_a_frame_without_any_flow_stays_in_colour(in_colour, make_frame, study, tmp_path):
    grey = make_frame().pixels
    frame = dataclasses.replace(in_colour(), pixels=np.repeat(grey[..., None], 3, axis=-1))
    (read,) = read_frames(saved(us_image(frame, study=study), tmp_path))
    assert np.array_equal(read.pixels, frame.pixels)


@pytest.mark.parametrize(
    "changes",
    [
        {"scale": (-0.3, 0.6)},
        {"box": (10, 20, 40, 81)},
        {"prf_hz": 5000.0},
        {"steering_rad": math.nan},
    ],
)
def test_frames_whose_colours_differ_in_meaning_are_refused(in_colour, study, changes):
    with pytest.raises(ArgumentError, match="frame 2"):
        us_multiframe([in_colour(0), in_colour(1, **changes)], study=study)


def test_grey_and_colour_are_no_cine(in_colour, make_frame, study):
    with pytest.raises(ArgumentError, match="frame 2 is grey or"):
        us_multiframe([in_colour(0), make_frame(1)], study=study)
    bare = dataclasses.replace(in_colour(1), overlay=None)
    with pytest.raises(ArgumentError, match="frame 2"):
        us_multiframe([in_colour(0), bare], study=study)
