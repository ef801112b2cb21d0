from __future__ import annotations

import os
import subprocess

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from usdk.errors import ArgumentError, DataDamagedError, NotTrustedError, StorageError
from usdk.trust import FileSigner, Signer, file_key
from usdk.trust.signer import DIGEST_SIZES


@pytest.fixture
def key_path(tmp_path, leaf):
    return private(tmp_path / "own-key.pem", leaf.key_pem())


def private(path, content, mode=0o600):
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("algorithm", sorted(DIGEST_SIZES))
def test_openssl_accepts_the_signature(tmp_path, leaf, algorithm, dcmtk):
    message, signature = tmp_path / "message", tmp_path / "signature"
    message.write_bytes(b"what is signed")
    digest = hashes.Hash(getattr(hashes, algorithm)())
    digest.update(message.read_bytes())
    signer = leaf.signer()
    assert isinstance(signer, Signer)
    signature.write_bytes(signer.sign_digest(digest.finalize(), algorithm))
    public = tmp_path / "public.pem"
    openssl = dcmtk("openssl")
    command = [openssl, "x509", "-in", leaf.certificate_path, "-pubkey", "-noout", "-out", public]
    subprocess.run(command, check=True)
    command = [openssl, "dgst", f"-{algorithm.lower()}", "-verify", public]
    command += ["-signature", signature, message]
    subprocess.run(command, check=True, capture_output=True)


def test_an_encrypted_key_opens_with_its_password_alone(tmp_path, leaf):
    path = private(tmp_path / "key.pem", leaf.key_pem(b"correct"))
    signer = FileSigner(path, leaf.certificate_path, password=b"correct")
    digest = bytes(32)
    leaf.certificate.public_key().verify(
        signer.sign_digest(digest, "SHA256"),
        digest,
        padding.PKCS1v15(),
        Prehashed(hashes.SHA256()),
    )
    with pytest.raises(NotTrustedError, match="password does not open") as caught:
        FileSigner(path, leaf.certificate_path, password=b"wrong-password")
    assert "wrong-password" not in str(caught.value)
    with pytest.raises(NotTrustedError, match="encrypted: give its password"):
        FileSigner(path, leaf.certificate_path)


def test_a_password_for_an_open_key_does_no_harm(key_path, leaf):
    assert FileSigner(key_path, leaf.certificate_path, password=b"x").certificate_der == leaf.der


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
def test_a_key_that_others_can_reach_is_refused(tmp_path, leaf, mode):
    path = private(tmp_path / "key.pem", leaf.key_pem(), mode)
    with pytest.raises(NotTrustedError, match="chmod 600"):
        FileSigner(path, leaf.certificate_path)


def test_a_key_of_another_user_is_refused(key_path, leaf, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    owner = os.stat(key_path).st_uid  # noqa: PTH116
    if owner == 0:
        FileSigner(key_path, leaf.certificate_path)  # root may give keys to a service
        try:
            os.chown(key_path, 1234, -1)
        except PermissionError:
            pytest.skip("this user may not give files away")
    with pytest.raises(NotTrustedError, match="another user"):
        FileSigner(key_path, leaf.certificate_path)


def test_missing_files_are_storage_errors(tmp_path, key_path, leaf):
    with pytest.raises(StorageError, match=r"absent\.pem"):
        FileSigner(tmp_path / "absent.pem", leaf.certificate_path)
    with pytest.raises(StorageError, match=r"absent\.pem"):
        FileSigner(key_path, tmp_path / "absent.pem")
    with pytest.raises(StorageError, match="is a folder"):
        FileSigner(tmp_path, leaf.certificate_path)
    with pytest.raises(StorageError, match="null character"):
        FileSigner("a\0b", leaf.certificate_path)


def test_a_named_pipe_does_not_hang(tmp_path, leaf):
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(StorageError, match="regular file"):
        FileSigner(tmp_path / "pipe", leaf.certificate_path)


def test_what_is_no_pem_is_damaged_data(tmp_path, key_path, leaf):
    path = private(tmp_path / "key.pem", b"nonsense")
    with pytest.raises(DataDamagedError, match="not a PEM private key"):
        FileSigner(path, leaf.certificate_path)
    with pytest.raises(DataDamagedError, match="not a PEM certificate"):
        FileSigner(key_path, path)
    with pytest.raises(DataDamagedError, match="not a PEM private key"):
        FileSigner(private(path, leaf.certificate_path.read_bytes()), leaf.certificate_path)


def test_a_file_that_is_too_long_is_not_read(tmp_path, key_path, leaf, monkeypatch):
    monkeypatch.setattr(file_key, "MAX_PEM_BYTES", 100)
    with pytest.raises(DataDamagedError, match="longer than 100"):
        FileSigner(key_path, leaf.certificate_path)


def test_key_and_certificate_must_be_a_pair(key_path, issuer, authority):
    other = issuer.leaf(authority, key=2)
    with pytest.raises(NotTrustedError, match="not a pair"):
        FileSigner(key_path, other.certificate_path)


def test_a_short_key_and_one_of_another_kind_are_refused(issuer, authority):
    for key, reason in (
        (issuer.short_key(), "1024 bits"),
        (ec.generate_private_key(ec.SECP521R1()), "neither on P-256 nor on P-384"),
        (ed25519.Ed25519PrivateKey.generate(), "not RSA"),
    ):
        bad = issuer.leaf(authority, key=key)
        with pytest.raises(NotTrustedError, match=reason):
            bad.signer()


@pytest.mark.parametrize(
    ("digest", "algorithm"), [(bytes(32), "SHA1"), (bytes(31), "SHA256"), (bytes(32), "SHA512")]
)
def test_a_digest_that_does_not_fit_its_algorithm_is_refused(signer, digest, algorithm):
    with pytest.raises(ArgumentError):
        signer.sign_digest(digest, algorithm)
