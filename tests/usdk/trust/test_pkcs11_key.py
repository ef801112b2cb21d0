from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from usdk.errors import (
    ArgumentError,
    DeviceAbsentError,
    DeviceFailedError,
    MissingExtraError,
    NotTrustedError,
    StorageError,
)
from usdk.trust import Pkcs11Signer, Signer, open_signer, sign_dicom, verify_dicom
from usdk.trust.signer import DIGEST_SIZES

pkcs11 = pytest.importorskip("pkcs11")

MODULE = next(
    (
        path
        for path in ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so")
        if Path(path).exists()
    ),
    None,
)
PIN = b"1234-user"


@pytest.fixture(scope="module")
def token(tmp_path_factory, dcmtk, leaf, elliptic):
    """A SoftHSM token with an RSA key and its certificate, and a P-256 key without one."""
    if MODULE is None:
        pytest.skip("SoftHSM is not installed")
    folder = tmp_path_factory.mktemp("token")
    (folder / "tokens").mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(configuration)
    tool = dcmtk("softhsm2-util")

    def run(*arguments):
        subprocess.run([tool, *map(str, arguments)], check=True, capture_output=True, timeout=60)

    run("--init-token", "--free", "--label", "usdk test", "--pin", PIN.decode(), "--so-pin", "so12")
    for label, identifier, key in (("rsa key", "01", leaf), ("ec key", "02", elliptic)):
        pem = folder / f"{identifier}.pem"
        pem.write_bytes(key.key_pem())
        run("--import", pem, "--token", "usdk test", "--label", label, "--id", identifier,
            "--pin", PIN.decode())  # fmt: skip
    library = pkcs11.lib(MODULE)
    library.reinitialize()
    with library.get_token(token_label="usdk test").open(rw=True, user_pin=PIN.decode()) as session:
        session.create_object(
            {
                pkcs11.Attribute.CLASS: pkcs11.ObjectClass.CERTIFICATE,
                pkcs11.Attribute.CERTIFICATE_TYPE: pkcs11.CertificateType.X_509,
                pkcs11.Attribute.ID: b"\x01",
                pkcs11.Attribute.SUBJECT: leaf.certificate.subject.public_bytes(),
                pkcs11.Attribute.VALUE: leaf.der,
                pkcs11.Attribute.TOKEN: True,
            }
        )
    yield f"pkcs11:token=usdk%20test;object=rsa%20key?module-path={MODULE}"
    if before is None:
        del os.environ["SOFTHSM2_CONF"]
    else:
        os.environ["SOFTHSM2_CONF"] = before


@pytest.fixture(scope="module")
def elliptic(issuer, authority):
    return issuer.leaf(authority, "Curve", key=ec.generate_private_key(ec.SECP256R1()))


@pytest.mark.parametrize("algorithm", sorted(DIGEST_SIZES))
def test_an_object_signed_in_the_token_is_accepted_by_both(
    tmp_path, dicom, token, authority, leaf, dcmsign, algorithm
):
    path = tmp_path / "a.dcm"
    path.write_bytes(dicom("nested"))
    signer = Pkcs11Signer(token, PIN)
    assert isinstance(signer, Signer)
    assert signer.certificate_der == leaf.der
    sign_dicom(path, path, signer, algorithm=algorithm)
    assert verify_dicom(path, trusted_certificates=[authority.der]).is_valid
    assert dcmsign.verify(path, "+rc") == 0


def test_a_key_on_a_curve_signs_with_a_certificate_from_a_file(
    tmp_path, dicom, token, authority, elliptic, dcmsign
):
    path = tmp_path / "a.dcm"
    path.write_bytes(dicom("nested"))
    uri = token.replace("object=rsa%20key", "id=%02;type=private")
    signer = open_signer(uri, elliptic.certificate_path, password=PIN)
    sign_dicom(path, path, signer, profile=None)
    report = verify_dicom(path, trusted_certificates=[authority.der], profile=None)
    assert report.problems == ()
    assert report.signer.algorithm == "ECDSA-SHA256"
    assert dcmsign.verify(path, "+rg") == 0
    with pytest.raises(ArgumentError, match="holds no certificate"):
        Pkcs11Signer(uri, PIN)


def test_a_wrong_pin_is_not_trusted_and_not_repeated(token):
    with pytest.raises(NotTrustedError, match="PIN does not open") as caught:
        Pkcs11Signer(token, b"9999-wrong")
    assert "9999" not in str(caught.value)
    with pytest.raises(NotTrustedError, match="PIN does not open"):
        Pkcs11Signer(token, b"")
    Pkcs11Signer(token, PIN)


def test_what_is_not_there_is_named(token):
    with pytest.raises(DeviceAbsentError, match="no such token"):
        Pkcs11Signer(token.replace("usdk%20test", "other"), PIN)
    with pytest.raises(ArgumentError, match="no such private key"):
        Pkcs11Signer(token.replace("rsa%20key", "other"), PIN)
    with pytest.raises(ArgumentError, match="several such keys"):
        Pkcs11Signer(token.replace(";object=rsa%20key", ""), PIN)
    with pytest.raises(StorageError, match="cannot be loaded"):
        Pkcs11Signer(token.replace(MODULE, "/nonexistent.so"), PIN)
    with pytest.raises(ArgumentError, match="maker's library"):
        Pkcs11Signer("pkcs11:token=a", PIN)


@pytest.mark.parametrize(
    ("raised", "expected", "text"),
    [
        ("PinLocked", NotTrustedError, "locked"),
        ("PinExpired", NotTrustedError, "locked"),
        ("DeviceRemoved", DeviceAbsentError, "plug it in"),
        ("TokenNotPresent", DeviceAbsentError, "plug it in"),
        ("GeneralError", DeviceFailedError, "GeneralError"),
        ("FunctionFailed", DeviceFailedError, "FunctionFailed"),
    ],
)
def test_each_failure_of_a_token_has_its_type(token, monkeypatch, raised, expected, text):
    signer = Pkcs11Signer(token, PIN)

    def fail():
        raise getattr(pkcs11.exceptions, raised)

    monkeypatch.setattr(signer, "_token", fail)
    with pytest.raises(expected, match=text):
        signer.sign_digest(bytes(32), "SHA256")
    with pytest.raises(ArgumentError):
        signer.sign_digest(bytes(31), "SHA256")


def test_a_certificate_of_another_key_is_found_out_before_a_file_appears(
    tmp_path, dicom, token, elliptic, issuer, authority
):
    path = tmp_path / "a.dcm"
    path.write_bytes(dicom("grey"))
    other = issuer.leaf(authority, "Other", key=2)
    signer = Pkcs11Signer(token, PIN, certificate_path=other.certificate_path)
    with pytest.raises(NotTrustedError, match="does not hold"):
        sign_dicom(path, tmp_path / "out.dcm", signer)
    assert not (tmp_path / "out.dcm").exists()


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    with pytest.raises(MissingExtraError, match="pkcs11"):
        Pkcs11Signer("pkcs11:token=a?module-path=/x", PIN)
