"""The imaging cloud of the examples as a process: nginx, ingest gate and Orthanc."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from usdk.export.lines import TlsSettings
from usdk.export.receiver.development_tls import DevelopmentTls

__all__ = ["Found", "ImagingCloud", "data_set_digest", "why_no_cloud"]

UP = Path(__file__).parents[2] / "examples" / "imaging_cloud" / "up"
_DICOMWEB = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
_SBIN = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"
_STOP_S = 30.0


def why_no_cloud() -> str:
    """Return why it cannot be had here; empty if it can."""
    if shutil.which("nginx", path=_SBIN) is None or shutil.which("Orthanc", path=_SBIN) is None:
        return "nginx or Orthanc (Debian's nginx-light, orthanc) is not installed"
    if not _DICOMWEB.is_file():
        return "Orthanc's DICOMweb plugin (Debian's orthanc-dicomweb) is not installed"
    return ""


@dataclass
class Found:
    """What an archive holds: how many instances it counts, and digests of data sets by UID."""

    n_instances: int
    digests: dict[str, list[str]]


class ImagingCloud:
    """Runs from when it is made; the archive behind the gate can be looked into.

    Parameters
    ----------
    folder : Path
        Its settings, keys, logs and archive.
    signers : Path
        Certificates that vouch for what may enter.
    prefix, options : sequence of str
        What the command begins with and ends with.
    """

    def __init__(
        self,
        folder: Path,
        signers: Path,
        *,
        prefix: Sequence[str] = (),
        options: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self._prefix = list(prefix)
        self._process = subprocess.Popen(
            [
                *prefix,
                sys.executable,
                str(UP),
                "--folder",
                str(folder),
                "--port",
                "0",
                "--signers",
                str(signers),
                *options,
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.stop()
            raise RuntimeError("the imaging cloud did not come up")
        said = json.loads(line)
        self.url: str = said["url"]
        self.tls = DevelopmentTls(folder / "tls")
        self._audit = Path(said["audit"][1])

    def settings(self) -> TlsSettings:
        """Return what a unit needs to connect."""
        return TlsSettings(
            trusted_certificates=[self.tls.authority],
            certificate=self.tls.folder / "unit.pem",
            key=self.tls.folder / "unit.key",
            revocation_lists=[self.tls.revocation_list],
        )

    def look(self) -> Found:
        """Look into Orthanc itself, past nginx and the gate."""
        if not self._prefix:
            return look(self.folder)
        command = [*self._prefix, sys.executable, __file__, str(self.folder)]
        done = subprocess.run(command, capture_output=True, timeout=300, check=True)
        return Found(**json.loads(done.stdout))

    def n_stored(self) -> int:
        """Return how often the gate took an object in: more than objects, if some came twice."""
        lines = self._audit.read_text().splitlines() if self._audit.exists() else []
        return sum(json.loads(line)["event"] == "stored" for line in lines)

    def stop(self) -> None:
        """End it."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(_STOP_S)
        if self._process.stdout is not None:
            self._process.stdout.close()


def look(folder: Path) -> Found:
    """Return what the Orthanc of a cloud in ``folder`` holds, asked by its REST interface."""
    settings = json.loads((folder / "orthanc.json").read_text())
    ((user, password),) = settings["RegisteredUsers"].items()
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask(path: str, accept: str = "*/*") -> bytes:
        url = f"http://127.0.0.1:{settings['HttpPort']}{path}"
        headers = {"Authorization": f"Basic {token}", "Accept": accept}
        with opener.open(urllib.request.Request(url, headers=headers), timeout=60) as answer:
            body: bytes = answer.read()
        return body

    found = Found(int(json.loads(ask("/statistics"))["CountInstances"]), {})
    for identifier in json.loads(ask("/instances")):
        tags = json.loads(ask(f"/instances/{identifier}/simplified-tags"))
        study, series = tags["StudyInstanceUID"], tags["SeriesInstanceUID"]
        uid = tags["SOPInstanceUID"]
        path = f"/dicom-web/studies/{study}/series/{series}/instances/{uid}"
        body = ask(path, 'multipart/related; type="application/dicom"; transfer-syntax=*')
        start = body.index(b"\r\n\r\n") + 4
        # Nothing stands before the first boundary, which is also what ends the part.
        boundary = body[: body.index(b"\r\n")]
        content = body[start : body.rindex(b"\r\n" + boundary)]
        found.digests.setdefault(uid, []).append(data_set_digest(content))
    return found


def data_set_digest(content: bytes) -> str:
    """Return the SHA-256 of a DICOM file after its meta information, which is a server's own."""
    length = int.from_bytes(content[140:144], "little")  # (0002,0000), PS3.10 section 7.1
    return hashlib.sha256(content[144 + length :]).hexdigest()


if __name__ == "__main__":
    json.dump(asdict(look(Path(sys.argv[1]))), sys.stdout)
