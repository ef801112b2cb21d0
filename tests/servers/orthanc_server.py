"""Orthanc on loopback: DICOM over TLS and DICOMweb over HTTPS, both with client certificates.

HTTPS is nginx's, before Orthanc's plain HTTP: Debian's Orthanc 1.10.1 ends with a segmentation
fault at the first HTTPS request.

``start_orthanc`` runs one with whatever settings a test needs; the fixture ``orthanc`` is one for
all tests of a session, which must not rely on its being empty.
"""

from __future__ import annotations

import json
import shutil
import socket
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from nginx_server import start_nginx
from server_process import free_ports, running_server
from tls_identities import TlsIdentities, issue_tls_identities

__all__ = ["Orthanc", "orthanc", "start_orthanc", "tls_identities"]

_DICOMWEB = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
_ATTEMPTS = 3
_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Orthanc:
    """Where a running Orthanc listens, and how to talk to it."""

    dicom_port: int
    plain_http_port: int
    https_port: int | None
    identities: TlsIdentities
    storage: Path
    ae_title: str = "ORTHANC"
    host: str = "127.0.0.1"

    @property
    def url(self) -> str:
        """Root of its REST interface, by TLS where it has nginx before it."""
        if self.https_port is None:
            return f"http://{self.host}:{self.plain_http_port}"
        return f"https://{self.host}:{self.https_port}"

    @property
    def dicomweb_url(self) -> str:
        """Root of DICOMweb."""
        return f"{self.url}/dicom-web"

    def request(
        self,
        path: str,
        *,
        method: str = "GET",
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """Return the body of an answer; `urllib.error.HTTPError` for a refusal."""
        request = urllib.request.Request(
            self.url + path, data=data, method=method, headers=dict(headers or {})
        )
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=self.identities.client_context()),
        )
        with opener.open(request, timeout=_TIMEOUT_S) as answer:
            body: bytes = answer.read()
        return body

    def stored_file(self, sop_instance_uid: str) -> bytes | None:
        """Return a stored object as it lies on its disk, or None if there is none."""
        query = sop_instance_uid.encode()
        found = json.loads(self.request("/tools/lookup", method="POST", data=query))
        paths = [entry["Path"] for entry in found if entry["Type"] == "Instance"]
        return self.request(f"{paths[0]}/file") if paths else None


@contextmanager
def start_orthanc(
    folder: Path,
    identities: TlsIdentities,
    *,
    modalities: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    https: bool = True,
) -> Iterator[Orthanc]:
    """Run an Orthanc for the length of a block; the test is skipped where it is not installed.

    Parameters
    ----------
    folder : Path
        An empty folder for its settings, storage and log.
    modalities : mapping, optional
        ``DicomModalities``: who calls, and where storage commitment is answered, by name.
    settings : mapping, optional
        More entries of its configuration, or others than those below.
    https : bool
        Put nginx before it, or leave its HTTP plain.
    """
    program = shutil.which("Orthanc", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if program is None or not _DICOMWEB.is_file():
        pytest.skip("Orthanc with DICOMweb (Debian's orthanc, orthanc-dicomweb) is not installed")
    with ExitStack() as stack:
        for attempt in range(_ATTEMPTS):
            dicom_port, http_port = free_ports(2)
            storage = folder / f"storage-{attempt}"
            server = Orthanc(dicom_port, http_port, None, identities, storage)
            configuration = _configuration(server) | {"DicomModalities": dict(modalities or {})}
            path = folder / f"orthanc-{attempt}.json"
            path.write_text(json.dumps(configuration | dict(settings or {}), indent=2))
            log = folder / f"orthanc-{attempt}.log"
            try:
                stack.enter_context(
                    running_server([program, path], log, is_ready=partial(_answers, server))
                )
            except RuntimeError:
                # Another process may have taken a port in the meantime.
                if attempt == _ATTEMPTS - 1:
                    raise
                continue
            if https:
                port = stack.enter_context(start_nginx(folder, identities, http_port))
                server = replace(server, https_port=port)
            yield server
            return


def _answers(server: Orthanc) -> bool:
    try:
        server.request("/system")
        socket.create_connection((server.host, server.dicom_port), timeout=_TIMEOUT_S).close()
    except OSError:
        return False
    return True


def _configuration(server: Orthanc) -> dict[str, Any]:
    identities = server.identities
    return {
        "Name": "usdk tests",
        "StorageDirectory": str(server.storage),
        "IndexDirectory": str(server.storage),
        "Plugins": [str(_DICOMWEB)],
        "HttpPort": server.plain_http_port,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "WebDavEnabled": False,
        "ExecuteLuaEnabled": False,
        "DicomServerEnabled": True,
        "DicomAet": server.ae_title,
        "DicomPort": server.dicom_port,
        "DicomCheckCalledAet": True,
        "DicomAlwaysAllowEcho": True,
        "DicomAlwaysAllowStore": True,
        "DicomAlwaysAllowFind": True,
        "DicomAlwaysAllowGet": True,
        "DicomTlsEnabled": True,
        "DicomTlsCertificate": str(identities.server.certificate),
        "DicomTlsPrivateKey": str(identities.server.key),
        "DicomTlsTrustedCertificates": str(identities.authority),
        "DicomTlsRemoteCertificateRequired": True,
        # What it transcodes on the way out is no longer what was signed.
        "TranscodeDicomProtocol": False,
        "OverwriteInstances": False,
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "StudiesMetadata": "Full"},
    }


@pytest.fixture(scope="session")
def tls_identities(tmp_path_factory: pytest.TempPathFactory) -> TlsIdentities:
    """Return an authority and certificates of a server and of a client, for loopback."""
    return issue_tls_identities(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def orthanc(
    tmp_path_factory: pytest.TempPathFactory, tls_identities: TlsIdentities
) -> Iterator[Orthanc]:
    """Return an Orthanc that runs until the session ends."""
    with start_orthanc(tmp_path_factory.mktemp("orthanc"), tls_identities) as server:
        yield server
