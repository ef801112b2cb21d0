from __future__ import annotations

import io
import os
import threading
import tracemalloc

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file

from usdk.errors import (
    ArgumentError,
    DataDamagedError,
    NotTrustedError,
    StateError,
    StorageError,
)
from usdk.trust import dicom_tags as tags
from usdk.trust import sign_dicom, signature_insertion, verify_dicom
from usdk.trust.byte_source import MemorySource
from usdk.trust.dicom_elements import read_dicom
from usdk.trust.dicom_encoding import encode_element


@pytest.fixture
def path(tmp_path, dicom):
    path = tmp_path / "in.dcm"
    path.write_bytes(dicom("grey"))
    return path


def test_dcmsign_accepts_what_is_signed_here(tmp_path, dicom, signer, dcmsign, kind):
    path = tmp_path / "in.dcm"
    path.write_bytes(dicom(kind))
    sign_dicom(path, tmp_path / "out.dcm", signer, allow_uncovered=kind == "unknown")
    assert dcmsign.verify(tmp_path / "out.dcm") == 0
    assert dcmsign.verify(tmp_path / "out.dcm", "+rc") == 0


@pytest.mark.parametrize("algorithm", ["SHA256", "SHA384", "SHA512"])
@pytest.mark.parametrize("purpose", [None, 1, 14, 17])
def test_dcmsign_accepts_each_algorithm_and_purpose(
    tmp_path, path, signer, dcmsign, authority, algorithm, purpose
):
    out = tmp_path / "out.dcm"
    sign_dicom(path, out, signer, algorithm=algorithm, purpose=purpose)
    assert dcmsign.verify(out, "+rc") == 0
    report = verify_dicom(out, trusted_certificates=[authority.der]).require_valid()
    assert report.signer.algorithm == f"RSA-{algorithm}"
    assert report.signer.purpose == (str(purpose) if purpose else None)


@pytest.mark.parametrize(
    "name",
    ["examples_rgb_color.dcm", "examples_palette.dcm", "examples_jpeg2k.dcm", "US1_UNCI.dcm",
     "US1_J2KI.dcm", "US1_UNCR.dcm", "OBXXXX1A_2frame.dcm", "OBXXXX1A_rle_2frame.dcm"],
)  # fmt: skip
def test_a_real_object_is_signed_and_accepted_by_both(tmp_path, signer, authority, dcmsign, name):
    source = get_testdata_file(name, download=False)
    if source is None:
        pytest.skip("pydicom-data is not installed")
    out = tmp_path / "out.dcm"
    try:
        sign_dicom(source, out, signer)
    except ArgumentError:
        sign_dicom(source, out, signer, allow_uncovered=True)
        report = verify_dicom(out, trusted_certificates=[authority.der], allow_uncovered=True)
        assert not verify_dicom(out, trusted_certificates=[authority.der]).is_valid
    else:
        report = verify_dicom(out, trusted_certificates=[authority.der])
    assert report.problems == ()
    assert dcmsign.verify(out, "+rc") == 0


def test_pydicom_reads_the_same_elements_and_pixels(tmp_path, dicom, signer, kind):
    data = dicom(kind)
    (tmp_path / "in.dcm").write_bytes(data)
    sign_dicom(tmp_path / "in.dcm", tmp_path / "out.dcm", signer, allow_uncovered=kind == "unknown")
    before = pydicom.dcmread(io.BytesIO(data))
    after = pydicom.dcmread(tmp_path / "out.dcm")
    np.testing.assert_array_equal(after.pixel_array, before.pixel_array)
    assert len(after.DigitalSignaturesSequence) == 1
    del after.DigitalSignaturesSequence
    del after.MACParametersSequence
    assert after == before


def test_every_byte_of_the_input_is_kept_in_order(tmp_path, dicom, signer, kind):
    data = dicom(kind)
    (tmp_path / "in.dcm").write_bytes(data)
    out = tmp_path / "out.dcm"
    sign_dicom(tmp_path / "in.dcm", out, signer, allow_uncovered=kind == "unknown")
    signed = out.read_bytes()
    for tag in (tags.DIGITAL_SIGNATURES_SEQUENCE, tags.MAC_PARAMETERS_SEQUENCE):
        element = next(e for e in read_dicom(MemorySource(signed)).elements if e.tag == tag)
        signed = signed[: element.offset] + signed[element.end :]
    assert signed == data


def test_the_file_may_be_signed_in_place(path, signer, authority):
    os.chmod(path, 0o640)  # noqa: PTH101
    sign_dicom(path, path, signer)
    assert verify_dicom(path, trusted_certificates=[authority.der]).is_valid
    assert path.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_symbolic_link_stays_a_link(path, signer, authority):
    link = path.with_name("link.dcm")
    link.symlink_to(path)
    sign_dicom(link, link, signer)
    assert link.is_symlink()
    assert verify_dicom(path, trusted_certificates=[authority.der]).is_valid


def test_three_signatures_have_three_mac_ids_and_all_hold(path, signer, authority, dcmsign):
    uids = [sign_dicom(path, path, signer) for _ in range(3)]
    report = verify_dicom(path, trusted_certificates=[authority.der])
    assert report.problems == ()
    assert [s.mac_id for s in report.signatures] == [0, 1, 2]
    assert [s.signature_uid for s in report.signatures] == uids
    assert all(uid.startswith("2.25.") and len(uid) <= 64 for uid in uids)
    assert dcmsign.verify(path, "+rc") == 0


def test_a_signature_is_added_to_that_of_dcmsign(tmp_path, path, signer, authority, dcmsign):
    for options in ((), ("-e",)):
        theirs, ours = tmp_path / "theirs.dcm", tmp_path / "ours.dcm"
        assert dcmsign.sign(path, theirs, *options) == 0
        sign_dicom(theirs, ours, signer)
        assert len(verify_dicom(ours, trusted_certificates=[authority.der]).signatures) == 2
        assert verify_dicom(ours, trusted_certificates=[authority.der]).problems == ()
        assert dcmsign.verify(ours, "+rc") == 0


def test_dcmsign_adds_a_signature_to_ours(tmp_path, path, signer, authority, dcmsign):
    sign_dicom(path, path, signer)
    assert dcmsign.sign(path, tmp_path / "both.dcm") == 0
    report = verify_dicom(tmp_path / "both.dcm", trusted_certificates=[authority.der])
    assert report.problems == ()
    assert len(report.signatures) == 2


def test_group_lengths_of_the_two_sequences_are_dropped(
    tmp_path, dicom, signer, authority, dcmsign, insert
):
    path = tmp_path / "in.dcm"
    path.write_bytes(dicom())
    sign_dicom(path, path, signer)
    data = path.read_bytes()
    for tag in (0x4FFE0000, 0xFFFA0000):
        data = insert(data, tag, encode_element(tag, "UL", bytes(4)))
    path.write_bytes(data)
    assert verify_dicom(path, trusted_certificates=[authority.der]).problems == ()
    sign_dicom(path, path, signer)
    found = {e.tag for e in read_dicom(MemorySource(path.read_bytes())).elements}
    assert not found & {0x4FFE0000, 0xFFFA0000}
    assert verify_dicom(path, trusted_certificates=[authority.der]).problems == ()
    assert dcmsign.verify(path, "+rc") == 0


def test_no_more_signatures_are_added_than_are_verified(path, signer, monkeypatch):
    monkeypatch.setattr(signature_insertion, "MAX_SIGNATURES", 1)
    sign_dicom(path, path, signer)
    with pytest.raises(StateError, match="has 1 signatures"):
        sign_dicom(path, path, signer)


def test_unknown_elements_are_refused_unless_allowed(tmp_path, dicom, signer, authority):
    path = tmp_path / "in.dcm"
    path.write_bytes(dicom("unknown"))
    with pytest.raises(ArgumentError, match=r"\(0008,1032\), \(0013,1001\)"):
        sign_dicom(path, path, signer)
    sign_dicom(path, path, signer, allow_uncovered=True)
    strict = verify_dicom(path, trusted_certificates=[authority.der])
    assert strict.problems == ("elements are not under the signature: (0008,1032), (0013,1001)",)
    loose = verify_dicom(path, trusted_certificates=[authority.der], allow_uncovered=True)
    assert loose.is_valid
    assert loose.uncovered_tags == (0x00081032, 0x00131001)


@pytest.mark.parametrize("keyword", ["SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"])
def test_the_creator_profile_needs_its_identifiers(tmp_path, dicom, signer, authority, keyword):
    data = dicom("grey", lambda ds: delattr(ds, keyword))
    path = tmp_path / "in.dcm"
    path.write_bytes(data)
    with pytest.raises(ArgumentError, match=keyword):
        sign_dicom(path, path, signer)
    assert path.read_bytes() == data


def test_the_base_profile_needs_none_of_them(tmp_path, dicom, signer, authority):
    path = tmp_path / "in.dcm"
    path.write_bytes(dicom("grey", lambda ds: delattr(ds, "StudyInstanceUID")))
    sign_dicom(path, path, signer, profile="BASE")
    creator = verify_dicom(path, trusted_certificates=[authority.der])
    assert creator.problems == ("no signature covers what the Creator RSA profile wants",)
    base = verify_dicom(path, trusted_certificates=[authority.der], profile="BASE")
    assert base.is_valid
    assert base.signer.profile == "BASE"


@pytest.mark.parametrize(
    "options", [{"algorithm": "SHA1"}, {"purpose": 0}, {"purpose": 19}, {"profile": "OTHER"}]
)
def test_an_option_that_does_not_exist_is_refused(path, signer, options):
    before = path.read_bytes()
    with pytest.raises(ArgumentError):
        sign_dicom(path, path, signer, **options)
    assert path.read_bytes() == before


class Liar:
    """A signer whose key is not its certificate's."""

    def __init__(self, honest, other):
        self.honest, self.certificate_der = honest, other

    def sign_digest(self, digest, algorithm):
        return self.honest.sign_digest(digest, algorithm)


def test_a_signer_with_another_key_than_it_says_leaves_no_file(path, signer, issuer, authority):
    other = issuer.leaf(authority, "Other", key=2)
    with pytest.raises(NotTrustedError, match="does not hold"):
        sign_dicom(path, path.with_name("out.dcm"), Liar(signer, other.der))
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_certificate_that_may_not_sign_is_refused(path, issuer, authority, usage):
    before = path.read_bytes()
    for options, reason in (
        ({"days": (-10, -1)}, "expired"),
        ({"days": (1, 10)}, "not yet valid"),
        ({"usage": usage(key_encipherment=True)}, "digitalSignature"),
    ):
        with pytest.raises(NotTrustedError, match=reason):
            sign_dicom(path, path, issuer.leaf(authority, **options).signer())
    assert path.read_bytes() == before


def test_a_missing_input_and_a_missing_folder_are_storage_errors(path, signer):
    with pytest.raises(StorageError, match="cannot read"):
        sign_dicom(path.with_name("absent.dcm"), path, signer)
    with pytest.raises(StorageError, match="cannot write"):
        sign_dicom(path, path.parent / "absent" / "out.dcm", signer)


def test_a_named_pipe_is_refused_and_does_not_hang(path, signer):
    pipe = path.with_name("pipe")
    os.mkfifo(pipe)
    with pytest.raises(StorageError, match="regular file"):
        sign_dicom(pipe, path, signer)


def test_an_interrupted_signer_leaves_the_file_as_it_was(path, signer):
    class Unplugged:
        certificate_der = signer.certificate_der

        def sign_digest(self, digest, algorithm):
            raise KeyboardInterrupt

    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        sign_dicom(path, path, Unplugged())
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_signature_sequence_that_is_no_sequence_is_refused(tmp_path, dicom, signer):
    path = tmp_path / "in.dcm"
    path.write_bytes(dicom("grey", lambda ds: ds.add_new(0xFFFAFFFA, "OB", b"ab")))
    with pytest.raises(DataDamagedError, match="is not a sequence"):
        sign_dicom(path, path, signer)


def test_files_are_signed_in_parallel(tmp_path, dicom, signer, authority):
    paths = [tmp_path / f"{n}.dcm" for n in range(8)]
    for path in paths:
        path.write_bytes(dicom())
    threads = [threading.Thread(target=sign_dicom, args=(p, p, signer)) for p in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(verify_dicom(p, trusted_certificates=[authority.der]).is_valid for p in paths)


def test_memory_does_not_grow_with_the_pixels(tmp_path, dicom, signer, authority):
    def long(ds):
        ds.add_new(0x7FE00010, "OW", bytes(24 << 20))

    path = tmp_path / "long.dcm"
    path.write_bytes(dicom("grey", long))
    tracemalloc.start()
    try:
        sign_dicom(path, path, signer)
        assert verify_dicom(path, trusted_certificates=[authority.der]).is_valid
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert path.stat().st_size > 24 << 20
    assert peak < 5 << 20
