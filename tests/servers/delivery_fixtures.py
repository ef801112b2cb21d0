"""Signed objects, an authority for TLS, and a server that does what a test tells it to."""

from __future__ import annotations

import io
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydicom import dcmread
from tls_authority import SERVER, TlsAuthority

from usdk.dicom import Study
from usdk.export import write_dicom
from usdk.export.lines import Outgoing, TlsSettings
from usdk.trust import RsaSigner
from usdk.trust.development_certificates import issue_development_certificates


def outgoing(path: Path) -> Outgoing:
    """Return a file as the outbox would hand it to a line."""
    dataset = dcmread(path, stop_before_pixels=True)
    return Outgoing(
        sop_class_uid=str(dataset.SOPClassUID),
        sop_instance_uid=str(dataset.SOPInstanceUID),
        study_instance_uid=str(dataset.StudyInstanceUID),
        series_instance_uid=str(dataset.SeriesInstanceUID),
        transfer_syntax_uid=str(dataset.file_meta.TransferSyntaxUID),
        size_bytes=path.stat().st_size,
        open=lambda: path.open("rb"),
    )


@dataclass
class Server:
    """A server of TLS that a test scripts; ``received`` is what came after the handshake."""

    port: int
    received: bytearray = field(default_factory=bytearray)
    n_connections: int = 0

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}/dicom-web"


Behaviour = Callable[[ssl.SSLSocket, Server], None]


def read_request(connection: ssl.SSLSocket, server: Server) -> bytes:
    """Read one request with Content-Length, and note its bytes."""
    content = b""
    while b"\r\n\r\n" not in content:
        piece = connection.recv(65536)
        if not piece:
            return content
        content += piece
        server.received += piece
    head, _, body = content.partition(b"\r\n\r\n")
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    while len(body) < length:
        piece = connection.recv(65536)
        if not piece:
            break
        body += piece
        server.received += piece
    return head + b"\r\n\r\n" + body


def http_answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@contextmanager
def scripted_server(context: ssl.SSLContext | None, behave: Behaviour) -> Iterator[Server]:
    """Run a server for the length of a block; without a context it speaks plain TCP."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)
    server = Server(listener.getsockname()[1])
    ended = threading.Event()

    def handle(plain: socket.socket) -> None:
        plain.settimeout(20)
        with suppress(OSError, ssl.SSLError), plain:
            secured = plain if context is None else context.wrap_socket(plain, server_side=True)
            with secured:
                behave(secured, server)  # type: ignore[arg-type]

    def serve() -> None:
        while not ended.is_set():
            try:
                plain, _ = listener.accept()
            except TimeoutError:
                continue
            server.n_connections += 1
            threading.Thread(target=handle, args=(plain,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        ended.set()
        thread.join()
        listener.close()


@dataclass
class Pki:
    """An authority, a good server, and what the unit has."""

    folder: Path
    authority: TlsAuthority
    server: tuple[Path, Path]
    client: tuple[Path, Path]

    def settings(self, **changes: object) -> TlsSettings:
        values: dict[str, object] = {
            "trusted_certificates": [self.authority.path],
            "certificate": self.client[0],
            "key": self.client[1],
        }
        return TlsSettings(**(values | changes))  # type: ignore[arg-type]

    def server_context(self, identity: tuple[Path, Path] | None = None) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*(identity or self.server))
        context.load_verify_locations(self.authority.path)
        context.verify_mode = ssl.CERT_REQUIRED
        return context


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    folder = tmp_path_factory.mktemp("pki")
    authority = TlsAuthority(folder, "TLS authority")
    return Pki(
        folder,
        authority,
        authority.issue("server", [SERVER]),
        authority.issue("unit-1"),
    )


@dataclass
class SigningIdentity:
    signer: RsaSigner
    authority_pem: bytes
    certificate_path: Path
    key_path: Path


@pytest.fixture(scope="session")
def signing(tmp_path_factory: pytest.TempPathFactory) -> SigningIdentity:
    return make_signing_identity(tmp_path_factory.mktemp("signing"))


def make_signing_identity(folder: Path) -> SigningIdentity:
    from cryptography.hazmat.primitives import serialization

    authority, certificate, key = issue_development_certificates()
    pem = serialization.Encoding.PEM
    path, key_path = folder / "signing.pem", folder / "signing.key"
    path.write_bytes(certificate.public_bytes(pem))
    key_path.touch(mode=0o600)
    key_path.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return SigningIdentity(RsaSigner(key, certificate), authority.public_bytes(pem), path, key_path)


@pytest.fixture(scope="session")
def signed_files(
    tmp_path_factory: pytest.TempPathFactory, make_frame, signing: SigningIdentity
) -> list[Path]:
    """Three signed objects of one study."""
    folder = tmp_path_factory.mktemp("signed")
    study = Study()
    return [
        write_dicom(
            folder / f"{index}.dcm", [make_frame(index)], signer=signing.signer, study=study
        )
        for index in range(3)
    ]


@pytest.fixture(scope="session")
def signed_file(signed_files: list[Path]) -> Path:
    return signed_files[0]


def in_memory(content: bytes, like: Outgoing) -> Outgoing:
    """Return other bytes under the same names."""
    return Outgoing(
        like.sop_class_uid,
        like.sop_instance_uid,
        like.study_instance_uid,
        like.series_instance_uid,
        like.transfer_syntax_uid,
        len(content),
        lambda: io.BytesIO(content),
    )
