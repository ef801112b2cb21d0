from __future__ import annotations

import hashlib
import io
import subprocess

import numpy as np
import pydicom
import pytest

from usdk.dicom import decoded_frames, provenance
from usdk.errors import ArgumentError, DataDamagedError, MissingExtraError, NotTrustedError
from usdk.trust import dicom_tags as tags
from usdk.trust import frame_digests, sign_dicom, sign_frame_digests, verify_dicom


def with_digests(ds):
    """Give an object the digests of its own decoded frames."""
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    buffer.seek(0)
    digests = [hashlib.sha256(frame).digest() for frame in decoded_frames(buffer)]
    block = ds.private_block(0x5553, "USDK", create=True)
    block.add_new(0x02, "OB", b"".join(digests))
    ds.SoftwareVersions = "1"


@pytest.fixture(scope="module")
def doubly_signed(tmp_path_factory, dicom, signer):
    """Return a file signed over its bytes, then over its frame digests, by kind."""
    folder = tmp_path_factory.mktemp("frames")

    def make(kind, change=None, **options):
        path = folder / f"{kind}.dcm"

        def both(ds):
            if change:
                change(ds)
            with_digests(ds)

        path.write_bytes(dicom(kind, both))
        sign_dicom(path, path, signer, **options)
        sign_frame_digests(path, path, signer, frame_decoder=decoded_frames)
        return path

    return make


@pytest.fixture(scope="module")
def verify(authority):
    def check(source, **options):
        options.setdefault("frame_decoder", decoded_frames)
        return verify_dicom(source, trusted_certificates=[authority.der], **options)

    return check


def transcode(dcmtk, tool, source, target, *options):
    command = [dcmtk(tool), *options, source, target]
    answer = subprocess.run(list(map(str, command)), capture_output=True, timeout=60, check=False)
    assert answer.returncode == 0, answer.stderr
    return target


def test_the_block_is_the_one_that_the_sdk_writes():
    assert frame_digests.PRIVATE_GROUP == provenance.PRIVATE_GROUP
    assert frame_digests.PRIVATE_CREATOR.decode() == provenance.PRIVATE_CREATOR


@pytest.mark.parametrize("kind", ["grey", "cine", "jpeg_ls_cine"])
def test_both_signatures_hold_before_transcoding_and_for_dcmsign(
    doubly_signed, verify, dcmsign, kind
):
    path = doubly_signed(kind)
    report = verify(path)
    assert report.problems == ()
    assert (report.pixels, report.n_frames) == ("AS SIGNED", 1 if kind == "grey" else 3)
    assert [s.is_valid for s in report.signatures] == [True, True]
    assert report.signatures[1].profiles == ("BASE",)
    assert tags.PIXEL_DATA in report.signatures[1].uncovered_tags
    assert dcmsign.verify(path, "+rc") == 0


@pytest.mark.parametrize("kind", ["grey", "cine", "jpeg_ls_cine"])
@pytest.mark.parametrize("tool", ["dcmcjpls", "dcmcrle"])
def test_the_content_is_proven_after_transcoding(
    tmp_path, doubly_signed, verify, dcmtk, tool, kind
):
    path = doubly_signed(kind)
    if kind == "jpeg_ls_cine":
        path = transcode(dcmtk, "dcmdjpls", path, tmp_path / "native.dcm")
    out = transcode(dcmtk, tool, path, tmp_path / "out.dcm")
    if kind == "jpeg_ls_cine" and tool == "dcmcjpls":
        # The same encoder on the same pixels: even the former bytes may be back.
        assert verify(out).is_valid
        return
    report = verify(out)
    assert report.problems == ()
    assert report.pixels == "TRANSCODED"
    assert report.n_frames == (1 if kind == "grey" else 3)
    assert [s.is_valid for s in report.signatures] == [False, True]
    assert set(report.uncovered_tags) <= frame_digests.changed_by_transcoding(
        frame_digests_file(out)
    )
    strict = verify(out, frame_decoder=None)
    assert not strict.is_valid
    assert strict.pixels == "NOT PROVEN"


def frame_digests_file(path):
    from usdk.trust.byte_source import MemorySource
    from usdk.trust.dicom_elements import read_dicom

    return read_dicom(MemorySource(path.read_bytes()))


def test_pixels_that_return_as_they_were_are_as_signed(tmp_path, doubly_signed, verify, dcmtk):
    path = doubly_signed("cine")
    there = transcode(dcmtk, "dcmcrle", path, tmp_path / "there.dcm")
    back = transcode(dcmtk, "dcmdrle", there, tmp_path / "back.dcm")
    report = verify(back)
    assert report.problems == ()
    assert report.pixels == "AS SIGNED"


def test_lossless_jpeg_and_back_adds_a_description_that_is_named(
    tmp_path, doubly_signed, verify, dcmtk
):
    path = doubly_signed("cine")
    there = transcode(dcmtk, "dcmcjpeg", path, tmp_path / "there.dcm", "+e1")
    back = transcode(dcmtk, "dcmdjpeg", there, tmp_path / "back.dcm")
    report = verify(back)
    assert report.problems == ()
    assert report.uncovered_tags == (tags.DERIVATION_DESCRIPTION,)
    strict = verify(back, frame_decoder=None)
    assert strict.problems == (
        "elements are not under the signature: (0008,2111) DerivationDescription",
    )


def test_a_decoder_that_is_not_installed_proves_nothing(tmp_path, doubly_signed, verify, dcmtk):
    def absent(file):
        raise MissingExtraError.for_extra("codecs", "Decoding")

    report = verify(rle(doubly_signed("cine"), tmp_path, dcmtk), frame_decoder=absent)
    assert not report.is_valid
    assert "not proven by frame digests: Decoding needs" in "; ".join(report.problems)


def test_other_lengths_of_sequences_change_nothing(tmp_path, doubly_signed, verify, dcmtk):
    path = doubly_signed("nested")
    out = transcode(dcmtk, "dcmconv", path, tmp_path / "out.dcm", "+te", "-e")
    assert verify(out).pixels == "AS SIGNED"


def test_implicit_vr_loses_the_private_elements_and_is_refused(
    tmp_path, doubly_signed, verify, dcmtk
):
    path = doubly_signed("grey")
    implicit = transcode(dcmtk, "dcmconv", path, tmp_path / "implicit.dcm", "+ti")
    with pytest.raises(DataDamagedError, match="transfer syntax"):
        verify(implicit)
    explicit = transcode(dcmtk, "dcmconv", implicit, tmp_path / "explicit.dcm", "+te")
    report = verify(explicit)
    assert not report.is_valid
    assert "signed elements are absent or cannot be signed: (5553,1002)" in str(report.problems)


def test_jpeg_2000_is_proven_though_it_names_its_own_colours(tmp_path, doubly_signed, verify):
    imagecodecs = pytest.importorskip("imagecodecs")

    def compress(ds):
        frames = [
            imagecodecs.jpeg2k_encode(f, codecformat="j2k", level=0, mct=True, reversible=True)
            for f in ds.pixel_array
        ]
        ds.file_meta.TransferSyntaxUID = pydicom.uid.JPEG2000Lossless
        ds.PixelData = pydicom.encaps.encapsulate(frames)
        ds["PixelData"].VR = "OB"
        ds.PhotometricInterpretation = "YBR_RCT"

    if not pydicom.pixels.get_decoder(pydicom.uid.JPEG2000Lossless).is_available:
        pytest.skip("pydicom has no decoder of JPEG 2000 here")
    report = verify(edited(doubly_signed("cine"), compress))
    assert report.problems == ()
    assert report.pixels == "TRANSCODED"
    assert tags.PHOTOMETRIC_INTERPRETATION in report.uncovered_tags


def edited(path, change):
    ds = pydicom.dcmread(path)
    change(ds)
    buffer = io.BytesIO()
    ds.save_as(buffer)
    return buffer.getvalue()


def rle(path, tmp_path, dcmtk):
    return transcode(dcmtk, "dcmcrle", path, tmp_path / "rle.dcm")


def reencoded(pixels):
    """Return a change that puts other native pixels into an object."""

    def change(ds):
        ds.PixelData = pixels(ds.pixel_array).tobytes()
        ds.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        ds.PlanarConfiguration = 0
        ds["PixelData"].VR = "OW"
        ds["PixelData"].is_undefined_length = False

    return change


def swapped(pixels):
    return pixels[[1, 0, 2]]


def one_bit(pixels):
    changed = pixels.copy()
    changed[2, 3, 4, 1] ^= 1
    return changed


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (reencoded(swapped), "frame 1 has not the digest"),
        (reencoded(one_bit), "frame 3 has not the digest"),
        (reencoded(lambda pixels: pixels[:2]), "not proven by frame digests"),
        (lambda ds: setattr(ds, "PatientName", "Other"), "does not fit"),
        (lambda ds: setattr(ds, "NumberOfFrames", 2), "does not fit"),
        (lambda ds: setattr(ds, "Rows", 4), "does not fit"),
        (lambda ds: setattr(ds, "PhotometricInterpretation", "YBR_FULL"), "not under"),
        (lambda ds: setattr(ds, "PatientComments", "added"), "not under the signature"),
        (lambda ds: setattr(ds[0x5553, 0x1002], "value", bytes(96)), "does not fit"),
        (lambda ds: ds.DigitalSignaturesSequence.pop(), "is not the file's"),
        (lambda ds: setattr(ds, "PixelData", pydicom.encaps.encapsulate([b"ab"] * 3)),
         "frame 1 is no RLE"),
    ],
)  # fmt: skip
def test_a_change_beside_the_transcoding_is_refused(
    tmp_path, doubly_signed, verify, dcmtk, change, reason
):
    out = rle(doubly_signed("cine"), tmp_path, dcmtk)
    assert verify(edited(out, lambda ds: None)).pixels == "TRANSCODED"
    report = verify(edited(out, change))
    assert not report.is_valid
    assert report.pixels == "NOT PROVEN"
    assert reason in "; ".join(report.problems)


def jpeg_ls(change):
    """Return a change that encodes an object's pixels anew, and then something else."""

    def both(ds):
        codec = pytest.importorskip("jpeg_ls")
        frames = [codec.encode(frame).tobytes() for frame in ds.pixel_array]
        ds.file_meta.TransferSyntaxUID = pydicom.uid.JPEGLSLossless
        ds.PixelData = pydicom.encaps.encapsulate(frames)
        ds["PixelData"].VR = "OB"
        change(ds, frames)

    return both


def test_frames_exchanged_behind_an_offset_table_are_refused(doubly_signed, verify):
    """The table leads one reader to the signed frames; others take the fragments in order."""

    def exchange(ds, frames):
        turned = [frames[2], frames[0], frames[1]]
        pixels, offsets, lengths = pydicom.encaps.encapsulate_extended(turned)
        ds.PixelData = pixels
        order = (1, 2, 0)
        entries = [(offsets[8 * n : 8 * n + 8], lengths[8 * n : 8 * n + 8]) for n in order]
        ds.ExtendedOffsetTable = b"".join(offset for offset, _ in entries)
        ds.ExtendedOffsetTableLengths = b"".join(length for _, length in entries)

    assert verify(edited(doubly_signed("cine"), jpeg_ls(lambda ds, frames: None))).is_valid
    report = verify(edited(doubly_signed("cine"), jpeg_ls(exchange)))
    assert report.pixels == "NOT PROVEN"
    assert "does not name the frames in their order" in report.problems[0]


@pytest.mark.parametrize(
    "change",
    [
        lambda ds, _: setattr(ds, "PhotometricInterpretation", "YBR_RCT"),
        lambda ds, _: ds.add_new(tags.DERIVATION_DESCRIPTION, "SQ", [pydicom.Dataset()]),
        lambda ds, _: ds.add_new(tags.DERIVATION_DESCRIPTION, "OB", b"pictures"),
    ],
)
def test_transcoding_changes_nothing_into_what_it_cannot_be(doubly_signed, verify, change):
    report = verify(edited(doubly_signed("cine"), jpeg_ls(change)))
    assert not report.is_valid
    assert report.pixels == "NOT PROVEN"


def test_the_monochrome_interpretation_cannot_be_inverted(tmp_path, doubly_signed, verify, dcmtk):
    out = rle(doubly_signed("grey"), tmp_path, dcmtk)
    inverted = edited(out, lambda ds: setattr(ds, "PhotometricInterpretation", "MONOCHROME1"))
    assert verify(out).is_valid
    assert not verify(inverted).is_valid


def test_a_stranger_beside_the_proof_is_not_superseded(
    tmp_path, doubly_signed, verify, dcmtk, issuer
):
    path = doubly_signed("cine")
    mixed = tmp_path / "mixed.dcm"
    stranger = issuer.leaf(issuer.authority("Stranger", key=2))
    sign_dicom(path, mixed, stranger.signer())
    report = verify(rle(mixed, tmp_path, dcmtk))
    assert not report.is_valid
    assert "signature 3: no certificate that you trust" in "; ".join(report.problems)


def test_the_creators_profile_is_met_through_the_digests(tmp_path, doubly_signed, verify, dcmtk):
    out = rle(doubly_signed("cine"), tmp_path, dcmtk)
    assert verify(out, profile="CREATOR").is_valid
    two = verify(out, profile=("CREATOR", "AUTHORIZATION"))
    assert two.problems == ("Creator and Authorization are not by as many signers",)


def test_the_decoder_is_not_asked_before_the_digests_are_signed(
    tmp_path, doubly_signed, verify, dcmtk
):
    def never(file):
        raise AssertionError("decoded before it was trusted")

    out = rle(doubly_signed("cine"), tmp_path, dcmtk)
    changed = edited(out, lambda ds: setattr(ds[0x5553, 0x1002], "value", bytes(96)))
    assert not verify(changed, frame_decoder=never).is_valid
    assert verify(doubly_signed("cine"), frame_decoder=never).is_valid


def test_the_decoder_reads_the_file_that_was_verified(tmp_path, doubly_signed, verify, dcmtk):
    """Another file under the same name by then is not what is decoded."""
    out = rle(doubly_signed("cine"), tmp_path, dcmtk)
    content = out.read_bytes()

    def decoder(file):
        out.unlink()
        out.write_bytes(b"other")
        assert file.read() == content
        file.seek(0)
        yield from decoded_frames(file)

    assert verify(out, frame_decoder=decoder).pixels == "TRANSCODED"


def test_an_object_without_digests_or_with_compressed_icons_is_refused(tmp_path, dicom, signer):
    path = tmp_path / "in.dcm"
    path.write_bytes(dicom("grey"))
    with pytest.raises(ArgumentError, match="carries no frame digests"):
        sign_frame_digests(path, path, signer, frame_decoder=decoded_frames)
    path.write_bytes(dicom("compressed_icon", with_digests))
    with pytest.raises(ArgumentError, match=r"inside \(0088,0200\)"):
        sign_frame_digests(path, path, signer, frame_decoder=decoded_frames)
    path.write_bytes(dicom("unknown", with_digests))
    with pytest.raises(ArgumentError, match="hold VR UN"):
        sign_frame_digests(path, path, signer, frame_decoder=decoded_frames)


def test_frames_are_compared_by_number_and_content():
    frames = [np.full(4, n, np.uint8).tobytes() for n in range(3)]
    digests = [hashlib.sha256(frame).digest() for frame in frames]
    assert frame_digests.compare_frames(digests, iter(frames)) == 3
    for wrong in (frames[:2], [*frames, frames[0]], frames[::-1], []):
        with pytest.raises(NotTrustedError):
            frame_digests.compare_frames(digests, iter(wrong))


def test_digests_that_are_not_the_frames_are_not_signed(tmp_path, dicom, signer):
    def wrong(ds):
        with_digests(ds)
        ds[0x5553, 0x1002].value = bytes(96)

    path = tmp_path / "in.dcm"
    path.write_bytes(dicom("cine", wrong))
    with pytest.raises(NotTrustedError, match="frame 1 has not the digest"):
        sign_frame_digests(path, tmp_path / "out.dcm", signer, frame_decoder=decoded_frames)
    assert not (tmp_path / "out.dcm").exists()
