"""The names that this package takes from ``cryptography``, and the one place that may miss them."""

from __future__ import annotations

from usdk.errors import MissingExtraError

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
    from cryptography.x509 import verification
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
except ImportError as error:
    raise MissingExtraError.for_extra("dicom", "Signing") from error

__all__ = [
    "ECDSA",
    "ExtendedKeyUsageOID",
    "InvalidSignature",
    "NameOID",
    "PKCS1v15",
    "Prehashed",
    "UnsupportedAlgorithm",
    "ec",
    "encode_dss_signature",
    "hashes",
    "rsa",
    "serialization",
    "verification",
    "x509",
]
