"""A signer whose key never leaves a token: smart card, USB token or security module (PKCS#11)."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from usdk.errors import (
    ArgumentError,
    DeviceAbsentError,
    DeviceFailedError,
    MissingExtraError,
    NotTrustedError,
    StorageError,
)
from usdk.trust.certificate_trust import load_certificates
from usdk.trust.cryptography_extra import encode_dss_signature, serialization
from usdk.trust.pkcs11_uri import Pkcs11Uri
from usdk.trust.signer import require_digest

__all__ = ["DIGEST_INFO", "MODULE_VARIABLE", "Pkcs11Signer"]

MODULE_VARIABLE = "USDK_PKCS11_MODULE"
"""Environment variable with the token maker's library, where the URI has no module-path."""

DIGEST_INFO = {
    "SHA256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "SHA384": bytes.fromhex("3041300d060960864801650304020205000430"),
    "SHA512": bytes.fromhex("3051300d060960864801650304020305000440"),
}
"""What RSASSA-PKCS1-v1_5 puts before a digest (RFC 8017, section 9.2, note 1)."""

# A token knows one login per process, whichever session made it.
_lock = threading.Lock()


class Pkcs11Signer:
    """Sign with the private key of a PKCS#11 token, RSA or P-256 or P-384.

    The PIN is kept in memory, as each signature logs in anew: a token that was pulled and put back
    works on.

    Parameters
    ----------
    uri : str
        ``pkcs11:token=…;object=…?module-path=…`` (RFC 7512), without a PIN.
    pin : bytes
        The user's PIN.
    certificate_path : path-like, optional
        PEM or DER certificate of the key; else the token's own, with the key's id or label.

    Raises
    ------
    ArgumentError
        The URI is malformed, or names no key or several.
    DeviceAbsentError
        There is no such token.
    NotTrustedError
        The PIN is wrong, or the token is locked.
    StorageError, DataDamagedError
        The module or the certificate cannot be read.
    DeviceFailedError
        The token reported a failure.
    MissingExtraError
        The package python-pkcs11 is not installed.
    """

    def __init__(
        self,
        uri: str,
        pin: bytes,
        *,
        certificate_path: str | os.PathLike[str] | None = None,
    ) -> None:
        self._uri = Pkcs11Uri.parse(uri)
        self._pin = _text(pin)
        self._library = _load(self._uri.module_path or os.environ.get(MODULE_VARIABLE))
        if certificate_path is None:
            with self._session() as (session, key):
                self._certificate_der = self._token_certificate(session, key)
        else:
            encoding = serialization.Encoding.DER
            self._certificate_der = load_certificates([certificate_path])[0].public_bytes(encoding)
            with self._session():
                pass  # A wrong PIN or an absent key is told now, before anything is to be signed.

    @property
    def certificate_der(self) -> bytes:
        """The X.509 certificate of the key, DER."""
        return self._certificate_der

    def sign_digest(self, digest: bytes, algorithm: str) -> bytes:
        """Sign ``digest`` in the token; see `usdk.trust.Signer.sign_digest`."""
        require_digest(digest, algorithm)
        from pkcs11 import KeyType, Mechanism

        with self._session() as (_, key):
            if key.key_type == KeyType.EC:
                pair: bytes = key.sign(digest, mechanism=Mechanism.ECDSA)
                half = len(pair) // 2
                return encode_dss_signature(
                    int.from_bytes(pair[:half], "big"), int.from_bytes(pair[half:], "big")
                )
            signature: bytes = key.sign(
                DIGEST_INFO[algorithm] + digest, mechanism=Mechanism.RSA_PKCS
            )
            return signature

    @contextmanager
    def _session(self) -> Iterator[tuple[Any, Any]]:
        """Open a session with the user logged in, and find the key."""
        from pkcs11 import Attribute, ObjectClass

        wanted: dict[Any, Any] = {Attribute.CLASS: ObjectClass.PRIVATE_KEY}
        if self._uri.label is not None:
            wanted[Attribute.LABEL] = self._uri.label
        if self._uri.key_id is not None:
            wanted[Attribute.ID] = self._uri.key_id
        with _lock, _errors(), self._token().open(user_pin=self._pin) as session:
            # To the end: a search that is left open outlives its session.
            keys = list(session.get_objects(wanted))
            if not keys:
                raise ArgumentError(
                    "the token holds no such private key: check object= and id= in the PKCS#11 URI"
                )
            if len(keys) > 1:
                raise ArgumentError(
                    "the token holds several such keys: name one in the PKCS#11 URI by id="
                )
            yield session, keys[0]

    def _token(self) -> Any:
        uri = self._uri
        wanted = {
            "label": uri.token,
            "manufacturer_id": uri.manufacturer,
            "model": uri.model,
            "serial": None if uri.serial is None else uri.serial.encode(),
        }
        found = [
            slot.get_token()
            for slot in self._library.get_slots(token_present=True)
            if uri.slot_id in (None, slot.slot_id)
        ]
        found = [
            token
            for token in found
            if all(v is None or getattr(token, name) == v for name, v in wanted.items())
        ]
        if not found:
            raise DeviceAbsentError("no such token is there: plug it in, or check the PKCS#11 URI")
        if len(found) > 1:
            raise ArgumentError("several tokens are there: name one in the PKCS#11 URI by token=")
        return found[0]

    @staticmethod
    def _token_certificate(session: Any, key: Any) -> bytes:
        from pkcs11 import Attribute, ObjectClass

        for attribute in (Attribute.ID, Attribute.LABEL):
            value = key[attribute]
            if not value:
                continue
            wanted = {Attribute.CLASS: ObjectClass.CERTIFICATE, attribute: value}
            found = list(session.get_objects(wanted))
            if found:
                der: bytes = found[0][Attribute.VALUE]
                return der
        raise ArgumentError("the token holds no certificate of the key: give it by --certificate")


def _text(pin: bytes) -> str:
    try:
        return pin.decode()
    except (UnicodeDecodeError, AttributeError):
        # Not chained: the error quotes what it could not decode.
        raise ArgumentError("the PIN is not bytes of UTF-8 text") from None


def _load(module_path: str | None) -> Any:
    try:
        import pkcs11
    except ImportError as error:
        raise MissingExtraError.for_extra("pkcs11", "Signing with a token") from error
    if not module_path:
        raise ArgumentError(
            "name the token maker's library: ?module-path= in the PKCS#11 URI, or "
            f"{MODULE_VARIABLE} in the environment"
        )
    try:
        return pkcs11.lib(module_path)
    except (pkcs11.PKCS11Error, RuntimeError, OSError) as error:
        raise StorageError(
            "the PKCS#11 module cannot be loaded: check its path, and that it is for this machine"
        ) from error


@contextmanager
def _errors() -> Iterator[None]:
    from pkcs11 import exceptions as token

    try:
        yield
    except (token.PinLocked, token.PinExpired) as error:
        raise NotTrustedError(
            "the token is locked: have its security officer unlock it, or set a new PIN"
        ) from error
    except (token.PinIncorrect, token.PinInvalid, token.PinLenRange) as error:
        raise NotTrustedError(
            "the PIN does not open the token: check it first, as a few mistakes lock it"
        ) from error
    except (
        token.NoSuchToken,
        token.TokenNotPresent,
        token.TokenNotRecognised,
        token.DeviceRemoved,
    ) as error:
        raise DeviceAbsentError("the token is not there: plug it in again") from error
    except token.PKCS11Error as error:
        raise DeviceFailedError(
            f"the token failed ({type(error).__name__}): plug it in again"
        ) from error
