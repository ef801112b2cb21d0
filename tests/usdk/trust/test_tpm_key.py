from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from usdk.errors import ArgumentError, DeviceAbsentError, MissingExtraError, NotTrustedError
from usdk.trust import Signer, TpmSigner, open_signer, sign_dicom, verify_dicom
from usdk.trust.signer import DIGEST_SIZES

tpm2_pytss = pytest.importorskip("tpm2_pytss")

PIN = b"tpm-pin"
RSA, EC, OPEN = 0x81010001, 0x81010002, 0x81010003


def free_ports():
    """Return a free port whose successor is free too: swtpm's control channel."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port


class Tpm:
    """A software TPM with an RSA key, a P-256 key, and one that no lockout guards."""

    def __init__(self, folder):
        self.folder = folder
        self.port = free_ports()
        self.tcti = f"swtpm:host=127.0.0.1,port={self.port}"
        state = folder / "state"
        state.mkdir()
        command = [
            "swtpm", "socket", "--tpm2", "--tpmstate", f"dir={state}",
            "--server", f"type=tcp,port={self.port}", "--ctrl", f"type=tcp,port={self.port + 1}",
            "--flags", "not-need-init,startup-clear",
        ]  # fmt: skip
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                self.run("getcap", "properties-fixed")
                break
            except subprocess.CalledProcessError:
                time.sleep(0.1)

    def run(self, tool, *arguments):
        command = [f"tpm2_{tool}", "-T", self.tcti, *map(str, arguments)]
        environment = os.environ | {"TSS2_LOG": "all+NONE"}
        subprocess.run(
            command, check=True, capture_output=True, timeout=60, cwd=self.folder, env=environment
        )

    def make(self, kind, handle, *options):
        """Make a signing key at a handle and return its public key."""
        if not (self.folder / "primary.ctx").exists():
            self.run("createprimary", "-C", "o", "-G", "ecc", "-c", "primary.ctx")
        public = self.folder / f"{handle:x}.pem"
        attributes = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign"
        more = "|noda" if "noda" in options else ""
        self.run("create", "-C", "primary.ctx", "-G", kind, "-u", "k.pub", "-r", "k.priv",
                 "-a", attributes + more, "-p", PIN.decode())  # fmt: skip
        self.run("flushcontext", "-t")
        self.run("load", "-C", "primary.ctx", "-u", "k.pub", "-r", "k.priv", "-c", "k.ctx")
        self.run("flushcontext", "-t")
        self.run("readpublic", "-c", "k.ctx", "-f", "pem", "-o", public)
        self.run("flushcontext", "-t")
        self.run("evictcontrol", "-C", "o", "-c", "k.ctx", hex(handle))
        self.run("flushcontext", "-t")
        return load_pem_public_key(public.read_bytes())


@pytest.fixture(scope="module")
def tpm(tmp_path_factory):
    for tool in ("swtpm", "tpm2_createprimary"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    before = os.environ.get("TSS2_LOG")
    os.environ["TSS2_LOG"] = "all+NONE"
    machine = Tpm(tmp_path_factory.mktemp("tpm"))
    yield machine
    machine.process.terminate()
    machine.process.wait(timeout=30)
    if before is None:
        del os.environ["TSS2_LOG"]
    else:
        os.environ["TSS2_LOG"] = before


class PublicOnly:
    """Stands for a private key where only the public one is known."""

    def __init__(self, key):
        self._key = key

    def public_key(self):
        return self._key


@pytest.fixture(scope="module")
def keys(tpm, issuer, authority):
    made = {}
    for kind, handle, *more in (("rsa2048", RSA), ("ecc256", EC), ("ecc256", OPEN, "noda")):
        public = tpm.make(kind, handle, *more)
        made[handle] = issuer.leaf(authority, f"TPM {handle:x}", key=PublicOnly(public))
    return made


@pytest.fixture(scope="module")
def address(tpm):
    return lambda handle: f"tpm:{handle:#x}?tcti={tpm.tcti}"


@pytest.mark.parametrize("algorithm", sorted(set(DIGEST_SIZES) - {"SHA512"}))
def test_an_object_signed_in_the_tpm_is_accepted_by_both(
    tmp_path, dicom, keys, address, authority, dcmsign, algorithm
):
    path = tmp_path / "a.dcm"
    path.write_bytes(dicom("nested"))
    signer = TpmSigner(address(RSA), keys[RSA].certificate_path, pin=PIN)
    assert isinstance(signer, Signer)
    sign_dicom(path, path, signer, algorithm=algorithm)
    assert verify_dicom(path, trusted_certificates=[authority.der]).is_valid
    assert dcmsign.verify(path, "+rc") == 0


def test_a_key_on_a_curve_signs_outside_the_profiles(
    tmp_path, dicom, keys, address, authority, dcmsign
):
    path = tmp_path / "a.dcm"
    path.write_bytes(dicom("nested"))
    signer = open_signer(address(EC), keys[EC].certificate_path, password=PIN)
    sign_dicom(path, path, signer, profile=None)
    report = verify_dicom(path, trusted_certificates=[authority.der], profile=None)
    assert report.problems == ()
    assert dcmsign.verify(path, "+rg") == 0


def test_the_way_to_the_tpm_may_come_from_the_environment(keys, tpm, monkeypatch):
    monkeypatch.setenv("USDK_TPM_TCTI", tpm.tcti)
    TpmSigner(f"tpm:{RSA:#x}", keys[RSA].certificate_path, pin=PIN)


def test_what_is_not_there_is_named(keys, address, tpm):
    certificate = keys[RSA].certificate_path
    with pytest.raises(ArgumentError, match="no key there"):
        TpmSigner(address(0x81010099), certificate, pin=PIN)
    with pytest.raises(DeviceAbsentError, match="cannot be reached"):
        TpmSigner(f"tpm:{RSA:#x}?tcti=swtpm:host=127.0.0.1,port={free_ports()}", certificate)
    with pytest.raises(DeviceAbsentError, match="cannot be reached"):
        TpmSigner(f"tpm:{RSA:#x}?tcti=nonsense", certificate)
    for bad in ("tpm:", "tpm:0x80000000", "tpm:1", "tpm:0x81010001?pin=1", "tpm:0x81010001?tcti="):
        with pytest.raises(ArgumentError, match="persistent handle"):
            TpmSigner(bad, certificate)


def test_a_wrong_pin_is_told_and_too_many_lock_the_key(keys, address, tpm):
    unguarded = TpmSigner(address(OPEN), keys[OPEN].certificate_path, pin=b"8642")
    with pytest.raises(NotTrustedError, match="PIN does not open") as caught:
        unguarded.sign_digest(bytes(32), "SHA256")
    assert "8642" not in str(caught.value)
    tpm.run("dictionarylockout", "--setup-parameters", "--max-tries=2", "--recovery-time=1000",
            "--lockout-recovery-time=1000")  # fmt: skip
    wrong = TpmSigner(address(RSA), keys[RSA].certificate_path, pin=b"8642")
    seen = []
    for _ in range(4):
        with pytest.raises(NotTrustedError) as caught:
            wrong.sign_digest(bytes(32), "SHA256")
        seen.append("locked after" in str(caught.value))
    assert seen[0] is False
    assert seen[-1] is True
    right = TpmSigner(address(RSA), keys[RSA].certificate_path, pin=PIN)
    with pytest.raises(NotTrustedError, match="locked"):
        right.sign_digest(bytes(32), "SHA256")
    tpm.run("dictionarylockout", "--clear-lockout")
    assert right.sign_digest(bytes(32), "SHA256")


def test_without_the_package_the_extra_is_named(leaf, monkeypatch):
    monkeypatch.setitem(sys.modules, "tpm2_pytss", None)
    with pytest.raises(MissingExtraError, match="tpm"):
        TpmSigner("tpm:0x81010001", leaf.certificate_path)
