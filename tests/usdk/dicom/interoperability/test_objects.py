"""Every object in every codec, judged and decoded by tools that we did not write."""

from __future__ import annotations

import os

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.pixels import get_decoder, iter_pixels

from usdk.dicom import check_dicom, check_file
from usdk.dicom.codecs import CODECS, offset_table
from usdk.trust import verify_dicom

KINDS = [
    "grey still",
    "grey cine",
    "colour still",
    "colour cine",
    "palette still",
    "palette cine",
    "spectrum",
    "m-mode",
    "composed",
    "volume",
    "cine of volumes",
]
READ_BY_ALL = [codec for codec in CODECS if codec != "htj2k"]
DCMTK_DECODERS = {"native": "dcmconv", "jpeg-ls": "dcmdjpls", "rle": "dcmdrle"}


PAIRS = [(kind, codec) for kind in KINDS for codec in CODECS]
# Half of them, every kind and every codec among them; or all.
SAMPLE = PAIRS if os.environ.get("USDK_TEST_WHOLE") == "1" else PAIRS[::2]


@pytest.mark.parametrize(("kind", "codec"), SAMPLE)
def test_each_is_sound_signed_and_decoded_to_equal_pixels(
    write, identity, kind, codec, require_conformant, require_modules, dcmtk, gdcm_pixels, tmp_path
):
    written = write(kind, codec)
    path = written.path
    require_modules(written.dataset)
    assert check_dicom(dcmread(path)) == []
    assert verify_dicom(path, trusted_certificates=[identity.authority_pem]).is_valid
    assert equal(iter_pixels(path, raw=True), written.frames)
    if codec in READ_BY_ALL:
        require_conformant(path)
        assert dcmtk("dcmsign", "+cf", identity.authority_pem, "+rc", path).returncode == 0
        assert equal(gdcm_pixels(path, written), written.frames)
    if codec in DCMTK_DECODERS:
        plain = tmp_path / "plain.dcm"
        assert dcmtk(DCMTK_DECODERS[codec], path, plain).returncode == 0
        assert equal(iter_pixels(plain, raw=True), written.frames)


@pytest.mark.parametrize("codec", ["jpeg-2000", "htj2k"])
@pytest.mark.parametrize("kind", ["grey still", "colour cine"])
def test_openjpeg_decodes_what_was_encoded_to_rgb(write, kind, codec):
    pytest.importorskip("openjpeg")
    written = write(kind, codec)
    decoder = get_decoder(written.dataset.file_meta.TransferSyntaxUID)
    frames = decoder.iter_array(dcmread(written.path), raw=False, decoding_plugin="pylibjpeg")
    assert equal((pixels for pixels, _ in frames), written.frames)


def test_an_extended_offset_table_is_read_by_all(
    write, identity, monkeypatch, require_conformant, dcmtk, gdcm_pixels, tmp_path
):
    monkeypatch.setattr(offset_table, "MAX_VALUE_BYTES", 8000)
    written = write("grey cine", "jpeg-ls")
    path = written.path
    assert "ExtendedOffsetTable" in dcmread(path)
    assert check_file(path) == []
    require_conformant(path)
    assert dcmtk("dcmsign", "+cf", identity.authority_pem, "+rc", path).returncode == 0
    assert equal(gdcm_pixels(path, written), written.frames)
    assert equal(iter_pixels(path, raw=True), written.frames)
    assert dcmtk("dcmdjpls", path, tmp_path / "plain.dcm").returncode == 0
    assert equal(iter_pixels(tmp_path / "plain.dcm", raw=True), written.frames)


def equal(decoded, frames):
    decoded = list(decoded)
    return len(decoded) == len(frames) and all(
        np.array_equal(one, other) for one, other in zip(decoded, frames, strict=True)
    )
