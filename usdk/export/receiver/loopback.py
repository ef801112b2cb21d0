"""LoopbackReceiver: a DICOMweb receiver with TLS and client certificates, on this machine alone."""

from __future__ import annotations

import hashlib
import os
import socketserver
import ssl
import tempfile
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from usdk.errors import NotTrustedError
from usdk.export.lines.tls_certificates import use_problems
from usdk.export.receiver.http_handler import QuietServer, StowHandler
from usdk.export.receiver.intake import Peer
from usdk.export.receiver.stow_service import StowService
from usdk.trust.certificate_trust import CertificateLike, load_certificates
from usdk.trust.cryptography_extra import serialization, x509
from usdk.trust.revocation import load_revocation_lists

__all__ = ["LoopbackReceiver", "peer_of_certificate", "server_context"]

HANDSHAKE_S = 10.0
ROOT = "/dicom-web"
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"


def server_context(
    certificate: str | os.PathLike[str],
    key: str | os.PathLike[str],
    *,
    trusted_clients: Sequence[CertificateLike],
    revocation_lists: Sequence[CertificateLike] = (),
    password: bytes | None = None,
) -> ssl.SSLContext:
    """Return a context of a server that wants a client certificate of ``trusted_clients``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_ciphers(_CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    try:
        context.load_cert_chain(certificate, key, password or b"")
    except ssl.SSLError as error:
        raise NotTrustedError("the receiver's certificate and key do not fit") from error
    der = serialization.Encoding.DER
    authorities = load_certificates(trusted_clients)
    context.load_verify_locations(cadata=b"".join(one.public_bytes(der) for one in authorities))
    lists = load_revocation_lists(revocation_lists)
    if lists:
        _load_lists(context, lists)
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
    return context


def _load_lists(context: ssl.SSLContext, lists: Sequence[x509.CertificateRevocationList]) -> None:
    # OpenSSL takes lists from files alone.
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        for one in lists:
            file.write(one.public_bytes(serialization.Encoding.PEM))
        file.flush()
        context.load_verify_locations(cafile=file.name)


def peer_of_certificate(certificate: x509.Certificate) -> tuple[Peer, str]:
    """Return who a certificate names, and why it may not be used for TLS; empty if it may."""
    der = certificate.public_bytes(serialization.Encoding.DER)
    peer = Peer(
        certificate.subject.rfc4514_string(),
        f"{certificate.serial_number:X}",
        hashlib.sha256(der).hexdigest(),
    )
    return peer, "; ".join(use_problems(certificate, "client"))


class _Server(QuietServer, socketserver.TCPServer):
    allow_reuse_address = True
    root = ROOT

    def __init__(self, service: StowService, context: ssl.SSLContext, port: int) -> None:
        self.service = service
        self._context = context
        super().__init__(("127.0.0.1", port), StowHandler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        request.settimeout(HANDSHAKE_S)
        try:
            with self._context.wrap_socket(request, server_side=True) as secured:
                super().finish_request(secured, client_address)
        except ssl.SSLError as error:
            why = getattr(error, "verify_message", "") or error.reason or "handshake failed"
            self.service.refuse(Peer(), 0, f"TLS: {why}")

    def peer_of(self, handler: StowHandler) -> tuple[Peer, str]:
        """Return who is at the other end, from its certificate."""
        der = handler.connection.getpeercert(binary_form=True)
        return peer_of_certificate(x509.load_der_x509_certificate(der))


class LoopbackReceiver:
    """Runs a service at ``https://127.0.0.1:port/dicom-web``; a context manager.

    Parameters
    ----------
    service : StowService
        What it does.
    context : ssl.SSLContext
        From `server_context`.
    port : int
        0 takes a free one.
    """

    def __init__(self, service: StowService, context: ssl.SSLContext, *, port: int = 0) -> None:
        self._server = _Server(service, context, port)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """Root of the service."""
        return f"https://127.0.0.1:{self.port}{ROOT}"

    def close(self) -> None:
        """Stop listening; may be called twice."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
