from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from usdk.errors import DataDamagedError, NotTrustedError, StorageError
from usdk.trust import (
    DevelopmentKeyWarning,
    FileSigner,
    dev_certificate_authority,
    dev_signer,
    development,
    sign_dicom,
    verify_dicom,
)
from usdk.trust.development_certificates import MARK, issue_development_certificates

NAMES = ["certificate-authority.pem", "signing-certificate.pem", "signing-key.pem"]


@pytest.fixture(scope="module")
def issued():
    return issue_development_certificates()


@pytest.fixture
def folder(tmp_path, monkeypatch, issued):
    """Point the identity to a new folder; keys are slow, so they are made once for this file."""
    monkeypatch.setattr(development, "issue_development_certificates", lambda: issued)
    monkeypatch.setattr(development, "_in_memory", [])
    folder = tmp_path / "data" / "usdk" / "development"
    monkeypatch.setenv(development.DIRECTORY_VARIABLE, str(folder))
    return folder


def test_the_identity_is_made_once_and_closed_to_others(folder):
    first = dev_signer()
    assert isinstance(first, FileSigner)
    assert sorted(p.name for p in folder.iterdir()) == NAMES
    assert folder.stat().st_mode & 0o777 == 0o700
    assert all(p.stat().st_mode & 0o777 == 0o600 for p in folder.iterdir())
    assert [p.name for p in folder.parent.iterdir()] == ["development"]
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    assert dev_signer().certificate_der == first.certificate_der
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_objects_signed_with_it_verify_under_its_authority(tmp_path, folder, dicom):
    path = tmp_path / "a.dcm"
    path.write_bytes(dicom("cine"))
    sign_dicom(path, path, dev_signer())
    authority = dev_certificate_authority()
    assert authority.path == folder / "certificate-authority.pem"
    for trusted in (authority.path, authority.certificate_pem, authority.certificate_der):
        report = verify_dicom(path, trusted_certificates=[trusted])
        assert report.problems == ()
    assert MARK in report.signer.subject
    assert MARK in report.signer.issuer


def test_dcmsign_and_openssl_accept_it(tmp_path, folder, dicom, dcmtk):
    path = tmp_path / "a.dcm"
    path.write_bytes(dicom())
    sign_dicom(path, path, dev_signer())
    authority = dev_certificate_authority().path
    run = {"check": True, "capture_output": True}
    subprocess.run([dcmtk("dcmsign"), "+cf", authority, "+rc", path], **run)
    certificate = folder / "signing-certificate.pem"
    command = [dcmtk("openssl"), "verify", "-x509_strict", "-CAfile", authority, certificate]
    subprocess.run(command, **run)


def test_the_certificates_say_what_they_are(issued):
    authority, certificate, key = issued
    assert key.key_size == authority.public_key().key_size == 3072
    for one in (authority, certificate):
        assert MARK in one.subject.rfc4514_string()
        assert one.signature_hash_algorithm.name == "sha256"
        assert one.not_valid_before_utc < datetime.now(UTC)
        get = one.extensions.get_extension_for_class
        usage = get(x509.KeyUsage).value
        is_authority = one is authority
        assert get(x509.BasicConstraints).value.ca is is_authority
        assert usage.key_cert_sign is is_authority
        assert usage.digital_signature is not is_authority
        assert usage.content_commitment is not is_authority
        assert (
            get(x509.AuthorityKeyIdentifier).value.key_identifier
            == authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
        )
    certificate.verify_directly_issued_by(authority)


def test_threads_that_race_get_one_identity(folder, monkeypatch):
    monkeypatch.setattr(development, "_lock", NoLock())
    start = threading.Barrier(8)
    found = []

    def run():
        start.wait()
        found.append(dev_signer().certificate_der)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert [p.name for p in folder.parent.iterdir()] == ["development"]


class NoLock:
    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None


@pytest.mark.slow
def test_processes_that_race_get_one_identity(tmp_path):
    program = "from usdk.trust import dev_signer; print(dev_signer().certificate_der.hex())"
    environment = {**os.environ, development.DIRECTORY_VARIABLE: str(tmp_path / "identity")}
    started = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", program],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(3)
    ]
    answers = [process.communicate(timeout=120) for process in started]
    assert [error for _, error in answers] == [b""] * 3
    assert len({out for out, _ in answers}) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["identity"]


def test_the_loser_of_a_race_takes_the_winners(folder, monkeypatch):
    create = development._create

    def late(directory):
        create(directory)
        winner = (directory / NAMES[1]).read_bytes()
        create(directory)
        assert (directory / NAMES[1]).read_bytes() == winner

    monkeypatch.setattr(development, "_create", late)
    dev_signer()
    assert sorted(p.name for p in folder.iterdir()) == NAMES


@pytest.mark.parametrize("place", ["/proc/nowhere/usdk", "/dev/null/usdk"])
def test_without_a_place_to_write_it_lasts_as_long_as_the_process(
    tmp_path, folder, monkeypatch, dicom, place
):
    monkeypatch.setenv(development.DIRECTORY_VARIABLE, place)
    with pytest.warns(DevelopmentKeyWarning, match=development.DIRECTORY_VARIABLE):
        signer = dev_signer()
    authority = dev_certificate_authority()  # and no second warning
    assert authority.path is None
    assert dev_signer() is signer
    path = tmp_path / "a.dcm"
    path.write_bytes(dicom())
    sign_dicom(path, path, signer)
    assert verify_dicom(path, trusted_certificates=[authority.certificate_der]).is_valid


def test_without_a_home_it_lasts_as_long_as_the_process(folder, monkeypatch):
    monkeypatch.delenv(development.DIRECTORY_VARIABLE)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)

    def homeless():
        raise RuntimeError("no home")

    monkeypatch.setattr(Path, "home", homeless)
    with pytest.warns(DevelopmentKeyWarning, match="no home"):
        assert dev_certificate_authority().path is None


def test_the_folder_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv(development.DIRECTORY_VARIABLE, str(tmp_path))
    assert development.development_directory() == tmp_path
    monkeypatch.delenv(development.DIRECTORY_VARIABLE)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert development.development_directory() == tmp_path / "usdk" / "development"
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    home = tmp_path / ".local" / "share" / "usdk" / "development"
    assert development.development_directory() == home
    monkeypatch.delenv("XDG_DATA_HOME")
    assert development.development_directory() == home


def test_an_empty_folder_is_used_and_closed(folder):
    folder.mkdir(parents=True, mode=0o755)
    dev_signer()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert sorted(p.name for p in folder.iterdir()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_file_is_reported_and_nothing_is_replaced(folder, name):
    dev_signer()
    (folder / name).unlink()
    with pytest.raises(StorageError, match="not complete"):
        dev_signer()
    assert not (folder / name).exists()


@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_file_is_reported(folder, name):
    dev_signer()
    (folder / name).write_bytes(b"damaged")
    with pytest.raises(DataDamagedError):
        dev_signer()


def test_a_folder_or_key_open_to_others_is_not_trusted(folder):
    dev_signer()
    folder.chmod(0o777)
    with pytest.raises(NotTrustedError, match="others can write"):
        dev_signer()
    folder.chmod(0o700)
    (folder / "signing-key.pem").chmod(0o644)
    with pytest.raises(NotTrustedError, match="chmod 600"):
        dev_signer()


def test_an_expired_identity_is_not_trusted(folder, monkeypatch):
    dev_signer()

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime(2099, 1, 1, tzinfo=tz)

    monkeypatch.setattr(development, "datetime", Later)
    with pytest.raises(NotTrustedError, match="expired"):
        dev_signer()
