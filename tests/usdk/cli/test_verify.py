from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from usdk.trust.development import development_directory

MARK = "development key: not for patients"


@pytest.fixture
def authority(scanned: Path) -> Path:
    return development_directory() / "certificate-authority.pem"


def test_a_development_signature_is_valid_only_when_trusted_and_always_marked(
    usdk: Any, scanned: Path, authority: Path
) -> None:
    file = scanned / "still.dcm"
    for trust in (("--trust-development",), ("--trust", authority)):
        outcome = usdk("verify", file, *trust)
        assert outcome.status == 0
        assert outcome.out.startswith(f"{file}: valid\n")
        assert outcome.out.endswith(f"  {MARK}\n")
        assert "not covered  nothing" in outcome.out
        assert "CREATOR profile" in outcome.out


def test_whom_to_trust_must_be_said(usdk: Any, scanned: Path) -> None:
    outcome = usdk("verify", scanned / "still.dcm")
    assert (outcome.status, outcome.out) == (2, "")
    assert "--trust " in outcome.err
    assert "--trust-development" in outcome.err


def test_json_says_who_when_and_what(usdk: Any, scanned: Path) -> None:
    names = ("still.dcm", "scan.dcm")
    files = [scanned / name for name in names]
    outcome = usdk("verify", *files, "--trust-development", "--json")
    results = json.loads(outcome.out)["files"]
    assert [result["path"] for result in results] == list(map(str, files))
    for result in results:
        (signature,) = result["signatures"]
        assert (result["is_valid"], result["development_key"]) == (True, True)
        assert "NOT FOR PATIENTS" in signature["subject"]
        assert signature["signed_at"].endswith("+00:00")
        assert signature["n_covered"] == len(signature["covered_tags"]) > 20


def test_one_changed_bit_is_refused_and_does_not_hide_the_next_file(
    usdk: Any, scanned: Path, tmp_path: Path
) -> None:
    changed = bytearray((scanned / "still.dcm").read_bytes())
    changed[len(changed) // 2] ^= 1
    (tmp_path / "changed.dcm").write_bytes(changed)
    words = ("verify", tmp_path / "changed.dcm", scanned / "still.dcm", "--trust-development")
    outcome = usdk(*words)
    assert outcome.status == 6
    assert "changed.dcm: REFUSED" in outcome.out
    assert "still.dcm: valid" in outcome.out
    results = json.loads(usdk(*words, "--json").out)["files"]
    assert [result["is_valid"] for result in results] == [False, True]


def test_an_unsigned_object_is_refused(usdk: Any, scanned: Path, tmp_path: Path) -> None:
    target = tmp_path / "unsigned.dcm"
    usdk("export", scanned / "still.npz", "-o", target, "--unsigned")
    outcome = usdk("verify", target, "--trust-development")
    assert outcome.status == 6
    assert "problem      not signed" in outcome.out
    assert MARK not in outcome.out


def test_a_signer_whom_nobody_trusted_vouches_for_is_refused_and_still_marked(
    usdk: Any, scanned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USDK_DEVELOPMENT_KEYS", str(tmp_path / "others"))
    other = tmp_path / "other.dcm"
    assert usdk("export", scanned / "still.npz", "-o", other, "--development-key").status == 0
    outcome = usdk("verify", scanned / "still.dcm", "--trust-development")
    assert outcome.status == 6
    assert "no certificate that you trust vouches" in outcome.out
    assert MARK in outcome.out


def test_trusting_development_keys_makes_none(
    usdk: Any, scanned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USDK_DEVELOPMENT_KEYS", str(tmp_path / "none"))
    outcome = usdk("verify", scanned / "still.dcm", "--trust-development")
    assert outcome.status == 6
    assert "no development key" in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_a_truncated_file_ends_with_5_and_an_absent_one_with_7(
    usdk: Any, scanned: Path, tmp_path: Path
) -> None:
    whole = (scanned / "still.dcm").read_bytes()
    for n_bytes in (0, 100, 200, len(whole) // 3, len(whole) - 1):
        (tmp_path / "cut.dcm").write_bytes(whole[:n_bytes])
        outcome = usdk("verify", tmp_path / "cut.dcm", "--trust-development")
        assert outcome.status == 5
        assert "REFUSED" in outcome.out
        assert "Traceback" not in outcome.err
    assert usdk("verify", tmp_path / "absent.dcm", "--trust-development").status == 7
    assert usdk("verify", tmp_path, "--trust-development").status == 7


def test_a_fault_in_a_trusted_certificate_is_not_laid_on_the_files(
    usdk: Any, scanned: Path, tmp_path: Path
) -> None:
    outcome = usdk("verify", scanned / "still.dcm", "--trust", tmp_path / "absent.pem")
    assert (outcome.status, outcome.out) == (7, "")
    (tmp_path / "bad.pem").write_text("no certificate")
    outcome = usdk("verify", scanned / "still.dcm", "--trust", tmp_path / "bad.pem")
    assert (outcome.status, outcome.out) == (5, "")


@dataclass(frozen=True)
class Institution:
    """An authority, a signer that it vouches for, and the lists of what it revoked."""

    folder: Path

    def __post_init__(self) -> None:
        authority_key, key = (rsa.generate_private_key(65537, 2048) for _ in range(2))
        name, signer = (
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
            for text in ("Hospital authority", "Ultrasound room 2")
        )
        now = datetime.now(UTC)
        usage = dict.fromkeys(
            ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False
        )

        def certificate(subject: x509.Name, public: Any, *, is_authority: bool) -> x509.Certificate:
            issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(
                authority_key.public_key()
            )
            return (
                x509.CertificateBuilder(name, subject, public, x509.random_serial_number())
                .not_valid_before(now - timedelta(days=1))
                .not_valid_after(now + timedelta(days=1))
                .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
                .add_extension(
                    x509.KeyUsage(
                        digital_signature=not is_authority,
                        key_cert_sign=is_authority,
                        crl_sign=is_authority,
                        encipher_only=False,
                        decipher_only=False,
                        **usage,
                    ),
                    critical=True,
                )
                .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
                .add_extension(issuer_key, critical=False)
                .sign(authority_key, hashes.SHA256())
            )

        pem = serialization.Encoding.PEM
        own = certificate(signer, key.public_key(), is_authority=False)
        authority = certificate(name, authority_key.public_key(), is_authority=True)
        (self.folder / "authority.pem").write_bytes(authority.public_bytes(pem))
        (self.folder / "certificate.pem").write_bytes(own.public_bytes(pem))
        (self.folder / "key.pem").write_bytes(
            key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        (self.folder / "key.pem").chmod(0o600)
        for file_name, serials in (("empty.crl", ()), ("revoked.crl", (own.serial_number,))):
            builder = x509.CertificateRevocationListBuilder(
                name, now - timedelta(hours=1), now + timedelta(days=1)
            )
            for serial in serials:
                builder = builder.add_revoked_certificate(
                    x509.RevokedCertificateBuilder(serial, now - timedelta(hours=2)).build()
                )
            revocation_list = builder.sign(authority_key, hashes.SHA256())
            (self.folder / file_name).write_bytes(revocation_list.public_bytes(pem))


@pytest.fixture(scope="module")
def institution(tmp_path_factory: pytest.TempPathFactory) -> Institution:
    return Institution(tmp_path_factory.mktemp("institution"))


def test_an_institutions_signature_is_valid_without_any_mark(
    usdk: Any, scanned: Path, tmp_path: Path, institution: Institution
) -> None:
    target, folder = tmp_path / "out.dcm", institution.folder
    words = ("--key", folder / "key.pem", "--certificate", folder / "certificate.pem")
    outcome = usdk("export", scanned / "still.npz", "-o", target, "-q", *words)
    assert (outcome.status, outcome.err) == (0, "")
    trust = ("verify", target, "--trust", folder / "authority.pem")
    outcome = usdk(*trust)
    assert outcome.status == 0
    assert "signed by    CN=Ultrasound room 2" in outcome.out
    assert MARK not in outcome.out
    assert usdk("verify", target, "--trust-development").status == 6


def test_a_revoked_signer_is_refused(
    usdk: Any, scanned: Path, tmp_path: Path, institution: Institution
) -> None:
    target, folder = tmp_path / "out.dcm", institution.folder
    words = ("--key", folder / "key.pem", "--certificate", folder / "certificate.pem")
    usdk("export", scanned / "still.npz", "-o", target, *words)
    trust = ("verify", target, "--trust", folder / "authority.pem", "--revocation-list")
    assert usdk(*trust, folder / "empty.crl").status == 0
    outcome = usdk(*trust, folder / "revoked.crl")
    assert outcome.status == 6
    assert "revoked" in outcome.out
    assert usdk(*trust, folder / "key.pem").status == 5
