"""Whether a certificate was revoked, by the lists that its authority published (RFC 5280)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise

from usdk.errors import ArgumentError, DataDamagedError
from usdk.trust.certificate_trust import CertificateLike
from usdk.trust.cryptography_extra import UnsupportedAlgorithm, x509
from usdk.trust.file_key import read_small_file

__all__ = ["load_revocation_lists", "revocation_problems"]

_DIGESTS = ("sha256", "sha384", "sha512")
_COMPROMISED = (x509.ReasonFlags.key_compromise, x509.ReasonFlags.ca_compromise)


def load_revocation_lists(
    sources: Iterable[CertificateLike],
) -> tuple[x509.CertificateRevocationList, ...]:
    """Return the certificate revocation lists of files or bytes, PEM or DER, one in each.

    Raises
    ------
    ArgumentError
        ``sources`` is one source instead of an iterable of them.
    StorageError, DataDamagedError
        A file cannot be read, or holds no list.
    """
    is_one = isinstance(sources, bytes | bytearray | memoryview | str)
    if is_one or not isinstance(sources, Iterable):
        raise ArgumentError("give a list of revocation lists, not a single one")
    found = []
    for source in sources:
        content = source if isinstance(source, bytes) else read_small_file(source)
        try:
            pem = b"-----BEGIN" in content
            found.append(
                x509.load_pem_x509_crl(content) if pem else x509.load_der_x509_crl(content)
            )
        except (ValueError, x509.InvalidVersion) as error:
            raise DataDamagedError(
                "a revocation list is neither PEM nor DER: name another file"
            ) from error
    return tuple(found)


def revocation_problems(
    chain: Sequence[x509.Certificate],
    lists: Sequence[x509.CertificateRevocationList],
    moment: datetime,
    *,
    stamped_at: datetime | None = None,
) -> list[str]:
    """Return why a certificate of ``chain`` does not count as unrevoked at ``moment``.

    An authority may drop a certificate from its lists when it has expired (RFC 5280, section
    3.3): of one that expired, a list that was published before says more.

    Parameters
    ----------
    chain : sequence of certificates
        The signer's, then each one's issuer, to the trusted one. The last is trusted as it is.
    lists : sequence of revocation lists
        For each other certificate at least one must be of its issuer, in order and not outdated
        at ``moment``. Without any list nothing is checked.
    moment : datetime
        A certificate revoked later than this still counts, unless its key was compromised: then
        nobody knows since when.
    stamped_at : datetime, optional
        When the chain is a time-stamping authority's: what it stamped before its certificate was
        revoked counts, if the list gives a reason and it is no compromise (RFC 3161, section 4).

    Returns
    -------
    list of str
        Empty if nothing speaks against the chain.
    """
    if not lists:
        return []
    problems = []
    for certificate, issuer in pairwise(chain):
        usable = [one for one in lists if _is_usable(one, issuer, moment)]
        if not usable:
            problems.append("no revocation list of the certificate's issuer is valid")
        if any(_is_revoked(one, certificate, moment, stamped_at) for one in usable):
            problems.append("the signer's certificate or its issuer's was revoked")
    return problems


def _is_usable(
    one: x509.CertificateRevocationList, issuer: x509.Certificate, moment: datetime
) -> bool:
    try:
        # The parser is lazy: each of these may still find the bytes to be malformed.
        if one.issuer != issuer.subject:
            return False
        if one.next_update_utc is None or one.next_update_utc < moment:
            return False
        # A critical extension narrows what a list speaks of, and none is known here.
        if any(extension.critical for extension in one.extensions):
            return False
        algorithm = one.signature_hash_algorithm
        if algorithm is None or algorithm.name not in _DIGESTS:
            return False
        usage = issuer.extensions.get_extension_for_class(x509.KeyUsage).value
        return usage.crl_sign and one.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
    except (x509.ExtensionNotFound, ValueError, TypeError, UnsupportedAlgorithm):
        return False


def _is_revoked(
    one: x509.CertificateRevocationList,
    certificate: x509.Certificate,
    moment: datetime,
    stamped_at: datetime | None,
) -> bool:
    entry = one.get_revoked_certificate_by_serial_number(certificate.serial_number)
    if entry is None:
        return False
    try:
        reason = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    except x509.ExtensionNotFound:
        if stamped_at is not None:
            return True
        reason = None
    except ValueError:
        return True
    return reason in _COMPROMISED or entry.revocation_date_utc <= (stamped_at or moment)
