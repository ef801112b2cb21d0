"""HTTP/1.1 around a StowService, by the standard library's server."""

from __future__ import annotations

import socketserver
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from usdk.errors import DataDamagedError, UsdkError
from usdk.export.receiver.intake import Peer
from usdk.export.receiver.stow_service import Reply, StowService

__all__ = ["StowHandler"]

_CHUNK_BYTES = 1 << 16
MAX_REQUEST_S = 3600.0
"""Longest time that one request may take."""

MAX_CHUNK_HEAD_BYTES = 256


class StowHandler(BaseHTTPRequestHandler):
    """One connection; the server has a ``service`` and finds out who the peer is."""

    protocol_version = "HTTP/1.1"
    server_version = "usdk"
    sys_version = ""
    timeout = 60.0
    server: Any

    def do_GET(self) -> None:
        """Answer a retrieval."""
        self._serve()

    def do_POST(self) -> None:
        """Answer a store request."""
        self._serve()

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing: paths hold UIDs, and the audit log has what matters."""

    def address_string(self) -> str:
        """Return a name that exists for Unix sockets, too."""
        return "peer"

    def _serve(self) -> None:
        service: StowService = self.server.service
        peer, problem = self.server.peer_of(self)
        body = self._body()
        try:
            if problem:
                reply = service.refuse(peer, 403, problem)
            else:
                reply = self._answer(service, peer, body)
        except DataDamagedError as error:
            reply = service.refuse(peer, 400, str(error))
        except UsdkError:
            reply = service.refuse(peer, 503, "this receiver cannot store now")
        with reply.closing:
            # What was not read of a refused body would be taken for the next request.
            if next(body, None) is not None:
                self.close_connection = True
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if self.close_connection:
                self.send_header("Connection", "close")
            self.end_headers()
            for chunk in reply.body:
                self.wfile.write(chunk)

    def _answer(self, service: StowService, peer: Peer, body: Iterator[bytes]) -> Reply:
        path = urlsplit(self.path).path
        root = self.server.root
        if not path.startswith(root + "/"):
            return service.refuse(peer, 404, "no such service")
        content_type = self.headers.get("Content-Type", "")
        return service.answer(peer, self.command, path.removeprefix(root), content_type, body)

    def _body(self) -> Iterator[bytes]:
        deadline_s = time.monotonic() + MAX_REQUEST_S
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            pieces = self._chunked()
        else:
            length = self.headers.get("Content-Length", "0")
            pieces = self._sized(int(length) if length.isdigit() else 0)
        for piece in pieces:
            if time.monotonic() > deadline_s:
                raise DataDamagedError("the request took too long")
            yield piece

    def _sized(self, n_bytes: int) -> Iterator[bytes]:
        while n_bytes:
            chunk = self.rfile.read1(min(_CHUNK_BYTES, n_bytes))
            if not chunk:
                raise DataDamagedError("the request was cut")
            n_bytes -= len(chunk)
            yield chunk

    def _chunked(self) -> Iterator[bytes]:
        while True:
            head = self.rfile.readline(MAX_CHUNK_HEAD_BYTES)
            try:
                n_bytes = int(head.split(b";")[0], 16)
            except ValueError as error:
                raise DataDamagedError("a chunk without a length") from error
            if n_bytes == 0:
                break
            yield from self._sized(n_bytes)
            self.rfile.readline(MAX_CHUNK_HEAD_BYTES)
        while self.rfile.readline(_CHUNK_BYTES) not in (b"\r\n", b"\n", b""):
            pass


class QuietServer(socketserver.ThreadingMixIn):
    """Threads that end with the process, and broken connections that print nothing."""

    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_arguments: Any) -> None:
        """Say nothing: a peer that breaks off is no news, and refusals are in the audit log."""
