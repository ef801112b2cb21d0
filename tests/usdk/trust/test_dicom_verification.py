from __future__ import annotations

import io
import json
import random
from datetime import UTC, datetime, timedelta

import pydicom
import pytest
from cryptography.hazmat.primitives import hashes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from usdk.errors import ArgumentError, DataDamagedError, NotTrustedError, StorageError
from usdk.trust import dicom_tags as tags
from usdk.trust import sign_dicom, signature_check, verify_dicom
from usdk.trust.byte_source import MemorySource
from usdk.trust.dicom_elements import read_dicom


@pytest.fixture(scope="module")
def signed(tmp_path_factory, dicom, signer):
    """Return signed bytes by kind; `change` edits the data set before it is signed."""
    folder = tmp_path_factory.mktemp("signed")

    def make(kind="grey", change=None, by=signer, **options):
        path = folder / "object.dcm"
        path.write_bytes(dicom(kind, change))
        sign_dicom(path, path, by, **options)
        return path.read_bytes()

    return make


@pytest.fixture(scope="module")
def verify(authority):
    def check(data, **options):
        options.setdefault("trusted_certificates", [authority.der])
        return verify_dicom(data, **options)

    return check


def is_refused(verify, data):
    try:
        return not verify(data).is_valid
    except DataDamagedError:
        return True


def edited(data, change):
    ds = pydicom.dcmread(io.BytesIO(data))
    change(ds)
    buffer = io.BytesIO()
    ds.save_as(buffer)
    return buffer.getvalue()


def test_what_dcmsign_signs_is_accepted(tmp_path, dicom, dcmsign, verify, leaf, kind):
    (tmp_path / "in.dcm").write_bytes(dicom(kind))
    out = tmp_path / "out.dcm"
    assert dcmsign.sign(tmp_path / "in.dcm", out) == 0
    report = verify(out, allow_uncovered=kind == "unknown")
    assert report.problems == ()
    assert report.signer.profile == "CREATOR"
    assert report.signer.subject == "CN=Test signer"
    assert report.signer.issuer == "CN=Test authority"
    assert report.uncovered_tags == ((0x00081032, 0x00131001) if kind == "unknown" else ())


@pytest.mark.parametrize(
    "options",
    [("+m3",), ("+m5",), ("+sp", "1"), ("+sp", "18"), ("-e",)],
)
def test_each_option_of_dcmsign_is_accepted(tmp_path, dicom, dcmsign, verify, options):
    (tmp_path / "in.dcm").write_bytes(dicom("nested"))
    out = tmp_path / "out.dcm"
    assert dcmsign.sign(tmp_path / "in.dcm", out, *options) == 0
    assert verify(out).problems == ()


@pytest.mark.parametrize("option", ["+mr", "+ms", "+mm"])
def test_weak_digests_of_dcmsign_are_refused(tmp_path, dicom, dcmsign, verify, option):
    (tmp_path / "in.dcm").write_bytes(dicom())
    out = tmp_path / "out.dcm"
    assert dcmsign.sign(tmp_path / "in.dcm", out, option) == 0
    assert verify(out).problems == (
        "signature 1: the MAC algorithm is none of SHA256, SHA384, SHA512",
    )


def test_a_signature_of_dcmsign_inside_an_item_is_checked(tmp_path, dicom, dcmsign, verify, leaf):
    (tmp_path / "in.dcm").write_bytes(dicom("nested"))
    inside, both = tmp_path / "inside.dcm", tmp_path / "both.dcm"
    item = "SequenceOfUltrasoundRegions[0]"
    keys = (leaf.key_path, leaf.certificate_path)
    assert dcmsign.run("+m2", "+si", *keys, item, tmp_path / "in.dcm", inside) == 0
    report = verify(inside)
    assert report.problems == ("not signed",)
    assert report.signatures[0].is_valid
    assert report.signatures[0].location == "(0018,6011)[1]"
    assert dcmsign.sign(inside, both) == 0
    assert verify(both).problems == ()
    data = both.read_bytes()
    # The inner signature's own bytes are under no other signature.
    element = next(e for e in read_dicom(MemorySource(data)).elements if e.tag == 0x00186011)
    inner = next(e for e in element.items[0].elements if e.tag == tags.DIGITAL_SIGNATURES_SEQUENCE)
    changed = bytearray(data)
    changed[inner.end - 1] ^= 1
    assert verify(bytes(changed)).problems == (
        "signature 2: the signature does not fit: signed elements or the signature were changed",
    )


def test_the_report_says_who_signed_what_when(signed, verify, leaf):
    before = datetime.now(UTC).replace(microsecond=0)
    data = signed("cine", purpose=14)
    report = verify(data)
    file = read_dicom(MemorySource(data))
    outside = (tags.MAC_PARAMETERS_SEQUENCE, tags.DIGITAL_SIGNATURES_SEQUENCE)
    only = report.signer
    assert report.is_valid
    assert only.covered_tags == tuple(e.tag for e in file.elements if e.tag not in outside)
    assert tags.PIXEL_DATA in only.covered_tags
    assert only.uncovered_tags == ()
    assert before <= only.signed_at <= datetime.now(UTC)
    assert (only.algorithm, only.purpose, only.profile) == ("RSA-SHA256", "14", "CREATOR")
    assert only.certificate_sha256 == leaf.certificate.fingerprint(hashes.SHA256()).hex()
    text = json.dumps(report.to_dict())
    assert json.loads(text)["signatures"][0]["n_covered"] == len(only.covered_tags)
    assert "7fe0,0010" in text
    assert report.require_valid() is report


def test_no_value_of_the_object_is_in_the_report_or_the_error(signed, verify):
    data = edited(signed(), lambda ds: setattr(ds, "PatientID", "SECRET"))
    report = verify(data)
    with pytest.raises(NotTrustedError, match="does not fit") as caught:
        report.require_valid()
    shown = json.dumps(report.to_dict()) + str(caught.value)
    assert "SECRET" not in shown
    assert "dd^N" not in shown


def test_an_unsigned_object_is_not_valid(dicom, verify, kind):
    report = verify(dicom(kind))
    assert not report.is_valid
    assert report.problems == ("not signed",)
    with pytest.raises(NotTrustedError, match="not signed"):
        report.require_valid()


def test_bytes_and_path_are_judged_alike(tmp_path, signed, verify):
    data = signed()
    (tmp_path / "a.dcm").write_bytes(data)
    assert verify(tmp_path / "a.dcm").signatures == verify(data).signatures
    assert verify(str(tmp_path / "a.dcm")).is_valid


@pytest.mark.parametrize(
    "change",
    [
        lambda ds: setattr(ds, "PatientName", "Other"),
        lambda ds: setattr(ds, "PatientComments", "added"),
        lambda ds: ds.add_new(0x00111001, "LO", "added"),
        lambda ds: ds.add_new(0x00111001, "UN", b"ab"),
        lambda ds: setattr(ds, "ProcedureCodeSequence", []),
        lambda ds: setattr(ds, "ProcedureCodeSequence", [Dataset()]),
        lambda ds: ds.add_new(0xFFFA0001, "LO", "hidden"),
        lambda ds: delattr(ds, "StudyDate"),
        lambda ds: delattr(ds, "PatientBirthDate"),
        lambda ds: setattr(ds, "PixelData", bytes(64)),
        lambda ds: setattr(ds["PixelData"], "VR", "OB"),
        lambda ds: ds.DigitalSignaturesSequence.clear(),
        lambda ds: ds.MACParametersSequence.clear(),
        lambda ds: delattr(ds, "DigitalSignaturesSequence"),
        lambda ds: delattr(ds, "MACParametersSequence"),
    ],
)  # fmt: skip
def test_an_object_changed_after_signing_is_refused(signed, verify, change):
    data = signed()
    assert verify(edited(data, lambda ds: None)).is_valid
    report = verify(edited(data, change))
    assert not report.is_valid


def test_an_added_element_is_named_and_can_be_allowed(signed, verify):
    data = edited(signed(), lambda ds: setattr(ds, "PatientComments", "added"))
    report = verify(data)
    assert report.problems == ("elements are not under the signature: (0010,4000)",)
    assert report.uncovered_tags == (0x00104000,)
    assert verify(data, allow_uncovered=True).is_valid


def mac(ds):
    return ds.MACParametersSequence[0]


def signature(ds):
    return ds.DigitalSignaturesSequence[0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda ds: setattr(mac(ds), "MACAlgorithm", "SHA1"), "MAC algorithm is none"),
        (lambda ds: setattr(mac(ds), "MACAlgorithm", "SHA512"), "does not fit"),
        (lambda ds: setattr(mac(ds), "MACCalculationTransferSyntaxUID", "1.2.840.10008.1.2.5"),
         "MACCalculationTransferSyntaxUID is not the file's"),
        (lambda ds: setattr(mac(ds), "MACCalculationTransferSyntaxUID", "1.2.840.10008.1.2"),
         "MACCalculationTransferSyntaxUID is not the file's"),
        (lambda ds: setattr(mac(ds), "MACIDNumber", 9), "0 items"),
        (lambda ds: ds.MACParametersSequence.append(mac(ds)), "2 items"),
        (lambda ds: mac(ds).DataElementsSigned.pop(), "does not fit"),
        (lambda ds: mac(ds).DataElementsSigned.append(0x7FE10010), "absent"),
        (lambda ds: mac(ds).DataElementsSigned.append(0x00080016), "repeats a tag"),
        (lambda ds: mac(ds).DataElementsSigned.insert(0, 0x7FE00010), "not ascending"),
        (lambda ds: setattr(mac(ds), "DataElementsSigned", None), "is empty"),
        (lambda ds: delattr(mac(ds), "DataElementsSigned"), "DataElementsSigned is absent"),
        (lambda ds: delattr(mac(ds), "MACAlgorithm"), "MACAlgorithm is absent"),
        (lambda ds: setattr(signature(ds), "MACIDNumber", 9), "0 items"),
        (lambda ds: setattr(signature(ds), "MACIDNumber", [0, 0]), "not one number"),
        (lambda ds: setattr(signature(ds), "CertificateType", "X509"), "certificate type"),
        (lambda ds: setattr(signature(ds), "DigitalSignatureUID", "1.2.3"), "does not fit"),
        (lambda ds: delattr(signature(ds), "DigitalSignatureUID"), "is absent"),
        (lambda ds: setattr(signature(ds), "DigitalSignatureDateTime", "20260101120000+0000"),
         "not fit"),
        (lambda ds: setattr(signature(ds), "DigitalSignatureDateTime", "2026"), "no date"),
        (lambda ds: setattr(signature(ds), "DigitalSignatureDateTime", "20260230120000"),
         "no date"),
        (lambda ds: setattr(signature(ds), "CertificateOfSigner", b"0\x82\xff\xff"), "length"),
        (lambda ds: setattr(signature(ds), "CertificateOfSigner", b""), "cannot be read"),
        (lambda ds: setattr(signature(ds), "CertificateOfSigner", b"0\x02\x05\x00"),
         "cannot be read"),
        (lambda ds: setattr(signature(ds), "Signature", b"ab"), "has not the length"),
        (lambda ds: setattr(signature(ds), "Signature", bytes(256)), "does not fit"),
        (lambda ds: setattr(signature(ds), "Signature", signature(ds).Signature + b"ab"),
         "has not the length"),
        (lambda ds: delattr(signature(ds), "Signature"), "Signature is absent"),
        (lambda ds: setattr(signature(ds), "DigitalSignaturePurposeCodeSequence", []),
         "exactly one item"),
        (lambda ds: setattr(ds.file_meta, "MediaStorageSOPInstanceUID", "1.2.3"),
         "MediaStorageSOPInstanceUID is not the data set's"),
        (lambda ds: setattr(ds.file_meta, "MediaStorageSOPClassUID", "1.2.3"),
         "MediaStorageSOPClassUID is not the data set's"),
    ],
)  # fmt: skip
def test_a_changed_signature_is_refused_with_the_reason(signed, verify, change, reason):
    report = verify(edited(signed(), change))
    assert not report.is_valid
    assert reason in "; ".join(report.problems)


def test_a_signature_of_another_object_is_refused(signed, verify):
    donor = pydicom.dcmread(io.BytesIO(signed()))

    def transplant(ds):
        ds.MACParametersSequence = donor.MACParametersSequence
        ds.DigitalSignaturesSequence = donor.DigitalSignaturesSequence

    assert not verify(edited(signed(), transplant)).is_valid


def test_signed_parts_of_two_objects_do_not_make_one(tmp_path, dicom, dcmsign, verify):
    """Two partial signatures that both hold and together cover all are still refused."""
    path = tmp_path / "in.dcm"
    path.write_bytes(dicom())
    keywords = [e.tag for e in pydicom.dcmread(path)]
    header = [a for t in keywords if t != tags.PIXEL_DATA for a in ("-t", f"{t:08x}")]
    header = [f"{a[:4]},{a[4:]}" if len(a) == 8 else a for a in header]
    one, two = tmp_path / "one.dcm", tmp_path / "two.dcm"
    leaf = dcmsign.leaf
    keys = ("+m2", "+s", leaf.key_path, leaf.certificate_path)
    assert dcmsign.run(*header, *keys, path, one) == 0
    assert dcmsign.run("-t", "7fe0,0010", *keys, one, two) == 0
    report = verify(two)
    assert all(s.is_valid for s in report.signatures)
    assert report.uncovered_tags == (tags.PIXEL_DATA,)
    assert "elements are not under the signature: (7fe0,0010) PixelData" in report.problems


def test_one_bad_signature_of_two_refuses_the_object(tmp_path, dicom, signer, verify, issuer):
    path = tmp_path / "a.dcm"
    path.write_bytes(dicom())
    sign_dicom(path, path, signer)
    stranger = issuer.leaf(issuer.authority("Stranger", key=2))
    sign_dicom(path, path, stranger.signer())
    report = verify(path)
    assert [s.is_valid for s in report.signatures] == [True, False]
    assert not report.is_valid
    assert report.signer == report.signatures[0]


def test_every_changed_byte_is_refused(signed, verify):
    """One bit of each byte of the data set, at random; the signature's sequences included.

    The preamble and the file meta information before it are under no signature.
    """
    data = signed("nested", purpose=14)
    start = read_dicom(MemorySource(data)).elements[0].offset
    choice = random.Random(20260102)
    accepted = []
    for offset in range(start, len(data)):
        changed = bytearray(data)
        changed[offset] ^= 1 << choice.randrange(8)
        if not is_refused(verify, bytes(changed)):
            accepted.append(offset)
    assert accepted == []


def test_every_changed_byte_of_compressed_pixels_is_refused(signed, verify):
    data = signed("jpeg_ls_cine")
    pixels = next(e for e in read_dicom(MemorySource(data)).elements if e.tag == tags.PIXEL_DATA)
    for offset in range(pixels.offset, pixels.end):
        changed = bytearray(data)
        changed[offset] ^= 1 << offset % 8
        assert is_refused(verify, bytes(changed)), offset


def test_a_changed_byte_of_what_is_under_no_signature_is_the_only_one_accepted(signed, verify):
    data = signed()
    file = read_dicom(MemorySource(data))
    checked = {
        tags.TRANSFER_SYNTAX_UID,
        tags.MEDIA_STORAGE_SOP_CLASS_UID,
        tags.MEDIA_STORAGE_SOP_INSTANCE_UID,
        tags.FILE_META_INFORMATION_GROUP_LENGTH,
    }
    for offset in range(128):
        changed = bytearray(data)
        changed[offset] ^= 1
        assert not verify(bytes(changed)).is_valid
        assert verify(bytes(changed), allow_uncovered=True).is_valid
    for element in file.meta:
        for offset in range(element.value_offset, element.value_end):
            changed = bytearray(data)
            changed[offset] ^= 1
            assert is_refused(verify, bytes(changed)) == (element.tag in checked)


def test_changed_content_is_refused_by_dcmsign_too(tmp_path, signed, verify, dcmsign):
    """Values alone: dcmsign re-encodes lengths, reserved bytes and delimiters before it hashes."""
    data = signed("nested")
    file = read_dicom(MemorySource(data))
    path = tmp_path / "changed.dcm"
    choice = random.Random(7)
    leaves = []

    def collect(elements):
        for element in elements:
            for item in element.items or ():
                collect(item.elements)
            if element.items is None and element.value_end > element.value_offset:
                leaves.append(element)

    collect(e for e in file.elements if e.tag != tags.MAC_PARAMETERS_SEQUENCE)
    for element in leaves:
        offset = choice.randrange(element.value_offset, element.value_end)
        changed = bytearray(data)
        changed[offset] ^= 1 << choice.randrange(7)
        path.write_bytes(changed)
        assert is_refused(verify, bytes(changed)), hex(element.tag)
        assert dcmsign.verify(path, "+rc") != 0, hex(element.tag)


def test_a_file_cut_anywhere_is_refused(signed, verify):
    data = signed("undefined_lengths")
    for length in range(len(data)):
        assert is_refused(verify, data[:length]), length


def test_a_cut_file_of_fragments_is_refused(signed, verify):
    data = signed("jpeg_ls_cine")
    for length in range(len(data)):
        assert is_refused(verify, data[:length]), length


def test_bytes_after_the_end_are_refused(signed, verify):
    data = signed()
    for more in (b"\0", b"\0" * 8, b"\xff" * 12, data[-100:], data):
        assert is_refused(verify, data + more)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_damaged_bytes_raise_nothing_but_the_typed_error(signed_once, verify, data):
    original = signed_once
    changed = bytearray(original)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(changed)))
        length = data.draw(st.integers(0, 12))
        changed[at : at + length] = data.draw(st.binary(max_size=12))
    try:
        is_valid = verify(bytes(changed)).is_valid
    except DataDamagedError:
        return
    if is_valid:
        assert data_set_of(bytes(changed)) == data_set_of(original)


def data_set_of(data):
    return data[read_dicom(MemorySource(data)).elements[0].offset :]


@pytest.fixture(scope="module")
def signed_once(signed):
    return signed("undefined_lengths", purpose=1)


def test_an_expired_certificate_is_refused(tmp_path, dicom, dcmsign, issuer, authority, verify):
    (tmp_path / "in.dcm").write_bytes(dicom())
    out = tmp_path / "out.dcm"
    old = issuer.leaf(authority, days=(-10, -2))
    keys = ("+pc", "+m2", "+s", old.key_path, old.certificate_path)
    assert dcmsign.run(*keys, tmp_path / "in.dcm", out) == 0
    text = "; ".join(verify(out).problems)
    assert "expired" in text
    assert "no certificate that you trust vouches" in text
    assert "was not valid when it signed" in text
    back = verify(out, moment=datetime.now(UTC) - timedelta(days=5))
    assert "signature 1: the signature's time lies in the future" in back.problems


def test_an_archived_object_is_judged_at_the_time_of_receipt(signed, verify):
    data = signed()
    later = datetime.now(UTC) + timedelta(days=1000)
    assert not verify(data, moment=later).is_valid
    assert verify(data, moment=datetime.now(UTC)).is_valid


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"usage": False}, "digitalSignature"),
        ({"usage": {"key_encipherment": True}}, "digitalSignature"),
        ({"usage": {"key_cert_sign": True}}, "digitalSignature"),
    ],
)
def test_a_certificate_without_the_key_usage_is_refused(
    tmp_path, dicom, dcmsign, issuer, authority, verify, usage, options, reason
):
    asserted = options["usage"]
    bad = issuer.leaf(authority, usage=usage(**asserted) if asserted else False)
    (tmp_path / "in.dcm").write_bytes(dicom())
    out = tmp_path / "out.dcm"
    keys = ("+pc", "+m2", "+s", bad.key_path, bad.certificate_path)
    assert dcmsign.run(*keys, tmp_path / "in.dcm", out) == 0
    assert dcmsign.verify(out) == 0  # dcmsign does not look at it
    assert reason in "; ".join(verify(out).problems)


def test_another_authority_is_not_trusted(signed, verify, issuer):
    data = signed()
    other = issuer.authority("Test authority", key=2)  # same name, other key
    report = verify(data, trusted_certificates=[other.der])
    assert "no certificate that you trust vouches" in report.problems[0]
    both = verify(data, trusted_certificates=[other.der, issuer.authority("x", key=2).der])
    assert not both.is_valid


def test_more_signatures_than_the_limit_are_refused(tmp_path, dicom, signer, verify, monkeypatch):
    path = tmp_path / "a.dcm"
    path.write_bytes(dicom())
    sign_dicom(path, path, signer)
    sign_dicom(path, path, signer)
    monkeypatch.setattr(signature_check, "MAX_SIGNATURES", 1)
    assert "more than 1 signatures" in verify(path).problems


def test_arguments_that_cannot_be_used_are_refused(signed, verify, authority):
    data = signed()
    for options in (
        {"trusted_certificates": []},
        {"trusted_certificates": authority.der},
        {"moment": datetime(2026, 1, 1)},
        {"profile": "NONE"},
    ):
        with pytest.raises(ArgumentError):
            verify(data, **options)
    with pytest.raises(StorageError):
        verify("/nonexistent/file.dcm")
    with pytest.raises(DataDamagedError):
        verify(data, trusted_certificates=[b"not a certificate"])
