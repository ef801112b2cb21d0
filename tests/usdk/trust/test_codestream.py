from __future__ import annotations

import numpy as np
import pydicom
import pytest

from usdk.errors import ArgumentError
from usdk.trust import sign_dicom, verify_dicom
from usdk.trust.byte_source import MemorySource
from usdk.trust.codestream import stream_kind, transfer_syntax_problem
from usdk.trust.dicom_elements import read_dicom

JPEG_LS = "1.2.840.10008.1.2.4.80"
PIXELS = np.random.default_rng(3).integers(0, 256, (40, 50), np.uint8)


def with_syntax(ds, uid):
    ds.file_meta.TransferSyntaxUID = uid
    for parameters in ds.get("MACParametersSequence", ()):
        parameters.MACCalculationTransferSyntaxUID = uid


@pytest.mark.parametrize(
    "uid",
    [
        "1.2.840.10008.1.2.4.50",
        "1.2.840.10008.1.2.4.70",
        "1.2.840.10008.1.2.4.90",
        "1.2.840.10008.1.2.4.201",
        "1.2.840.10008.1.2.5",
        "1.2.840.10008.1.2.1.98",
        "1.2.840.10008.1.2.4.102",
    ],
)
def test_the_transfer_syntax_cannot_be_exchanged_though_it_is_not_signed(
    tmp_path, dicom, signer, authority, uid
):
    path = tmp_path / "signed.dcm"
    path.write_bytes(dicom("jpeg_ls_cine"))
    sign_dicom(path, path, signer)
    assert verify_dicom(path, trusted_certificates=[authority.der]).is_valid
    ds = pydicom.dcmread(path)
    with_syntax(ds, uid)
    ds.save_as(path)
    report = verify_dicom(path, trusted_certificates=[authority.der], allow_uncovered=True)
    assert [s.is_valid for s in report.signatures] == [True]
    (problem,) = report.problems
    assert "TransferSyntaxUID is not that of the compressed pixels, which are JPEG-LS" in problem


def test_pixels_of_another_kind_than_is_said_are_not_signed(tmp_path, dicom, signer):
    path = tmp_path / "in.dcm"
    path.write_bytes(dicom("jpeg_ls_cine", lambda ds: with_syntax(ds, "1.2.840.10008.1.2.5")))
    with pytest.raises(ArgumentError, match="is not that of the compressed pixels"):
        sign_dicom(path, path, signer, allow_uncovered=True)


@pytest.mark.parametrize(
    ("encoder", "options", "kind"),
    [
        ("jpeg8_encode", {}, "baseline"),
        ("ljpeg_encode", {}, "lossless"),
        ("jpegls_encode", {}, "JPEG-LS"),
        ("jpegls_encode", {"level": 3}, "JPEG-LS near-lossless"),
        ("jpeg2k_encode", {"codecformat": "j2k"}, "JPEG 2000"),
        ("jpeg2k_encode", {"codecformat": "jp2"}, "JPEG 2000"),
        ("htj2k_encode", {}, "HTJ2K"),
    ],
)
def test_streams_are_told_by_their_heads(encoder, options, kind):
    imagecodecs = pytest.importorskip("imagecodecs")
    data = getattr(imagecodecs, encoder)(PIXELS, **options)
    assert stream_kind(bytes(data[:4096])) == kind
    for length in range(64):
        stream_kind(bytes(data[:length]))


def test_other_bytes_are_of_no_known_kind():
    rle = (1).to_bytes(4, "little") + (64).to_bytes(4, "little") + bytes(56)
    assert stream_kind(rle) == "RLE"
    for head in (b"", b"\xff\xd8", bytes(64), PIXELS.tobytes()[:64], rle[:63]):
        assert stream_kind(head) is None


def test_native_pixels_are_not_asked(dicom):
    for kind in ("grey", "jpeg_ls_cine"):
        assert transfer_syntax_problem(read_dicom(MemorySource(dicom(kind)))) is None


def test_a_stream_that_allows_errors_is_not_lossless(dicom):
    jpeg_ls = pytest.importorskip("jpeg_ls")

    def lossy(ds):
        frames = [jpeg_ls.encode(PIXELS[:16, :16].copy(), lossy_error=2).tobytes()] * 3
        ds.PixelData = pydicom.encaps.encapsulate(frames)

    problem = transfer_syntax_problem(read_dicom(MemorySource(dicom("jpeg_ls_cine", lossy))))
    assert problem is not None
    assert "near-lossless" in problem
