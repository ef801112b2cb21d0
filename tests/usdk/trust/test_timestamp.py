from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta

import pydicom
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from usdk.errors import MissingExtraError, NotTrustedError
from usdk.trust import sign_dicom, timestamp, verify_dicom
from usdk.trust.timestamp import check_timestamp, stamp_signature

pytest.importorskip("rfc3161_client")

CONFIGURATION = """
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


class Authority:
    """A time-stamping authority: OpenSSL's, which answers requests on this machine."""

    def __init__(self, folder, openssl, certified):
        self.folder, self.openssl, self.certified = folder, openssl, certified
        folder.mkdir()
        (folder / "serial").write_text("01\n")
        (folder / "tsa.cnf").write_text(CONFIGURATION.format(folder=folder))

    def __call__(self, request):
        query, reply = self.folder / "query.tsq", self.folder / "reply.tsr"
        query.write_bytes(request)
        self.reply(query, reply)
        return reply.read_bytes()

    def reply(self, query, reply):
        command = [
            self.openssl, "ts", "-reply", "-config", self.folder / "tsa.cnf", "-queryfile", query,
            "-signer", self.certified.certificate_path, "-inkey", self.certified.key_path,
            "-out", reply,
        ]  # fmt: skip
        subprocess.run(list(map(str, command)), check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def authority_of(issuer, dcmtk, tmp_path_factory):
    """Return a time-stamping authority and the certificate of who issued its own."""
    openssl = dcmtk("openssl")

    def make(name, *, purpose=ExtendedKeyUsageOID.TIME_STAMPING, **options):
        root = issuer.authority(f"{name} root", key=2)
        leaf = issuer.leaf(root, name, more=(x509.ExtendedKeyUsage([purpose]),), **options)
        return Authority(tmp_path_factory.mktemp("tsa") / "tsa", openssl, leaf), root

    return make


@pytest.fixture(scope="module")
def tsa(authority_of):
    return authority_of("Clock")


@pytest.fixture(scope="module")
def stamped(tmp_path_factory, dicom, signer, tsa):
    path = tmp_path_factory.mktemp("stamped") / "object.dcm"
    path.write_bytes(dicom("nested"))
    sign_dicom(path, path, signer, purpose=1, time_stamper=tsa[0])
    return path


@pytest.fixture(scope="module")
def verify(authority, tsa):
    def check(source, **options):
        options.setdefault("timestamp_certificates", [tsa[1].der])
        return verify_dicom(source, trusted_certificates=[authority.der], **options)

    return check


def test_a_stamp_is_verified_offline_and_tells_when(stamped, verify):
    report = verify(stamped, require_timestamp=True)
    assert report.problems == ()
    only = report.signer
    assert (only.timestamp, only.timestamp_authority) == ("VERIFIED", "CN=Clock")
    assert abs(only.timestamp_at - datetime.now(UTC)) < timedelta(minutes=10)
    assert report.to_dict()["signatures"][0]["timestamp"] == "VERIFIED"


def test_an_authority_that_is_trusted_without_its_issuer_is_refused(stamped, verify, tsa):
    report = verify(stamped, timestamp_certificates=[tsa[0].certified.der])
    assert report.signatures[0].timestamp == "REFUSED"


def test_dcmsign_accepts_the_stamp(stamped, dcmsign, tsa):
    """DCMTK looks up the time-stamping authority among its trusted certificates too."""
    more = ("+cf", tsa[1].certificate_path)
    assert dcmsign.verify(stamped, *more, "+rc", "+tr") == 0
    assert dcmsign.verify(stamped, "+rc", "-tv") == 0


def test_a_stamp_that_dcmsign_inserts_is_verified(tmp_path, dicom, dcmsign, verify, tsa):
    source, signed, out = (tmp_path / f"{name}.dcm" for name in ("in", "signed", "out"))
    query, reply, uid = tmp_path / "a.tsq", tmp_path / "a.tsr", tmp_path / "uid.txt"
    source.write_bytes(dicom("grey"))
    assert dcmsign.sign(source, signed, "+ts", query, uid) == 0
    tsa[0].reply(query, reply)
    assert dcmsign.run("+t", query, reply, uid, signed, out) == 0
    report = verify(out, require_timestamp=True)
    assert report.problems == ()
    assert report.signer.timestamp == "VERIFIED"


def test_without_a_trusted_authority_a_stamp_is_not_examined(stamped, verify):
    report = verify(stamped, timestamp_certificates=[])
    assert report.problems == ()
    assert report.signer.timestamp == "NOT CHECKED"
    assert report.signer.timestamp_at is None
    demanded = verify(stamped, timestamp_certificates=[], require_timestamp=True)
    assert "the time stamp proves nothing" in demanded.problems[0]


def test_a_stripped_stamp_is_refused_where_one_is_demanded(tmp_path, stamped, verify):
    ds = pydicom.dcmread(stamped)
    del ds.DigitalSignaturesSequence[0].CertifiedTimestamp
    del ds.DigitalSignaturesSequence[0].CertifiedTimestampType
    ds.save_as(tmp_path / "a.dcm")
    assert verify(tmp_path / "a.dcm").signer.timestamp == "NONE"
    report = verify(tmp_path / "a.dcm", require_timestamp=True)
    assert report.problems == ("signature 1: the signature has no time stamp",)


@pytest.mark.parametrize(
    "change",
    [
        lambda item, other: setattr(item, "CertifiedTimestamp", other.CertifiedTimestamp),
        lambda item, other: setattr(item, "CertifiedTimestamp", b"0\x02\x05\x00"),
        lambda item, other: setattr(item, "CertifiedTimestamp", b"\xff" * 300),
        lambda item, other: setattr(item, "CertifiedTimestamp", b""),
        lambda item, other: setattr(item, "CertifiedTimestampType", "CMS_TS"),
        lambda item, other: delattr(item, "CertifiedTimestampType"),
        lambda item, other: delattr(item, "CertifiedTimestamp"),
    ],
)
def test_a_foreign_or_malformed_stamp_is_refused(
    tmp_path, dicom, signer, stamped, verify, tsa, change
):
    path = tmp_path / "other.dcm"
    path.write_bytes(dicom("grey"))
    sign_dicom(path, path, signer, time_stamper=tsa[0])
    ds, other = pydicom.dcmread(stamped), pydicom.dcmread(path)
    change(ds.DigitalSignaturesSequence[0], other.DigitalSignaturesSequence[0])
    ds.save_as(path)
    report = verify(path)
    assert not report.is_valid
    assert report.signatures[0].timestamp_at is None


def test_every_changed_byte_of_a_stamp_is_refused_or_says_the_same(tsa, authority):
    """What the token's own signature leaves open must not change what is read from it."""
    token = stamp_signature(b"signature", tsa[0])
    when, name = check_timestamp(token, b"signature", [tsa[1].certificate], datetime.now(UTC))
    for offset in range(0, len(token), 3):
        changed = bytearray(token)
        changed[offset] ^= 1 << offset % 8
        try:
            found = check_timestamp(
                bytes(changed), b"signature", [tsa[1].certificate], datetime.now(UTC)
            )
        except NotTrustedError:
            continue
        assert found == (when, name), offset


def test_a_stamp_of_other_bytes_or_of_the_future_is_refused(tsa):
    token = stamp_signature(b"signature", tsa[0])
    trusted, now = [tsa[1].certificate], datetime.now(UTC)
    check_timestamp(token, b"signature", trusted, now)
    with pytest.raises(NotTrustedError, match="not of this signature"):
        check_timestamp(token, b"signaturf", trusted, now)
    with pytest.raises(NotTrustedError, match="future"):
        check_timestamp(token, b"signature", trusted, now - timedelta(hours=1))


def test_an_authority_that_is_not_trusted_or_not_for_time_is_refused(
    stamped, verify, authority, issuer
):
    other = issuer.authority("Other root", key=2)
    for certificates in ([authority.der], [other.der]):
        report = verify(stamped, timestamp_certificates=certificates)
        assert report.signatures[0].timestamp == "REFUSED"
        assert not report.is_valid


def test_a_certificate_that_expired_after_the_stamp_is_still_good(
    tmp_path, dicom, authority, issuer, tsa, verify
):
    path = tmp_path / "a.dcm"
    path.write_bytes(dicom("grey"))
    short = issuer.leaf(authority, days=(-1, 1))
    sign_dicom(path, path, short.signer(), time_stamper=tsa[0])
    later = datetime.now(UTC) + timedelta(days=50)
    assert verify(path, moment=later).problems == ()
    unstamped = verify(path, moment=later, timestamp_certificates=[])
    assert "the signer's certificate has expired" in str(unstamped.problems)


def revocation_list(issuer, by, *revoked):
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(by.certificate.subject)
        .last_update(issuer.now)
        .next_update(issuer.now + timedelta(days=9))
    )
    for one in revoked:
        entry = x509.RevokedCertificateBuilder().revocation_date(issuer.now)
        entry = entry.serial_number(one.certificate.serial_number)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(by.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def test_a_stamp_of_a_revoked_authority_is_refused(stamped, verify, issuer, authority, tsa):
    here, root = tsa
    signers = revocation_list(issuer, authority)
    good, bad = revocation_list(issuer, root), revocation_list(issuer, root, here.certified)
    assert verify(stamped, revocation_lists=[signers, good]).is_valid
    for lists in ([signers, bad], [signers]):
        report = verify(stamped, revocation_lists=lists)
        assert report.signatures[0].timestamp == "REFUSED"
        assert "authority's certificate was revoked" in report.problems[0]


def test_the_answer_to_another_request_is_refused(tsa):
    answer = []

    def replay(request):
        if not answer:
            answer.append(tsa[0](request))
        return answer[0]

    stamp_signature(b"signature", replay)
    with pytest.raises(NotTrustedError, match="another request"):
        stamp_signature(b"signature", replay)
    for nonsense in (b"", b"\x30\x00", b"<html>", b"\0" * (timestamp.MAX_RESPONSE_BYTES + 1)):
        with pytest.raises(NotTrustedError):
            stamp_signature(b"signature", lambda request, answer=nonsense: answer)


def test_an_answer_that_grants_and_holds_no_stamp_is_refused():
    with pytest.raises(NotTrustedError, match="cannot be read"):
        stamp_signature(b"signature", lambda request: bytes.fromhex("30053003020100"))


def test_a_refused_request_leaves_no_file(tmp_path, dicom, signer, tsa):
    path = tmp_path / "a.dcm"
    path.write_bytes(dicom("grey"))
    rejected = bytes.fromhex("30053003020102")
    with pytest.raises(NotTrustedError, match="refused: status 2"):
        sign_dicom(path, tmp_path / "out.dcm", signer, time_stamper=lambda request: rejected)
    assert not (tmp_path / "out.dcm").exists()


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "rfc3161_client", None)
    with pytest.raises(MissingExtraError, match="timestamp"):
        check_timestamp(b"", b"", [], datetime.now(UTC))
