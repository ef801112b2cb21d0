"""RFC 3161 time stamps over a signature: the request, the token, and its verification, offline.

A token is a CMS signed message of a time-stamping authority (TSA) that names a digest and a time.
DICOM keeps it in CertifiedTimestamp (0400,0310), over the bytes of Signature (0400,0120).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from usdk.errors import MissingExtraError, NotTrustedError
from usdk.trust.certificate_trust import find_chain, name_text
from usdk.trust.cryptography_extra import x509
from usdk.trust.revocation import revocation_problems

__all__ = ["MAX_RESPONSE_BYTES", "TimeStamper", "check_timestamp", "stamp_signature"]

TimeStamper = Callable[[bytes], bytes]
"""Takes a TimeStampReq to a time-stamping authority and returns its TimeStampResp, both DER."""

MAX_RESPONSE_BYTES = 1 << 16
"""Longest answer of an authority that is read, and longest token that is checked."""

_CLOCK_TOLERANCE = timedelta(seconds=300)
_GRANTED = bytes.fromhex("3003020100")
"""PKIStatusInfo of a granted request: a token alone has lost it, and the reader wants it."""


def stamp_signature(signature: bytes, stamper: TimeStamper) -> bytes:
    """Return the time-stamp token of an authority for the bytes of a signature.

    The answer must be granted, carry the request's nonce and digest, and hold one signer's
    certificate; whether that is trusted is for whoever verifies.

    Raises
    ------
    NotTrustedError
        The authority did not grant the request, or answered another one.
    MissingExtraError
        The package for time stamps is not installed.
    """
    rfc3161 = _library()
    request = (
        rfc3161.TimestampRequestBuilder()
        .data(signature)
        .hash_algorithm(rfc3161.base.HashAlgorithm.SHA256)
        .nonce(nonce=True)
        .cert_request(cert_request=True)
        .build()
    )
    answer = stamper(request.as_bytes())
    if not isinstance(answer, bytes):
        raise NotTrustedError("the time stamper returned no bytes: it must return the answer, DER")
    response = _decode(answer[: MAX_RESPONSE_BYTES + 1])
    digest = hashlib.sha256(signature).digest()
    try:
        status, is_granted = response.status, response.status == 0
        if is_granted:
            info = response.tst_info
            is_ours = (info.nonce, info.message_imprint.message) == (request.nonce, digest)
            token: bytes = response.time_stamp_token()
    except Exception as error:
        # The parser is lazy: each of these may still find the bytes to be malformed.
        raise NotTrustedError("the time-stamping authority's answer cannot be read") from error
    if not is_granted:
        raise NotTrustedError(f"the time-stamping authority refused: status {status}")
    if not is_ours:
        raise NotTrustedError("the time-stamping authority answered another request: ask it again")
    return token


def check_timestamp(
    token: bytes,
    signature: bytes,
    authorities: Sequence[x509.Certificate],
    moment: datetime,
    revocation_lists: Sequence[x509.CertificateRevocationList] = (),
) -> tuple[datetime, str]:
    """Return the time that a token proves, and the name of the authority; no network is used.

    Parameters
    ----------
    token : bytes
        TimeStampToken, DER.
    signature : bytes
        What was stamped.
    authorities : sequence of certificate
        Self-signed, trusted to issue certificates of time-stamping authorities.
    moment : datetime
        A stamp of a later time is refused, but for the clocks' tolerance.
    revocation_lists : sequence of revocation lists
        If there are any, each authority in the chain must have published one.

    Raises
    ------
    NotTrustedError
        The token is malformed, is of other bytes, or nobody trusted vouches for it.
    MissingExtraError
        The package for time stamps is not installed.
    """
    rfc3161 = _library()
    response = _decode(_granted(token))
    try:
        verifier = rfc3161.VerifierBuilder(roots=list(authorities)).build()
        verifier.verify_message(response, signature)
        info = response.tst_info
        when = info.gen_time.replace(tzinfo=info.gen_time.tzinfo or UTC).astimezone(UTC)
        leaf, others = _certificates(response)
    except NotTrustedError:
        raise
    except Exception as error:
        # The library has its own errors, and its parsers raise direct heirs of Exception.
        raise NotTrustedError(
            "the time stamp is not of this signature, or no authority that you trust vouches for it"
        ) from error
    if when > moment + _CLOCK_TOLERANCE:
        raise NotTrustedError("the time stamp lies in the future")
    chain = find_chain(leaf, authorities, others, when)
    if not chain:
        raise NotTrustedError("no time-stamping authority that you trust vouches for the stamp")
    if revocation_problems(chain, revocation_lists, moment, stamped_at=when):
        raise NotTrustedError(
            "the time-stamping authority's certificate was revoked, or no valid revocation list"
            " of its issuer is given"
        )
    if not leaf.not_valid_before_utc <= when <= leaf.not_valid_after_utc:
        raise NotTrustedError("the time-stamping authority's certificate was not valid then")
    return when, name_text(leaf.subject)


def _certificates(response: Any) -> tuple[x509.Certificate, list[x509.Certificate]]:
    """Return the signer's certificate and the others that the token holds."""
    data = response.signed_data
    signers = list(data.signer_infos)
    certificates = list(map(x509.load_der_x509_certificate, data.certificates))
    found = [
        one
        for one in certificates
        if len(signers) == 1
        and (one.issuer, one.serial_number) == (signers[0].issuer, signers[0].serial_number)
    ]
    if len(found) != 1:
        raise NotTrustedError("the time stamp does not hold its one signer's certificate")
    return found[0], [one for one in certificates if one is not found[0]]


def _granted(token: bytes) -> bytes:
    content = _GRANTED + token
    length = len(content).to_bytes(4, "big").lstrip(b"\0")
    head = bytes((0x30, 0x80 | len(length))) + length if len(content) > 0x7F else b"\x30"
    return (head if len(content) > 0x7F else head + bytes((len(content),))) + content


def _decode(response: bytes) -> Any:
    if len(response) > MAX_RESPONSE_BYTES:
        raise NotTrustedError(f"the time stamp is longer than {MAX_RESPONSE_BYTES} bytes")
    try:
        return _library().decode_timestamp_response(response)
    except Exception as error:
        raise NotTrustedError("the time stamp is no answer of RFC 3161") from error


def _library() -> Any:
    try:
        import rfc3161_client
    except ImportError as error:
        raise MissingExtraError.for_extra("timestamp", "Checking time stamps") from error
    return rfc3161_client
