"""TLS to a receiver: nothing is sent over it before the receiver has proven who it is."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NoReturn, cast

from usdk.errors import ArgumentError, DataDamagedError, NotTrustedError
from usdk.export.lines.tls_certificates import chain_problems, clock_problem, use_problems
from usdk.trust.certificate_trust import CertificateLike, load_certificates
from usdk.trust.cryptography_extra import serialization, x509
from usdk.trust.file_key import read_small_file
from usdk.trust.revocation import load_revocation_lists

__all__ = ["CLOCK_TOLERANCE_S", "ReceiverContext", "TlsSettings", "receiver_context"]

CLOCK_TOLERANCE_S = 300.0
"""How wrong the unit's clock may be before a certificate counts as out of its time."""

MAX_CLOCK_TOLERANCE_S = 86_400.0

_NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL: times are judged here, with a tolerance."""

_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2: forward secrecy and authenticated encryption (BCP 195); 1.3 has nothing else."""

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


@dataclass(frozen=True, kw_only=True)
class TlsSettings:
    """Who may be the receiver, and how this unit proves itself. System trust plays no part.

    Parameters
    ----------
    trusted_certificates : sequence of bytes or path-like
        Authorities that vouch for the receiver, PEM or DER.
    certificate, key : path-like
        This unit's TLS certificate, with intermediate ones after it, and its key: PEM. The key
        file must be closed to others. They must not be those that sign objects.
    password : bytes, optional
        Password of an encrypted key.
    revocation_lists : sequence of bytes or path-like
        If any is given, each authority in the receiver's chain must have published a current one.
        Files are read anew for each connection, so that a new list needs no restart.
    minimum_version : {"1.2", "1.3"}
        Least TLS version.
    clock_tolerance_s : float
        How wrong this unit's clock may be, s.
    """

    trusted_certificates: Sequence[CertificateLike]
    certificate: str | os.PathLike[str]
    key: str | os.PathLike[str]
    password: bytes | None = field(default=None, repr=False)
    revocation_lists: Sequence[CertificateLike] = ()
    minimum_version: Literal["1.2", "1.3"] = "1.2"
    clock_tolerance_s: float = CLOCK_TOLERANCE_S

    def __post_init__(self) -> None:
        if self.minimum_version not in _VERSIONS:
            raise ArgumentError("minimum_version must be '1.2' or '1.3': older TLS is broken")
        if not 0 <= self.clock_tolerance_s <= MAX_CLOCK_TOLERANCE_S:
            raise ArgumentError(f"clock_tolerance_s must be from 0 to {MAX_CLOCK_TOLERANCE_S:g} s")


class ReceiverContext(ssl.SSLContext):
    """A context whose sockets are judged at the end of the handshake, before any other byte."""

    judge: Callable[[ssl.SSLSocket], None]
    failure: BaseException | None = None
    """Of the last handshake, for callers to whom a library does not hand it on."""

    def wrap_bio(self, *_arguments: Any, **_options: Any) -> NoReturn:
        """Refuse: TLS without a socket would escape the judgement."""
        raise ArgumentError("TLS within TLS is not offered: name a proxy by http://")


class _JudgedSocket(ssl.SSLSocket):
    def connect(self, address: Any) -> None:
        try:
            super().connect(address)
        except BaseException:
            self.close()
            raise

    def shutdown(self, how: int) -> None:
        # Callers that shut down before they close would leave it open where the peer is gone.
        try:
            super().shutdown(how)
        except OSError:
            self.close()
            raise

    def do_handshake(self, block: bool = False) -> None:
        context = cast(ReceiverContext, self.context)
        try:
            super().do_handshake(block)
            context.judge(self)
        except BaseException as error:
            context.failure = error
            self.close()
            raise


def receiver_context(
    settings: TlsSettings, *, clock: Callable[[], datetime] | None = None
) -> ReceiverContext:
    """Return a context for connections to the receiver.

    Raises
    ------
    ArgumentError
        No trusted certificate is given.
    StorageError, DataDamagedError
        A file cannot be read, or is not what it should be.
    NotTrustedError
        The unit's certificate or key must not be used for TLS, or the password is wrong.
    """
    trusted = load_certificates(settings.trusted_certificates)
    if not trusted:
        raise ArgumentError("give at least one trusted certificate of the receiver's authority")
    own = _own_certificate(settings)
    load_revocation_lists(settings.revocation_lists)
    context = ReceiverContext(ssl.PROTOCOL_TLS_CLIENT)
    context.sslsocket_class = _JudgedSocket
    context.minimum_version = _VERSIONS[settings.minimum_version]
    context.check_hostname = True
    context.hostname_checks_common_name = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= _NO_CHECK_TIME
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_ciphers(_CIPHERS)
    der = serialization.Encoding.DER
    context.load_verify_locations(cadata=b"".join(one.public_bytes(der) for one in trusted))
    _load_identity(context, settings)
    tolerance = timedelta(seconds=settings.clock_tolerance_s)
    now = clock or (lambda: datetime.now(UTC))

    def judge(peer: ssl.SSLSocket) -> None:
        lists = load_revocation_lists(settings.revocation_lists)
        moment = now()
        behind = clock_problem(own, lists, moment, tolerance)
        if behind is not None:
            raise NotTrustedError(f"the receiver cannot be judged: {behind}")
        problems = chain_problems(_verified_chain(peer), lists, moment, tolerance)
        if problems:
            raise NotTrustedError(
                "the receiver does not prove who it is: "
                + "; ".join(problems)
                + ". Nothing was sent; ask the receiver's administrator"
            )

    context.judge = judge
    return context


def _own_certificate(settings: TlsSettings) -> x509.Certificate:
    try:
        own = x509.load_pem_x509_certificate(read_small_file(settings.certificate))
    except ValueError as error:
        raise DataDamagedError(
            "the unit's TLS certificate is not PEM: convert it, or name another file"
        ) from error
    problems = use_problems(own, "client")
    if problems:
        raise NotTrustedError(
            "the unit's certificate cannot be used for TLS: "
            + "; ".join(problems)
            + ". Name the certificate that was issued for the connection"
        )
    return own


def _load_identity(context: ssl.SSLContext, settings: TlsSettings) -> None:
    content = read_small_file(settings.key, private=True)
    if b"ENCRYPTED" in content and settings.password is None:
        # Without this OpenSSL would ask on the terminal, and wait for ever where there is none.
        raise NotTrustedError("the private key for TLS is encrypted: give its password")
    try:
        context.load_cert_chain(settings.certificate, settings.key, settings.password or b"")
    except ssl.SSLError as error:
        raise NotTrustedError(
            "the TLS certificate and key do not fit, or the password does not open the key: name"
            " the key that the certificate was issued for"
        ) from error


def _verified_chain(peer: ssl.SSLSocket) -> list[x509.Certificate]:
    """Return the chain as OpenSSL built it; public from Python 3.13 on."""
    public = getattr(peer, "get_verified_chain", None)
    if public is not None:
        return [x509.load_der_x509_certificate(der) for der in public()]
    private: Any = peer._sslobj  # type: ignore[attr-defined]
    return [
        x509.load_der_x509_certificate(ssl.PEM_cert_to_DER_cert(one.public_bytes()))
        for one in private.get_verified_chain() or ()
    ]
