"""The reference policy enforcement point: nginx, the ingest gate and Orthanc, brought up as one."""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest
from delivery_fixtures import in_memory, make_signing_identity, outgoing
from tls_authority import CLIENT, TlsAuthority

from usdk.errors import DeliveryRefusedError
from usdk.export import write_dicom
from usdk.export.lines import Answer, Confirmation, StowLine, TlsSettings
from usdk.export.lines.multipart import Multipart
from usdk.export.receiver.development_tls import DevelopmentTls

UP = Path(__file__).parents[4] / "examples" / "imaging_cloud" / "up"
ORTHANC = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
SBIN = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"


class Cloud:
    def __init__(self, folder, said):
        self.folder = folder
        self.url = said["url"]
        self.port = int(said["url"].split(":")[2].split("/")[0])
        self.tls = DevelopmentTls(folder / "tls")
        self.gate = Path(said["gate"])
        self.audit_paths = [Path(path) for path in said["audit"]]

    def settings(self, name="unit", **changes):
        values = {
            "trusted_certificates": [self.tls.authority],
            "certificate": self.tls.folder / f"{name}.pem",
            "key": self.tls.folder / f"{name}.key",
            "revocation_lists": [self.tls.revocation_list],
        }
        return TlsSettings(**(values | changes))

    def audited(self, index, **expected):
        """Wait for a line of an audit log that says this; logs are written after answers."""
        deadline_s = time.monotonic() + 20
        while time.monotonic() < deadline_s:
            text = self.audit_paths[index].read_text() if self.audit_paths[index].exists() else ""
            for line in text.splitlines():
                entry = json.loads(line)
                if all(value in entry.get(name, "") for name, value in expected.items()):
                    return entry
            time.sleep(0.05)
        raise AssertionError(f"not audited: {expected}")

    def request(self, identity, method="GET", path="/dicom-web/studies", body=None, headers=None):
        """Ask as any client might, whatever its certificate; return the status."""
        context = ssl.create_default_context(cafile=str(self.tls.authority))
        if identity is not None:
            context.load_cert_chain(*identity)
        connection = http.client.HTTPSConnection(
            "localhost", self.port, context=context, timeout=30
        )
        try:
            connection.request(method, path, body=body, headers=headers or {})
            return connection.getresponse().status
        finally:
            connection.close()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory, signing):
    if shutil.which("nginx", path=SBIN) is None or shutil.which("Orthanc", path=SBIN) is None:
        pytest.skip("nginx or Orthanc (Debian's nginx-light, orthanc) is not installed")
    if not ORTHANC.is_file():
        pytest.skip("Orthanc's DICOMweb plugin (Debian's orthanc-dicomweb) is not installed")
    folder = tmp_path_factory.mktemp("cloud")
    tls = DevelopmentTls(folder / "tls")
    tls.issue("stranger", "client")
    tls.revoke(tls.issue("revoked", "client")[0])
    authority = folder / "signers.pem"
    authority.write_bytes(signing.authority_pem)
    process = subprocess.Popen(
        [sys.executable, UP, "--folder", folder, "--port", "0", "--signers", authority],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        assert line, "the imaging cloud did not come up"
        yield Cloud(folder, json.loads(line))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        process.stdout.close()
    assert process.returncode == 0


@pytest.fixture
def line(cloud):
    made = StowLine(cloud.url, tls=cloud.settings())
    yield made
    made.close()


@pytest.mark.parametrize("http2", [False, True])
def test_signed_objects_reach_the_archive_and_are_confirmed(cloud, signed_files, http2):
    objects = [outgoing(path) for path in signed_files]
    line = StowLine(cloud.url, tls=cloud.settings(), http2=http2)
    line.check()
    assert {one.answer for one in line.send(objects)} == {Answer.ACCEPTED}
    assert [line.confirm(one) for one in objects] == [Confirmation.CONFIRMED] * 3
    line.close()
    entry = cloud.audited(0, status="200", method="POST")
    assert entry["role"] == "device"
    assert entry["dn"].startswith("CN=unit,")
    assert len(entry["fingerprint"]) == 40
    assert entry["serial"]
    cloud.audited(1, event="stored", sop_instance_uid=objects[0].sop_instance_uid)


def test_another_object_under_a_known_uid_is_found_out(
    cloud, line, signed_file, make_frame, signing, tmp_path
):
    from pydicom import dcmread

    from usdk.trust import sign_dicom

    sent = outgoing(signed_file)
    line.send([sent])
    dataset = dcmread(signed_file)
    for tag in (0x4FFE0001, 0xFFFAFFFA):
        del dataset[tag]
    dataset.SeriesNumber = 77
    dataset.save_as(tmp_path / "other.dcm", enforce_file_format=True)
    sign_dicom(tmp_path / "other.dcm", tmp_path / "other.dcm", signing.signer)
    other = outgoing(tmp_path / "other.dcm")
    assert other.sop_instance_uid == sent.sop_instance_uid
    assert "already" in line.send([other])[0].reason
    assert line.confirm(other) is Confirmation.DIFFERENT
    assert line.confirm(sent) is Confirmation.CONFIRMED


def _unsigned(folder, make_frame, _):
    return write_dicom(folder / "x.dcm", [make_frame(5)], signer=None)


def _tampered(folder, make_frame, signing):
    path = write_dicom(folder / "x.dcm", [make_frame(5)], signer=signing.signer)
    path.write_bytes(path.read_bytes().replace(b"SN-0042", b"SN-0043"))
    return path


def _foreign(folder, make_frame, _):
    return write_dicom(
        folder / "x.dcm", [make_frame(5)], signer=make_signing_identity(folder).signer
    )


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (_unsigned, "unsigned"),
        (_tampered, "signature refused"),
        (_foreign, "no certificate that you trust"),
    ],
)
def test_objects_that_must_not_enter_do_not(
    cloud, line, make_frame, signing, tmp_path, make, reason
):
    sent = outgoing(make(tmp_path, make_frame, signing))
    (answer,) = line.send([sent])
    assert answer.answer is Answer.REFUSED
    assert line.confirm(sent) is Confirmation.ABSENT
    entry = cloud.audited(1, event="object refused", sop_instance_uid=sent.sop_instance_uid)
    assert reason in entry["reason"]
    assert "unit" in entry["peer"]


def test_what_is_no_dicom_is_refused(cloud, line, signed_file):
    sent = in_memory(b"no such thing" * 100, outgoing(signed_file))
    assert line.send([sent])[0].answer is not Answer.ACCEPTED
    cloud.audited(1, event="object refused", reason="not a DICOM object")


def _clients(cloud, signing, folder):
    tls = cloud.tls.folder
    rogue = TlsAuthority(folder, "rogue")
    return {
        "none": (None, 400, {"verify": "NONE"}),
        "rogue": (rogue.issue("unit", [CLIENT]), 400, {"verify": "FAILED"}),
        "revoked": (
            (tls / "revoked.pem", tls / "revoked.key"),
            400,
            {"verify": "FAILED:certificate revoked"},
        ),
        "role": (
            (tls / "stranger.pem", tls / "stranger.key"),
            403,
            {"dn": "CN=stranger", "role": "none"},
        ),
        "signing": (
            (signing.certificate_path, signing.key_path),
            400,
            {"verify": "FAILED", "dn": "signer"},
        ),
        "server": ((tls / "server.pem", tls / "server.key"), 400, {"verify": "FAILED"}),
    }


@pytest.mark.parametrize("kind", ["none", "rogue", "revoked", "role", "signing", "server"])
def test_a_wrong_client_is_refused_and_audited(cloud, signing, signed_file, tmp_path, kind):
    identity, status, entry = _clients(cloud, signing, tmp_path)[kind]
    body = Multipart([(signed_file.stat().st_size, lambda: signed_file.open("rb"))])
    headers = {"Content-Type": body.content_type, "Content-Length": str(body.n_bytes)}
    n_stored = len(list((cloud.folder / "orthanc").rglob("*")))
    assert cloud.request(identity, "POST", body=body, headers=headers) == status
    cloud.audited(0, status=str(status), **entry)
    assert len(list((cloud.folder / "orthanc").rglob("*"))) == n_stored


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/dicom-web/studies"),
        ("DELETE", "/dicom-web/studies/1.2"),
        ("GET", "/system"),
        ("GET", "/dicom-web/../system"),
        ("POST", "/tools/execute-script"),
        ("PUT", "/dicom-web/studies"),
    ],
)
def test_a_device_may_store_and_read_back_and_nothing_else(cloud, method, path):
    identity = (cloud.tls.folder / "unit.pem", cloud.tls.folder / "unit.key")
    assert cloud.request(identity, method, path) == 403


def test_a_client_cannot_claim_another_certificate(cloud):
    identity = (cloud.tls.folder / "unit.pem", cloud.tls.folder / "unit.key")
    path = "/dicom-web/studies/2.25.1/series/2.25.1/instances/2.25.1"
    status = cloud.request(identity, path=path, headers={"X-Client-Certificate": "nonsense"})
    assert status == 404  # What the client sent was replaced by what nginx saw.


def test_a_unit_without_a_role_is_told_so(cloud, signed_file):
    line = StowLine(cloud.url, tls=cloud.settings("stranger"))
    with pytest.raises(DeliveryRefusedError, match="role"):
        line.send([outgoing(signed_file)])
    line.close()


def test_a_revoked_unit_is_told_so(cloud, signed_file):
    line = StowLine(cloud.url, tls=cloud.settings("revoked"))
    with pytest.raises(DeliveryRefusedError, match="certificate"):
        line.send([outgoing(signed_file)])
    line.close()


def test_what_must_be_closed_is_closed(cloud):
    closed = [cloud.gate, cloud.gate.parent, cloud.folder / "tls", cloud.folder / "orthanc.json"]
    for path in closed:
        assert path.stat().st_mode & 0o077 == 0
