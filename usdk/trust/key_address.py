"""Where a key lives, by its address: a PEM file, a PKCS#11 token or a TPM."""

from __future__ import annotations

import os

from usdk.errors import ArgumentError
from usdk.trust.file_key import FileSigner
from usdk.trust.pkcs11_key import Pkcs11Signer
from usdk.trust.signer import Signer
from usdk.trust.tpm_key import TpmSigner

__all__ = ["open_signer"]


def open_signer(
    key: str | os.PathLike[str],
    certificate_path: str | os.PathLike[str] | None = None,
    *,
    password: bytes | None = None,
) -> Signer:
    """Return the signer of a key.

    Parameters
    ----------
    key : str or path-like
        ``pkcs11:…`` (RFC 7512), ``tpm:0x81…``, or the path of a PEM file.
    certificate_path : path-like, optional
        Certificate of the key; a PKCS#11 token may hold it itself.
    password : bytes, optional
        Password of an encrypted file, or PIN of a token or of a TPM's key.

    Raises
    ------
    ArgumentError
        A certificate or a PIN is needed and not given; more by `Pkcs11Signer`, `TpmSigner` and
        `FileSigner`, which also raise errors of their own.
    """
    if not isinstance(key, str | os.PathLike):
        raise ArgumentError("a key is named by text, or by the path of its file")
    if password is not None and not isinstance(password, bytes):
        raise ArgumentError("a password or PIN is given as bytes")
    address = os.fspath(key)
    if address.startswith("pkcs11:"):
        if password is None:
            raise ArgumentError("a PKCS#11 token needs its PIN: --password-file, or USDK_KEY_PIN")
        return Pkcs11Signer(address, password, certificate_path=certificate_path)
    if certificate_path is None:
        raise ArgumentError("--key and --certificate go together")
    if address.startswith("tpm:"):
        return TpmSigner(address, certificate_path, pin=password or b"")
    return FileSigner(address, certificate_path, password=password)
