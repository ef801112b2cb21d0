"""Which public keys may sign, and whether a signature fits a digest."""

from __future__ import annotations

from usdk.trust.cryptography_extra import (
    ECDSA,
    InvalidSignature,
    PKCS1v15,
    Prehashed,
    ec,
    hashes,
    rsa,
    x509,
)

__all__ = ["EC_CURVES", "MIN_RSA_BITS", "PREHASHED", "certified_key", "fits", "key_problem"]

MIN_RSA_BITS = 2048
"""Smallest modulus that is accepted (NIST SP 800-57 part 1: 112 bits of security)."""

EC_CURVES = ("secp256r1", "secp384r1")
"""P-256 and P-384 (FIPS 186-5). PS3.15's profiles are of RSA alone; EC keys sign outside them."""

PREHASHED = {
    "SHA256": Prehashed(hashes.SHA256()),
    "SHA384": Prehashed(hashes.SHA384()),
    "SHA512": Prehashed(hashes.SHA512()),
}

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


def certified_key(certificate: x509.Certificate) -> PublicKey | None:
    """Return the certificate's key, or None where it is neither RSA nor on a curve."""
    key = certificate.public_key()
    return key if isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) else None


def key_problem(key: object) -> str | None:
    """Return why a public key may not sign, or None if it may."""
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= MIN_RSA_BITS:
        return None
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in EC_CURVES:
        return None
    return f"the signer's key is neither RSA of at least {MIN_RSA_BITS} bits nor EC P-256 or P-384"


def fits(key: PublicKey, signature: bytes, digest: bytes, algorithm: str) -> bool:
    """Return whether ``signature`` is of ``digest``: RSASSA-PKCS1-v1_5, or ECDSA in DER."""
    prehashed = PREHASHED[algorithm]
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, digest, PKCS1v15(), prehashed)
        else:
            key.verify(signature, digest, ECDSA(prehashed))
    except (InvalidSignature, ValueError):
        return False
    return True
