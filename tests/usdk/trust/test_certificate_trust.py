from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from usdk.errors import ArgumentError, DataDamagedError, NotTrustedError, StorageError
from usdk.trust.certificate_trust import (
    certificate_problems,
    find_chain,
    load_certificates,
    name_text,
    parse_certificate,
)

NOW = datetime.now(UTC)


def vouched(leaf, trusted, intermediates=(), moment=NOW):
    return (
        find_chain(
            leaf.certificate,
            [t.certificate for t in trusted],
            [i.certificate for i in intermediates],
            moment,
        )
        != []
    )


def openssl_vouches(tmp_path, tool, leaf, trusted, intermediates):
    untrusted = tmp_path / "untrusted.pem"
    untrusted.write_bytes(b"".join(i.certificate.public_bytes(Encoding.PEM) for i in intermediates))
    command = [tool, "verify", "-x509_strict", "-CAfile", trusted.certificate_path]
    command += ["-untrusted", untrusted] if intermediates else []
    command.append(leaf.certificate_path)
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_chains_are_judged_as_openssl_judges_them(tmp_path, issuer, usage, dcmtk):
    openssl = dcmtk("openssl")
    root = issuer.authority("Root")
    middle = issuer.authority("Middle", issuer=root, key=2)
    not_an_authority = issuer.leaf(root, "Not an authority", key=2)
    cannot_sign = issuer.authority("Cannot sign", issuer=root, key=2, usage=usage(crl_sign=True))
    expired = issuer.authority("Expired", issuer=root, key=2, days=(-10, -1))
    cases = [
        (issuer.leaf(root), root, [], True),
        (issuer.leaf(middle), root, [middle], True),
        (issuer.leaf(middle), root, [], False),
        (issuer.leaf(not_an_authority), root, [not_an_authority], False),
        (issuer.leaf(cannot_sign), root, [cannot_sign], False),
        (issuer.leaf(expired), root, [expired], False),
        (issuer.leaf(issuer.authority("Root", key=2)), root, [], False),
        (issuer.leaf(root, days=(-10, -1)), root, [], False),
        (issuer.leaf(root, days=(1, 10)), root, [], False),
    ]
    for number, (leaf, trusted, between, expected) in enumerate(cases):
        assert vouched(leaf, [trusted], between) == expected, number
        assert openssl_vouches(tmp_path, openssl, leaf, trusted, between) == expected, number


def test_an_expired_root_vouches_for_nobody(issuer):
    root = issuer.authority("Root", days=(-10, -1))
    assert not vouched(issuer.leaf(root), [root])
    assert vouched(issuer.leaf(root), [root], moment=NOW - timedelta(days=5))


def test_intermediates_are_followed_to_the_limit(issuer):
    chain = [issuer.authority("0", key=2)]
    for n in range(1, 6):
        chain.append(issuer.authority(str(n), issuer=chain[-1], key=2))
    assert vouched(issuer.leaf(chain[4]), chain[:1], chain[1:5])
    assert not vouched(issuer.leaf(chain[5]), chain[:1], chain[1:])


def test_a_trusted_signing_certificate_needs_no_authority(issuer, leaf, authority):
    assert vouched(leaf, [leaf])
    assert not vouched(issuer.leaf(authority, "Sibling"), [leaf])


def test_a_certificate_for_signing_has_no_problems(leaf):
    assert certificate_problems(leaf.certificate, NOW) == []


@pytest.mark.parametrize(
    "purpose", [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
)
def test_a_tls_certificate_may_not_sign_objects(issuer, authority, purpose):
    extended = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING, purpose])
    bad = issuer.leaf(authority, more=[extended])
    assert any("TLS" in p for p in certificate_problems(bad.certificate, NOW))


@pytest.mark.parametrize("name", ["CODE_SIGNING", "TIME_STAMPING", "OCSP_SIGNING", "IPSEC_IKE"])
def test_a_certificate_for_something_else_may_not_sign_objects(issuer, authority, name):
    purpose = getattr(ExtendedKeyUsageOID, name)
    bad = issuer.leaf(authority, more=[x509.ExtendedKeyUsage([purpose])])
    assert any("another purpose" in p for p in certificate_problems(bad.certificate, NOW))


@pytest.mark.parametrize(
    "purposes",
    [
        [x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")],  # id-kp-documentSigning, RFC 9336
        [ExtendedKeyUsageOID.EMAIL_PROTECTION],
        [ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE],
        [ExtendedKeyUsageOID.CODE_SIGNING, x509.ObjectIdentifier("1.2.3.4")],
    ],
)
def test_a_certificate_for_documents_may_sign_objects(issuer, authority, purposes):
    good = issuer.leaf(authority, more=[x509.ExtendedKeyUsage(purposes)])
    assert certificate_problems(good.certificate, NOW) == []
    assert vouched(good, [authority])


def test_a_key_for_another_padding_may_not_sign_objects(tmp_path, dcmtk):
    key, path = tmp_path / "key.pem", tmp_path / "certificate.pem"
    openssl = dcmtk("openssl")
    make = [openssl, "genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"]
    subprocess.run([*make, "-out", key], check=True, capture_output=True)
    issue = [openssl, "req", "-x509", "-new", "-key", key, "-out", path, "-subj", "/CN=Odd"]
    issue += ["-addext", "keyUsage=critical,digitalSignature"]
    issue += ["-addext", "basicConstraints=critical,CA:FALSE"]
    subprocess.run(issue, check=True, capture_output=True)
    (certificate,) = load_certificates([path])
    moment = certificate.not_valid_before_utc
    assert certificate_problems(certificate, moment) == [
        "the signer's key is for RSASSA-PSS alone, which PS3.15 does not use"
    ]


def named(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


@pytest.mark.parametrize(
    ("constraints", "more"),
    [
        (x509.NameConstraints([x509.DirectoryName(named("Hospital"))], None), ()),
        (x509.NameConstraints(None, [x509.DirectoryName(named("Test signer"))]), ()),
        (
            x509.NameConstraints([x509.DNSName("hospital.example")], None),
            [x509.SubjectAlternativeName([x509.DNSName("other.example")])],
        ),
    ],
)
def test_an_authority_for_certain_names_vouches_for_no_others(
    issuer, authority, usage, constraints, more
):
    may_sign = (x509.BasicConstraints(True, None), usage(key_cert_sign=True))
    narrow = issuer.issue("Narrow", issuer=authority, key=2, extensions=(*may_sign, constraints))
    assert not vouched(issuer.leaf(narrow, more=more), [authority], [narrow])


def test_an_authority_of_the_last_level_makes_no_other(issuer, authority, usage):
    may_sign = usage(key_cert_sign=True)
    last = issuer.issue(
        "Last", issuer=authority, key=2, extensions=(x509.BasicConstraints(True, 0), may_sign)
    )
    beyond = issuer.issue(
        "Beyond", issuer=last, key=0, extensions=(x509.BasicConstraints(True, None), may_sign)
    )
    assert vouched(issuer.leaf(last), [authority], [last])
    assert not vouched(issuer.leaf(beyond), [authority], [last, beyond])


def test_a_critical_extension_that_is_not_known_is_refused(issuer, authority, usage):
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\0")
    assert not vouched(issuer.leaf(authority, more=[odd]), [authority])


def test_an_authority_with_a_short_key_vouches_for_nobody(issuer, authority):
    weak = issuer.authority("Weak", issuer=authority, key=issuer.short_key())
    assert not vouched(issuer.leaf(weak), [authority], [weak])
    root = issuer.authority("Weak root", key=issuer.short_key())
    assert not vouched(issuer.leaf(root), [root])


def test_an_authority_may_not_sign_objects(issuer, usage):
    both = issuer.authority(usage=usage(digital_signature=True, key_cert_sign=True))
    assert certificate_problems(both.certificate, NOW) == [
        "the signer's certificate is a certificate authority's"
    ]


def test_weak_and_foreign_keys_are_named(issuer, authority):
    for key in (issuer.short_key(), ec.generate_private_key(ec.SECP256K1())):
        (problem,) = certificate_problems(issuer.leaf(authority, key=key).certificate, NOW)
        assert "neither RSA of at least 2048 bits nor EC" in problem


def test_problems_name_no_subject(issuer, authority):
    bad = issuer.leaf(authority, "Dr Who", days=(-9, -8), usage=False)
    text = str(certificate_problems(bad.certificate, NOW))
    assert "Who" not in text
    assert "Test authority" not in text


def test_certificates_load_from_pem_der_bundles_and_files(tmp_path, authority, leaf):
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(
        b"text before\n"
        + b"".join(a.certificate.public_bytes(Encoding.PEM) for a in (authority, leaf))
    )
    der = tmp_path / "one.der"
    der.write_bytes(authority.der)
    loaded = load_certificates([bundle, str(der), leaf.der, leaf.certificate_path.read_bytes()])
    assert loaded == tuple(a.certificate for a in (authority, leaf, authority, leaf, leaf))


def test_what_is_no_list_of_certificates_is_refused(tmp_path, leaf):
    for single in (leaf.der, str(leaf.certificate_path), leaf.certificate_path):
        with pytest.raises(ArgumentError, match="list"):
            load_certificates(single)
    with pytest.raises(StorageError):
        load_certificates([tmp_path / "absent.pem"])
    for damaged in (b"", b"-----BEGIN CERTIFICATE-----\n", leaf.der[:-1]):
        with pytest.raises(DataDamagedError, match="neither PEM nor DER"):
            load_certificates([damaged])


def test_damaged_certificates_raise_nothing_but_the_typed_error(leaf):
    n_read = 0
    for offset in range(len(leaf.der)):
        for bit in range(0, 8, 3):
            changed = bytearray(leaf.der)
            changed[offset] ^= 1 << bit
            try:
                parse_certificate(bytes(changed))
                n_read += 1
            except NotTrustedError:
                pass
    assert 0 < n_read < 3 * len(leaf.der)


def test_a_certificate_has_one_encoding(leaf):
    signature = leaf.certificate.signature
    at = len(leaf.der) - len(signature) - 1
    assert leaf.der[at] == 0
    assert parse_certificate(leaf.der) == leaf.certificate
    for unused_bits in range(1, 8):
        with pytest.raises(NotTrustedError):
            parse_certificate(leaf.der[:at] + bytes([unused_bits]) + signature)
    with pytest.raises(NotTrustedError):
        parse_certificate(leaf.der + b"\0")


def test_a_name_shows_no_controls_and_no_other_direction(issuer, authority):
    leaf = issuer.leaf(authority, "A\n  chain  CN=Trusted\x1b[2J\u202eB \xc4")
    text = name_text(leaf.certificate.subject)
    assert text.isprintable()
    assert text == "CN=A\\0A  chain  CN=Trusted\\1B[2J\\E2\\80\\AEB \xc4"
