from __future__ import annotations

from functools import partial

import pydicom
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from usdk.errors import ArgumentError, NotTrustedError, StorageError
from usdk.export import write_dicom
from usdk.export.sign_copy import sign_copy
from usdk.trust import RsaSigner, sign_dicom, verify_dicom
from usdk.trust.development_certificates import issue_development_certificates


@pytest.fixture(scope="module")
def identity():
    """An authority's certificate, a signing certificate and its key."""
    return issue_development_certificates()


@pytest.fixture(scope="module")
def signer(identity):
    _, certificate, key = identity
    return RsaSigner(key, certificate)


@pytest.fixture
def written(tmp_path, frame, signer):
    return write_dicom(tmp_path / "in.dcm", [frame], signer=signer)


def edited(path, change):
    ds = pydicom.dcmread(path)
    change(ds)
    ds.save_as(path)
    return path


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_sound_object_gets_one_more_signature(tmp_path, written, identity, signer):
    out = tmp_path / "out.dcm"
    uid = sign_copy(written, out, partial(sign_dicom, signer=signer))
    report = verify_dicom(out, trusted_certificates=[identity[0].public_bytes(Encoding.DER)])
    assert report.is_valid
    assert [s.signature_uid == uid for s in report.signatures] == [False, True]
    assert names(tmp_path) == ["in.dcm", "out.dcm"]


def test_an_object_that_would_mislead_is_not_signed(tmp_path, frame, signer):
    path = write_dicom(tmp_path / "in.dcm", [frame], signer=None)
    edited(path, lambda ds: setattr(ds.SequenceOfUltrasoundRegions[0], "PhysicalDeltaX", -1.0))
    out = tmp_path / "out.dcm"
    with pytest.raises(ArgumentError, match="PhysicalDeltaX"):
        sign_copy(path, out, partial(sign_dicom, signer=signer))
    assert names(tmp_path) == ["in.dcm"]
    sign_copy(path, out, partial(sign_dicom, signer=signer), unchecked=True)
    assert out.exists()


def test_an_object_that_was_changed_after_it_was_signed_is_not_signed_again(
    tmp_path, written, signer
):
    edited(written, lambda ds: setattr(ds, "PatientID", "OTHER"))
    with pytest.raises(NotTrustedError, match="does not fit"):
        sign_copy(written, tmp_path / "out.dcm", partial(sign_dicom, signer=signer))
    assert names(tmp_path) == ["in.dcm"]


def test_what_is_checked_is_what_is_signed(tmp_path, written, signer):
    """The input becomes another object between the check and the signature."""

    def sign(path_in, path_out):
        edited(written, lambda ds: setattr(ds, "PatientID", "OTHER"))
        return sign_dicom(path_in, path_out, signer)

    before = pydicom.dcmread(written).PatientID
    out = tmp_path / "out.dcm"
    sign_copy(written, out, sign)
    assert pydicom.dcmread(out).PatientID == before


def test_a_failure_leaves_what_was_there(tmp_path, written, signer):
    before = written.read_bytes()

    def fail(path_in, path_out):
        raise NotTrustedError("no")

    with pytest.raises(NotTrustedError):
        sign_copy(written, written, fail)
    assert written.read_bytes() == before
    assert names(tmp_path) == ["in.dcm"]
    with pytest.raises(StorageError):
        sign_copy(tmp_path / "absent.dcm", tmp_path / "out.dcm", fail)
