"""Whether a certificate may be used for TLS, and a chain be believed: decisions without I/O.

What OpenSSL has decided before (signatures, names, the order of the chain) is not decided again.
Times are, because OpenSSL knows no tolerance: the clock of a unit in the field is set by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, TypeVar

from usdk.trust.cryptography_extra import ExtendedKeyUsageOID, rsa, x509
from usdk.trust.revocation import revocation_problems

__all__ = ["MIN_EC_BITS", "MIN_RSA_BITS", "Role", "chain_problems", "clock_problem", "use_problems"]

MIN_RSA_BITS = 2048
MIN_EC_BITS = 256
"""Smallest keys that are accepted (NIST SP 800-57 part 1: 112 and 128 bits of security)."""

Role = Literal["client", "server"]

_PURPOSE = {"client": ExtendedKeyUsageOID.CLIENT_AUTH, "server": ExtendedKeyUsageOID.SERVER_AUTH}
_T = TypeVar("_T", bound=x509.ExtensionType)


def use_problems(certificate: x509.Certificate, role: Role) -> list[str]:
    """Return why a certificate may not prove a TLS client or server; empty if it may.

    It must name its purpose: a certificate without extended key usage is for signing objects, and
    one key must not do both (a signature made in a handshake is over bytes the peer has a say in).
    """
    problems = []
    extended = _extension(certificate, x509.ExtendedKeyUsage)
    if extended is None or _PURPOSE[role] not in extended:
        problems.append(
            f"it is not for TLS {role}s (no extended key usage {role}Auth): a certificate for"
            " signing objects must not be used for TLS"
        )
    usage = _extension(certificate, x509.KeyUsage)
    if usage is not None and not usage.digital_signature:
        problems.append("its key usage does not allow TLS (no digitalSignature)")
    constraints = _extension(certificate, x509.BasicConstraints)
    if constraints is not None and constraints.ca:
        problems.append("it is a certificate authority's")
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < MIN_RSA_BITS:
            problems.append(f"its RSA key has {key.key_size} bits, fewer than {MIN_RSA_BITS}")
    elif not _is_on_a_curve(key):
        problems.append(f"its key is neither RSA nor on a curve of at least {MIN_EC_BITS} bits")
    return problems


def chain_problems(
    chain: Sequence[x509.Certificate],
    revocation_lists: Sequence[x509.CertificateRevocationList],
    moment: datetime,
    tolerance: timedelta,
) -> list[str]:
    """Return why a chain that OpenSSL built does not prove its first certificate's holder.

    Parameters
    ----------
    chain : sequence of certificates
        The receiver's first, the trusted one last.
    revocation_lists : sequence of revocation lists
        If any is given, each authority in the chain must have a current one.
    moment : datetime
        Now, by this unit's clock.
    tolerance : timedelta
        How wrong that clock may be.
    """
    if not chain:
        return ["it sent no certificate"]
    problems = use_problems(chain[0], "server")
    for number, certificate in enumerate(chain):
        whose = "its certificate" if number == 0 else "the certificate of one of its authorities"
        begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if begin > moment + tolerance:
            problems.append(
                f"{whose} is not valid before {_text(begin)}, and this unit's clock says"
                f" {_text(moment)}: check the clock first"
            )
        if end < moment - tolerance:
            problems.append(
                f"{whose} expired at {_text(end)}, and this unit's clock says {_text(moment)}:"
                " check the clock, then have the certificate renewed"
            )
    problems += revocation_problems(chain, revocation_lists, moment - tolerance)
    # Revoked a minute ago by the authority's clock is revoked, whatever this unit's clock says.
    revoked = "the signer's certificate or its issuer's was revoked"
    listed = any(
        one.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None
        for certificate in chain[:-1]
        for one in revocation_lists
        if one.issuer == certificate.issuer
    )
    if listed or revoked in problems:
        problems = [problem for problem in problems if problem != revoked]
        problems.append("its certificate, or one of its authorities', was revoked")
    return problems


def clock_problem(
    certificate: x509.Certificate,
    revocation_lists: Sequence[x509.CertificateRevocationList],
    moment: datetime,
    tolerance: timedelta,
) -> str | None:
    """Return how this unit's clock is seen to be behind, or None.

    A clock cannot be earlier than the making of what the unit holds: its own certificate and the
    revocation lists that were brought to it.
    """
    made = [certificate.not_valid_before_utc, *(one.last_update_utc for one in revocation_lists)]
    latest = max(made)
    if moment + tolerance >= latest:
        return None
    return (
        f"this unit's clock says {_text(moment)}, which is before {_text(latest)}, when its own"
        " certificate or revocation list was made: set the clock"
    )


def _is_on_a_curve(key: object) -> bool:
    curve = getattr(key, "curve", None)
    return curve is not None and curve.key_size >= MIN_EC_BITS


def _extension(certificate: x509.Certificate, kind: type[_T]) -> _T | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
