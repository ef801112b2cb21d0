"""Signers whose key is in the memory of this process: RSA, or on an elliptic curve."""

from __future__ import annotations

from usdk.errors import NotTrustedError
from usdk.trust.cryptography_extra import ECDSA, PKCS1v15, ec, rsa, x509
from usdk.trust.cryptography_extra import serialization as pem
from usdk.trust.public_key import EC_CURVES, MIN_RSA_BITS, PREHASHED
from usdk.trust.signer import require_digest

__all__ = ["EcSigner", "RsaSigner", "require_pair"]


class RsaSigner:
    """Sign with an RSA key held in memory.

    Parameters
    ----------
    private_key : object
        A private key of ``cryptography``.
    certificate : cryptography.x509.Certificate
        The certificate of that key.

    Raises
    ------
    NotTrustedError
        The key is not RSA, is shorter than 2048 bits, or is not the certificate's.
    """

    def __init__(self, private_key: object, certificate: x509.Certificate) -> None:
        if not isinstance(private_key, rsa.RSAPrivateKey):
            raise NotTrustedError(
                "the private key is not RSA, and DICOM's signature profiles are RSA only:"
                " use an RSA key of 3072 bits"
            )
        if private_key.key_size < MIN_RSA_BITS:
            raise NotTrustedError(
                f"the RSA key has {private_key.key_size} bits, fewer than {MIN_RSA_BITS}:"
                " use a key of 3072 bits"
            )
        require_pair(private_key.public_key(), certificate)
        self._private_key = private_key
        self._certificate_der = certificate.public_bytes(pem.Encoding.DER)

    @property
    def certificate_der(self) -> bytes:
        """The X.509 certificate of the key, DER."""
        return self._certificate_der

    def sign_digest(self, digest: bytes, algorithm: str) -> bytes:
        """Sign ``digest`` by RSASSA-PKCS1-v1_5; see `usdk.trust.Signer.sign_digest`."""
        require_digest(digest, algorithm)
        return self._private_key.sign(digest, PKCS1v15(), PREHASHED[algorithm])


class EcSigner:
    """Sign with a P-256 or P-384 key held in memory, outside PS3.15's profiles.

    Parameters
    ----------
    private_key : object
        A private key of ``cryptography``.
    certificate : cryptography.x509.Certificate
        The certificate of that key.

    Raises
    ------
    NotTrustedError
        The key is on no such curve, or is not the certificate's.
    """

    def __init__(self, private_key: object, certificate: x509.Certificate) -> None:
        if (
            not isinstance(private_key, ec.EllipticCurvePrivateKey)
            or private_key.curve.name not in EC_CURVES
        ):
            raise NotTrustedError(
                "the private key is neither on P-256 nor on P-384: use one of these, or RSA"
            )
        require_pair(private_key.public_key(), certificate)
        self._private_key = private_key
        self._certificate_der = certificate.public_bytes(pem.Encoding.DER)

    @property
    def certificate_der(self) -> bytes:
        """The X.509 certificate of the key, DER."""
        return self._certificate_der

    def sign_digest(self, digest: bytes, algorithm: str) -> bytes:
        """Sign ``digest`` by ECDSA; see `usdk.trust.Signer.sign_digest`."""
        require_digest(digest, algorithm)
        return self._private_key.sign(digest, ECDSA(PREHASHED[algorithm]))


def require_pair(
    public_key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey, certificate: x509.Certificate
) -> None:
    """Raise `NotTrustedError` unless the certificate is of ``public_key``."""
    form = (pem.Encoding.DER, pem.PublicFormat.SubjectPublicKeyInfo)
    try:
        certified = certificate.public_key().public_bytes(*form)
    except (ValueError, TypeError) as error:
        raise NotTrustedError(
            "the certificate's public key cannot be read: use one made for the private key"
        ) from error
    if public_key.public_bytes(*form) != certified:
        raise NotTrustedError(
            "the private key and the certificate are not a pair:"
            " name the certificate that was issued for this key"
        )
