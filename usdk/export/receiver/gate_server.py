"""GateServer: a StowService on a Unix socket, behind a server that ends TLS (nginx, for one)."""

from __future__ import annotations

import os
import socketserver
import threading
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import unquote_to_bytes

from usdk.export.receiver.http_handler import QuietServer, StowHandler
from usdk.export.receiver.intake import Peer
from usdk.export.receiver.loopback import ROOT, peer_of_certificate
from usdk.export.receiver.stow_service import StowService
from usdk.files import storage_errors
from usdk.trust.cryptography_extra import x509

__all__ = ["CERTIFICATE_HEADER", "GateServer"]

CERTIFICATE_HEADER = "X-Client-Certificate"
"""The client's certificate, PEM in percent encoding: nginx's ``$ssl_client_escaped_cert``."""


class _Server(QuietServer, socketserver.UnixStreamServer):
    root = ROOT

    def __init__(self, service: StowService, path: str) -> None:
        self.service = service
        super().__init__(path, StowHandler)

    def peer_of(self, handler: StowHandler) -> tuple[Peer, str]:
        """Return whom the server in front has proven, and why it may not enter."""
        try:
            pem = unquote_to_bytes(handler.headers.get(CERTIFICATE_HEADER, ""))
            return peer_of_certificate(x509.load_pem_x509_certificate(pem))
        except ValueError:
            return Peer(), "no client certificate was handed on"


class GateServer:
    """Serves at ``path``, a Unix socket; a context manager.

    Whoever may open the socket may claim to be anybody: its folder must be closed to all but the
    user that the server in front runs as, and is made so where it is missing. ``owner_uid`` is
    that user's number, if it is another one.
    """

    def __init__(
        self,
        service: StowService,
        path: str | os.PathLike[str],
        *,
        owner_uid: int | None = None,
    ) -> None:
        self.path = Path(path)
        with storage_errors("open the gate's socket"):
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.unlink(missing_ok=True)
            self._server = _Server(service, str(self.path))
            self.path.chmod(0o600)
            if owner_uid is not None:
                os.chown(self.path, owner_uid, -1)
                os.chown(self.path.parent, owner_uid, -1)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening; may be called twice."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self.path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
