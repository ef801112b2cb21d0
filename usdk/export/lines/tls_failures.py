"""What a failed handshake means: OpenSSL's words become errors that say who can act."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

from usdk.errors import DeliveryRefusedError, LineDownError, NotTrustedError, UsdkError

__all__ = ["causes", "tls_failure"]

_NOT_TRUSTED = {
    18: "its certificate is self-signed and not the one that is trusted",
    19: "its authority is not one that is trusted",
    20: "its authority is not one that is trusted",
    21: "its authority is not one that is trusted",
    22: "its chain of authorities is too long",
    24: "a certificate in its chain may not issue certificates",
    25: "its chain of authorities is too long",
    26: "its certificate is not for TLS servers",
    62: "its certificate is for another name",
    64: "its certificate is for another address",
}
"""By the codes of X509_verify_cert_error_string."""

_THEY_REFUSE = {
    "ALERT_CERTIFICATE_REQUIRED": "it wants a client certificate and got none that it takes",
    "ALERT_UNKNOWN_CA": "it does not know the authority of this unit's certificate",
    "ALERT_CERTIFICATE_REVOKED": "it says that this unit's certificate was revoked",
    "ALERT_CERTIFICATE_EXPIRED": "it says that this unit's certificate has expired",
    "ALERT_BAD_CERTIFICATE": "it does not accept this unit's certificate",
    "ALERT_CERTIFICATE_UNKNOWN": "it does not accept this unit's certificate",
    "ALERT_UNSUPPORTED_CERTIFICATE": "it does not accept this kind of certificate",
    "ALERT_ACCESS_DENIED": "it denies this unit access",
}
_NO_COMMON = (
    "PROTOCOL_VERSION",
    "UNSUPPORTED_PROTOCOL",
    "NO_PROTOCOLS_AVAILABLE",
    "WRONG_SSL_VERSION",
    "VERSION_TOO_LOW",
    "HANDSHAKE_FAILURE",
    "INSUFFICIENT_SECURITY",
    "NO_SHARED_CIPHER",
    "WRONG_CIPHER_RETURNED",
    "UNKNOWN_CIPHER_RETURNED",
    "TLSV1_ALERT_INAPPROPRIATE_FALLBACK",
    "DH_KEY_TOO_SMALL",
    "BAD_ECPOINT",
    "KEY_TOO_SMALL",
    "MD_TOO_WEAK",
)
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNEXPECTED_MESSAGE", "PACKET_LENGTH_TOO_LONG")


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it came from, outermost first."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def tls_failure(error: BaseException) -> UsdkError | None:
    """Return what a failure means if TLS caused it, None if something else did."""
    for cause in causes(error):
        if isinstance(cause, NotTrustedError | DeliveryRefusedError):
            return cause
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = _NOT_TRUSTED.get(cause.verify_code, "its certificate is not accepted")
            return NotTrustedError(
                f"the receiver does not prove who it is: {why}. Nothing was sent; check the"
                " address and the trusted certificates, or ask the receiver's administrator"
            )
        if isinstance(cause, ssl.SSLError):
            return _by_reason(cause.reason or "")
    return None


def _by_reason(reason: str) -> UsdkError:
    for word, why in _THEY_REFUSE.items():
        if word in reason:
            return DeliveryRefusedError(
                f"the receiver refuses this unit: {why}; have the certificate renewed or enrolled"
            )
    if any(word in reason for word in _NO_TLS):
        return NotTrustedError(
            "what answers there does not speak TLS: check the address and the port; nothing was"
            " sent"
        )
    if any(word in reason for word in _NO_COMMON):
        return NotTrustedError(
            "the receiver offers no TLS that is strong enough (1.2 or 1.3 with forward secrecy):"
            " nothing was sent; ask its administrator to update it"
        )
    return LineDownError("the TLS connection broke off: try again later")
