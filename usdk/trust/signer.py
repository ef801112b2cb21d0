"""Signer: the one verb that a key must know, wherever the key lives."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from usdk.errors import ArgumentError

__all__ = ["DIGEST_SIZES", "Signer", "require_algorithm", "require_digest"]

DIGEST_SIZES = {"SHA256": 32, "SHA384": 48, "SHA512": 64}
"""Bytes of each digest that may be signed, by its DICOM defined term (PS3.3 C.12.1.1.3.1.2)."""


@runtime_checkable
class Signer(Protocol):
    """A private key with its certificate: a file, a smart card or a security module."""

    @property
    def certificate_der(self) -> bytes:
        """The X.509 certificate of the key, DER."""
        ...

    def sign_digest(self, digest: bytes, algorithm: str) -> bytes:
        """Sign a digest: RSASSA-PKCS1-v1_5 (RFC 8017, section 8.2), or ECDSA (FIPS 186-5).

        Parameters
        ----------
        digest : bytes
            The finished digest; it is not hashed again.
        algorithm : {"SHA256", "SHA384", "SHA512"}
            The algorithm that made the digest, which becomes part of what is signed.

        Returns
        -------
        bytes
            As long as the modulus of an RSA key; of an EC key the DER of r and s (RFC 3279,
            section 2.2.3).

        Raises
        ------
        ArgumentError
            The algorithm is not one of the three, or the digest has not its length.
        """
        ...


def require_algorithm(algorithm: str) -> None:
    """Raise `ArgumentError` unless ``algorithm`` makes digests that may be signed."""
    if not isinstance(algorithm, str) or algorithm not in DIGEST_SIZES:
        raise ArgumentError(f"algorithm must be one of {', '.join(DIGEST_SIZES)}")


def require_digest(digest: bytes, algorithm: str) -> None:
    """Raise `ArgumentError` unless ``digest`` has the length of an algorithm that may be used."""
    require_algorithm(algorithm)
    if not isinstance(digest, bytes):
        raise ArgumentError("a digest is given as bytes")
    if len(digest) != DIGEST_SIZES[algorithm]:
        raise ArgumentError(
            f"a {algorithm} digest has {DIGEST_SIZES[algorithm]} bytes, not {len(digest)}"
        )
