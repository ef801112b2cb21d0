"""Orthanc behind the gate: what it is handed, and what it gives back."""

from __future__ import annotations

import base64
import http.client
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from usdk.errors import DataDamagedError, LineDownError
from usdk.export.lines import Answer
from usdk.export.lines.data_set import chunks_of, data_set_bytes, same_data_set
from usdk.export.lines.multipart import Multipart, boundary_of, read_parts
from usdk.export.lines.stow_answer import read_stow_answer
from usdk.export.receiver.admission import DUPLICATE, Admission
from usdk.export.receiver.folder_archive import Stored

TIMEOUT_S = 60.0
OUT_OF_RESOURCES = 0xA700
ANY_CODING = 'multipart/related; type="application/dicom"; transfer-syntax=*'


class OrthancArchive:
    """An Orthanc on this machine's plain HTTP, which nobody else can reach or knows the word to."""

    def __init__(self, port: int, user: str, password: str) -> None:
        self._port = port
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {token}"}

    def keep(self, path: Path, admission: Admission) -> int | None:
        """Store a file unless its UID is taken: Orthanc says 200 then, and keeps the old object."""
        uids = admission.uids[2], admission.uids[3], admission.uids[1]
        with self.find(*uids) as known:
            if known is not None:
                with known[1]() as theirs, path.open("rb") as ours:
                    one, other = data_set_bytes(chunks_of(ours)), data_set_bytes(chunks_of(theirs))
                    return None if same_data_set(one, other) else DUPLICATE
        body = Multipart([(path.stat().st_size, lambda: path.open("rb"))])
        headers = self._headers | {
            "Content-Type": body.content_type,
            "Content-Length": str(body.n_bytes),
            "Accept": "application/dicom+json",
        }
        with self._request("POST", "/dicom-web/studies", headers, body) as answer:
            try:
                (said,) = read_stow_answer(
                    answer.getheader("Content-Type", ""), answer.read(), [admission.uids[1]]
                )
            except DataDamagedError:
                return OUT_OF_RESOURCES
        return None if said.answer is Answer.ACCEPTED else OUT_OF_RESOURCES

    @contextmanager
    def find(self, study: str, series: str, instance: str) -> Iterator[Stored | None]:
        """Give a stored file as Orthanc gives it back."""
        url = f"/dicom-web/studies/{study}/series/{series}/instances/{instance}"
        headers = self._headers | {"Accept": ANY_CODING}
        with tempfile.NamedTemporaryFile(suffix=".dcm") as file:
            with self._request("GET", url, headers, None) as answer:
                if answer.status != 200:
                    yield None
                    return
                chunks = iter(lambda: answer.read1(1 << 16), b"")
                boundary = boundary_of(answer.getheader("Content-Type", ""))
                part = next(read_parts(chunks, boundary), None)
                if part is None:
                    yield None
                    return
                for chunk in part.content:
                    file.write(chunk)
            file.flush()
            path = Path(file.name)
            yield path.stat().st_size, lambda: path.open("rb")

    @contextmanager
    def _request(
        self, method: str, url: str, headers: dict[str, str], body: Multipart | None
    ) -> Iterator[http.client.HTTPResponse]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_S)
        try:
            connection.request(method, url, body=body, headers=headers)
            yield connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise LineDownError("Orthanc does not answer") from error
        finally:
            connection.close()
