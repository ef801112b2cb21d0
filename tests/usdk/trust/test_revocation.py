from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from usdk.errors import ArgumentError, DataDamagedError
from usdk.trust import sign_dicom, verify_dicom
from usdk.trust.revocation import load_revocation_lists, revocation_problems

REVOKED = "the signer's certificate or its issuer's was revoked"
NO_LIST = "no revocation list of the certificate's issuer is valid"


@pytest.fixture
def publish(issuer, authority):
    def make(*revoked, by=authority, days=(-1, 10), at=-2, reason=None, extensions=()):
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(by.certificate.subject)
            .last_update(issuer.now + timedelta(days=days[0]))
            .next_update(issuer.now + timedelta(days=days[1]))
        )
        for one in revoked:
            entry = (
                x509.RevokedCertificateBuilder()
                .serial_number(one.certificate.serial_number)
                .revocation_date(issuer.now + timedelta(days=at))
            )
            if reason:
                entry = entry.add_extension(x509.CRLReason(reason), False)
            builder = builder.add_revoked_certificate(entry.build())
        for extension in extensions:
            builder = builder.add_extension(extension, True)
        return builder.sign(by.key, hashes.SHA256())

    return make


@pytest.fixture
def problems(leaf, authority, issuer):
    def find(*lists, chain=(leaf, authority), moment=issuer.now, **options):
        return revocation_problems([one.certificate for one in chain], lists, moment, **options)

    return find


def test_an_object_of_a_revoked_signer_is_refused_as_dcmsign_does(
    tmp_path, dicom, signer, leaf, authority, issuer, publish, dcmsign
):
    path = tmp_path / "a.dcm"
    path.write_bytes(dicom())
    sign_dicom(path, path, signer)
    other = issuer.leaf(authority, "Other")
    for revoked, expected in ((other, ()), (leaf, (f"signature 1: {REVOKED}",))):
        crl = tmp_path / "crl.pem"
        crl.write_bytes(publish(revoked).public_bytes(Encoding.PEM))
        for source in (crl, crl.read_bytes(), publish(revoked).public_bytes(Encoding.DER)):
            report = verify_dicom(
                path, trusted_certificates=[authority.der], revocation_lists=[source]
            )
            assert report.problems == expected
        assert (dcmsign.verify(path, "+cr", crl, "+rc") == 0) == (expected == ())


def test_a_list_is_needed_for_each_issuer_once_any_is_given(issuer, publish, problems, leaf):
    root = issuer.authority("Root", key=2)
    middle = issuer.authority("Middle", issuer=root)
    signing = issuer.leaf(middle)
    chain = (signing, middle, root)
    both = (publish(by=middle), publish(by=root))
    assert problems(chain=chain) == []
    assert problems(*both, chain=chain) == []
    assert problems(both[0], chain=chain) == [NO_LIST]
    assert problems(both[0], publish(middle, by=root), chain=chain) == [REVOKED]


def test_an_outdated_or_forged_or_narrowed_list_does_not_count(
    issuer, authority, publish, problems, usage
):
    forger = issuer.authority(key=2)  # the same name, another key
    narrowed = x509.IssuingDistributionPoint(None, None, True, False, None, False, False)
    assert problems(publish()) == []
    assert problems(publish(days=(-5, -1))) == [NO_LIST]
    assert problems(publish(by=forger)) == [NO_LIST]
    assert problems(publish(by=issuer.authority("Else"))) == [NO_LIST]
    assert problems(publish(extensions=[narrowed])) == [NO_LIST]
    no_crl_sign = issuer.authority("Mute", usage=usage(key_cert_sign=True))
    signing = issuer.leaf(no_crl_sign)
    assert problems(publish(by=no_crl_sign), chain=(signing, no_crl_sign)) == [NO_LIST]


def test_revocation_counts_from_its_date_unless_the_key_was_compromised(
    leaf, issuer, publish, problems
):
    before = issuer.now - timedelta(days=3)
    assert problems(publish(leaf)) == [REVOKED]
    assert problems(publish(leaf), moment=before) == []
    superseded = publish(leaf, reason=x509.ReasonFlags.superseded)
    assert problems(superseded, moment=before) == []
    compromised = publish(leaf, reason=x509.ReasonFlags.key_compromise)
    assert problems(compromised, moment=before) == [REVOKED]


def test_a_list_whose_parts_are_malformed_does_not_count(publish, problems, leaf, authority):
    sound = publish(leaf).public_bytes(Encoding.DER)
    name = authority.certificate.subject.public_bytes()
    assert sound.count(name) == name.count(b"\x0c") == 1
    # The name's text has no type any more; the parser sees that when the name is asked for.
    malformed = sound.replace(name, name.replace(b"\x0c", b"\0"))
    assert problems(*load_revocation_lists([malformed])) == [NO_LIST]


def test_what_is_no_revocation_list_is_refused(dicom, authority):
    trusted = {"trusted_certificates": [authority.der]}
    with pytest.raises(DataDamagedError, match="revocation list"):
        verify_dicom(dicom(), revocation_lists=[authority.der], **trusted)
    with pytest.raises(ArgumentError, match="list of revocation lists"):
        verify_dicom(dicom(), revocation_lists=authority.der, **trusted)


def test_a_list_signed_by_a_broken_digest_does_not_count(tmp_path, authority, problems, dcmtk):
    folder = tmp_path
    (folder / "index").write_text("")
    (folder / "openssl.cnf").write_text(
        f"[ca]\ndefault_ca = here\n[here]\ndatabase = {folder}/index\ndefault_crl_days = 9\n"
    )
    command = [dcmtk("openssl"), "ca", "-gencrl", "-config", folder / "openssl.cnf"]
    command += ["-keyfile", authority.key_path, "-cert", authority.certificate_path]
    for digest, expected in (("sha256", []), ("sha1", [NO_LIST])):
        path = folder / digest
        subprocess.run(
            [*command, "-md", digest, "-out", path], check=True, capture_output=True, timeout=60
        )
        (one,) = load_revocation_lists([path])
        assert problems(one, moment=datetime.now(UTC)) == expected, digest


def test_what_a_stamping_authority_did_before_it_was_revoked_may_count(publish, problems, leaf):
    def found(reason, stamped_days_ago):
        stamped_at = datetime.now(UTC) - timedelta(days=stamped_days_ago)
        return problems(publish(leaf, reason=reason), stamped_at=stamped_at)

    superseded = x509.ReasonFlags.superseded
    assert found(superseded, 3) == []
    assert found(superseded, 1) == [REVOKED]
    assert found(x509.ReasonFlags.key_compromise, 3) == [REVOKED]
    assert found(None, 3) == [REVOKED]
