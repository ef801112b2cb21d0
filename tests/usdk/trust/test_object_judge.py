"""What a verifier must refuse, one case each: structure, signatures, certificates, demands."""

from __future__ import annotations

import io
import struct
from datetime import UTC, datetime, timedelta

import pydicom
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from usdk.errors import ArgumentError, DataDamagedError, NotTrustedError
from usdk.trust import dicom_elements, sign_dicom, signature_check, verify_dicom
from usdk.trust import dicom_tags as tags
from usdk.trust.byte_source import MemorySource
from usdk.trust.dicom_elements import read_dicom
from usdk.trust.dicom_encoding import encode_element, encode_item, encode_sequence


@pytest.fixture
def signed(tmp_path, dicom, signer):
    def make(kind="grey", *signers, change=None, **options):
        path = tmp_path / "object.dcm"
        path.write_bytes(dicom(kind, change))
        for one in signers or (signer,):
            sign_dicom(path, path, one, **options)
        return path

    return make


@pytest.fixture
def verify(authority):
    def check(source, **options):
        options.setdefault("trusted_certificates", [authority.der])
        return verify_dicom(source, **options)

    return check


def edited(path, change):
    ds = pydicom.dcmread(path)
    change(ds)
    buffer = io.BytesIO()
    ds.save_as(buffer)
    return buffer.getvalue()


def moved(data, tag, before):
    """Return the file with one element before another: out of order, or twice."""
    elements = {e.tag: e for e in read_dicom(MemorySource(data)).elements}
    one, other = elements[tag], elements[before]
    raw = data[one.offset : one.end]
    return data[: other.offset] + raw + data[other.offset :]


def test_reordered_and_duplicated_elements_are_damaged_data(signed, verify):
    data = signed().read_bytes()
    elements = {e.tag: e for e in read_dicom(MemorySource(data)).elements}
    name = elements[0x00100010]
    twice = data[: name.end] + data[name.offset : name.end] + data[name.end :]
    other = data[name.offset : name.value_offset] + b"OTHER^PERSON"[: name.n_bytes].ljust(
        name.n_bytes
    )
    for changed in (
        moved(data, 0x00100010, 0x00080016),
        moved(data, 0x00080016, 0x00100010),
        twice,
        data[: name.end] + other + data[name.end :],
    ):
        with pytest.raises(DataDamagedError, match="repeated or out of ascending order"):
            verify(changed)


def test_swapped_frames_and_items_are_refused(signed, verify):
    def swap_frames(ds):
        half = len(ds.PixelData) // 3
        pixels = ds.PixelData
        ds.PixelData = pixels[half : 2 * half] + pixels[:half] + pixels[2 * half :]

    def swap_items(ds):
        items = ds.SequenceOfUltrasoundRegions
        items[0], items[1] = items[1], items[0]

    assert "does not fit" in str(verify(edited(signed("cine"), swap_frames)).problems)
    assert "does not fit" in str(verify(edited(signed("nested"), swap_items)).problems)


def test_swapped_fragments_of_compressed_pixels_are_refused(signed, verify):
    data = signed("jpeg_ls_cine").read_bytes()
    pixels = next(e for e in read_dicom(MemorySource(data)).elements if e.tag == tags.PIXEL_DATA)
    first, second, third = (data[start - 8 : stop] for start, stop in pixels.fragments[1:])
    at = pixels.fragments[1][0] - 8
    end = pixels.fragments[3][1]
    for order in ((second, first, third), (first, second), (first, first, second, third)):
        changed = data[:at] + b"".join(order) + data[end:]
        assert "does not fit" in str(verify(changed).problems)


def test_a_second_pixel_data_inside_an_icon_is_an_addition(signed, verify):
    def add(ds):
        icon = pydicom.Dataset()
        icon.PixelData = b"abcd"
        icon["PixelData"].VR = "OB"
        ds.IconImageSequence = [icon]

    assert verify(edited(signed(), add)).problems == (
        "elements are not under the signature: (0088,0200)",
        "no signature covers what the Creator RSA profile wants",
    )


@pytest.fixture(scope="module")
def bad_leaves(issuer, authority, usage):
    """Signing certificates that are not for signing objects, by why."""
    digital = usage(digital_signature=True)

    def leaf(*extensions):
        return issuer.issue("Bad", issuer=authority, key=1, extensions=extensions)

    def purposes(*oids):
        return x509.ExtendedKeyUsage(list(oids))

    return {
        "for TLS": leaf(digital, purposes(ExtendedKeyUsageOID.SERVER_AUTH)),
        "for TLS, not": leaf(
            digital,
            purposes(ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.EMAIL_PROTECTION),
        ),
        "certificate authority": leaf(x509.BasicConstraints(True, None), digital),
        "digitalSignature": leaf(usage(content_commitment=True)),
        "not yet valid": issuer.leaf(authority, days=(5, 9)),
        "expired": issuer.leaf(authority, days=(-9, -5)),
    }


@pytest.mark.parametrize(
    "reason",
    ["for TLS", "for TLS, not", "certificate authority", "digitalSignature", "not yet valid",
     "expired"],
)  # fmt: skip
def test_a_certificate_of_the_wrong_kind_signs_nothing_and_verifies_nothing(
    tmp_path, dicom, dcmsign, bad_leaves, verify, reason
):
    bad = bad_leaves[reason]
    source, out = tmp_path / "in.dcm", tmp_path / "out.dcm"
    source.write_bytes(dicom("grey"))
    with pytest.raises(NotTrustedError, match=reason):
        sign_dicom(source, out, bad.signer())
    pair = ("+pc", "+m2", "+s", bad.key_path, bad.certificate_path)
    assert dcmsign.run(*pair, source, out) == 0
    report = verify(out)
    assert reason in "; ".join(report.problems)
    with pytest.raises(NotTrustedError, match=reason):
        report.require_valid()


def test_a_revoked_certificate_is_refused_by_both(
    signed, verify, authority, leaf, tmp_path, dcmsign
):
    now = datetime.now(UTC)
    revoked = (
        x509.RevokedCertificateBuilder()
        .serial_number(leaf.certificate.serial_number)
        .revocation_date(now - timedelta(days=1))
        .build()
    )

    def published(*entries):
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(authority.certificate.subject)
            .last_update(now - timedelta(days=2))
            .next_update(now + timedelta(days=2))
        )
        for entry in entries:
            builder = builder.add_revoked_certificate(entry)
        return builder.sign(authority.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    path = signed()
    assert verify(path, revocation_lists=[published()]).is_valid
    report = verify(path, revocation_lists=[published(revoked)])
    assert "was revoked" in "; ".join(report.problems)
    listed = tmp_path / "crl.pem"
    listed.write_bytes(published(revoked))
    assert dcmsign.verify(path, "+cr", listed, "+rc") != 0


@pytest.fixture(scope="module")
def physician(issuer, authority):
    return issuer.leaf(authority, "Physician", key=2)


def test_a_second_person_authorises_what_the_first_created(
    signed, verify, signer, physician, dcmsign
):
    path = signed("nested")
    sign_dicom(path, path, physician.signer(), profile="AUTHORIZATION", purpose=5)
    both = ("CREATOR", "AUTHORIZATION")
    report = verify(path, profile=both)
    assert report.problems == ()
    assert [s.subject for s in report.signatures] == ["CN=Test signer", "CN=Physician"]
    assert report.signatures[1].profiles == ("BASE", "CREATOR", "AUTHORIZATION")
    assert report.signatures[1].purpose == "5"
    assert dcmsign.verify(path, "+rc") == 0
    assert dcmsign.verify(path, "+ru") == 0


def test_a_stripped_second_signature_is_refused_where_it_is_demanded(
    signed, verify, signer, physician
):
    path = signed("grey", signer, physician.signer())

    def strip(ds):
        ds.DigitalSignaturesSequence.pop()
        ds.MACParametersSequence.pop()

    alone = edited(path, strip)
    assert verify(alone).is_valid
    report = verify(alone, profile=("CREATOR", "AUTHORIZATION"))
    assert report.problems == ("Creator and Authorization are not by as many signers",)


def test_one_person_is_not_two(signed, verify, signer):
    report = verify(signed("grey", signer, signer), profile=("AUTHORIZATION", "CREATOR"))
    assert report.problems == ("Authorization and Creator are not by as many signers",)


def test_an_authorization_needs_not_the_equipment(tmp_path, dicom, dcmsign, leaf, verify):
    """Signed by dcmsign over all but the manufacturer: no Creator's, still an Authorization."""
    source, out = tmp_path / "in.dcm", tmp_path / "out.dcm"
    source.write_bytes(dicom("grey"))
    present = [e.tag for e in read_dicom(MemorySource(source.read_bytes())).elements]
    chosen = [
        word
        for tag in present
        if tag != 0x00080070
        for word in ("-t", f"{tag >> 16:04x},{tag & 0xFFFF:04x}")
    ]
    pair = ("+m2", "+s", leaf.key_path, leaf.certificate_path)
    assert dcmsign.run(*chosen, *pair, source, out) == 0
    loose = {"allow_uncovered": True}
    assert verify(out, profile="AUTHORIZATION", **loose).is_valid
    assert verify(out, **loose).problems == (
        "no signature covers what the Creator RSA profile wants",
    )
    assert verify(out, profile="AUTHORIZATION").problems == (
        "elements are not under the signature: (0008,0070)",
    )


def test_a_curve_meets_no_profile_and_must_be_asked_for(signed, verify, issuer, authority):
    curve = issuer.leaf(authority, "Curve", key=ec.generate_private_key(ec.SECP384R1())).signer()
    with pytest.raises(ArgumentError, match="RSA keys alone"):
        signed("grey", curve)
    path = signed("grey", curve, profile=None)
    assert verify(path, profile=None).problems == ()
    assert verify(path).problems == ("no signature covers what the Creator RSA profile wants",)
    assert verify(path, profile=None).signer.profile is None


def test_a_signature_value_with_another_length_than_its_der_is_refused(
    signed, verify, issuer, authority
):
    curve = issuer.leaf(authority, "Curve", key=ec.generate_private_key(ec.SECP256R1())).signer()
    path = signed("grey", curve, profile=None)
    for value in (b"", b"0", b"\x30\x82\xff\xff", bytes(72), b"\x30\x06\x02\x01\x00\x02\x01\x00"):
        changed = edited(
            path, lambda ds, v=value: setattr(ds.DigitalSignaturesSequence[0], "Signature", v)
        )
        assert not verify(changed, profile=None).is_valid


@pytest.mark.parametrize(
    "profile", ["OTHER", ("CREATOR", "OTHER"), ("CREATOR", "CREATOR"), ("base",)]
)
def test_profiles_that_do_not_exist_are_refused(signed, verify, profile):
    with pytest.raises(ArgumentError, match="profile must be"):
        verify(signed(), profile=profile)


HEAD = bytes(128) + b"DICM" + encode_element(tags.TRANSFER_SYNTAX_UID, "UI", b"1.2.840.10008.1.2.1")


def nest(depth):
    content = b""
    for _ in range(depth):
        content = encode_sequence(0x00082218, [encode_item(content)])
    return HEAD + content


def open_nest(depth):
    """Sequences of undefined length that are never closed."""
    head = struct.pack("<HH2sHI", 8, 0x2218, b"SQ", 0, 0xFFFFFFFF)
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    return HEAD + (head + item) * depth


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (nest(dicom_elements.MAX_DEPTH + 1), "nested deeper"),
        (open_nest(5000), "nested deeper"),
        (HEAD + struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OW", 0, 0xFFFFFFFE), "go beyond the end"),
        (HEAD + struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OW", 0, 0xFFFFFFFF), "undefined length"),
        (HEAD + struct.pack("<HH2sH", 8, 0x60, b"CS", 3) + b"abc", "odd length"),
        (HEAD + struct.pack("<HH2sH", 8, 0x60, b"??", 0), "no VR"),
        (b"", "not a DICOM file"),
        (bytes(200), "not a DICOM file"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_hostile_file_is_damaged_data(verify, data, reason):
    with pytest.raises(DataDamagedError, match=reason):
        verify(data)


def test_the_deepest_file_that_is_read_is_judged(verify):
    assert verify(nest(dicom_elements.MAX_DEPTH)).problems == ("not signed",)


def test_an_attribute_of_a_signature_that_is_too_long_is_refused(signed, verify):
    changed = edited(
        signed(),
        lambda ds: setattr(
            ds.DigitalSignaturesSequence[0], "CertificateOfSigner", bytes((1 << 20) + 2)
        ),
    )
    assert "is longer than 1048576 bytes" in str(verify(changed).problems)


def test_a_file_of_more_elements_than_the_limit_is_damaged_data(verify, monkeypatch):
    data = HEAD + encode_sequence(0x00082218, [encode_item(b"")] * 1000)
    assert verify(data).problems == ("not signed",)
    monkeypatch.setattr(dicom_elements, "MAX_ELEMENTS", 1000)
    with pytest.raises(DataDamagedError, match="more than 1000 elements"):
        verify(data)


def test_a_file_of_many_elements_has_few_signatures(signed, verify, signer, monkeypatch):
    """Each signature is a pass over all elements, and a file claims both as it likes."""
    data = signed("grey", signer, signer, signer)
    assert len(verify(data).signatures) == 3
    monkeypatch.setattr(signature_check, "MAX_ELEMENT_PASSES", 100)
    report = verify(data)
    assert len(report.signatures) < 3
    assert report.problems[0].startswith("more than")
