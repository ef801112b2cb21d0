"""A signer whose key never leaves the TPM 2.0 of this machine."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from usdk.errors import (
    ArgumentError,
    DeviceAbsentError,
    DeviceFailedError,
    MissingExtraError,
    NotTrustedError,
)
from usdk.trust.certificate_trust import load_certificates
from usdk.trust.cryptography_extra import encode_dss_signature, serialization
from usdk.trust.signer import require_digest

__all__ = ["TCTI_VARIABLE", "TpmSigner"]

TCTI_VARIABLE = "USDK_TPM_TCTI"
"""Environment variable that says how to reach the TPM, where the address does not."""

_ADDRESS = re.compile(r"tpm:(0x81[0-9a-fA-F]{6})(?:\?tcti=([\x21-\x7e]{1,1024}))?", re.ASCII)

# One connection at a time: a TPM without a resource manager takes no second one.
_lock = threading.Lock()


class TpmSigner:
    """Sign with a persistent key of a TPM 2.0, RSA or P-256 or P-384.

    The key must be one that signs and is not restricted to what the TPM itself has hashed, as
    ``tpm2_create -G rsa3072:rsassa`` makes. Its PIN (authorisation value) is proven in an HMAC
    session and never crosses the bus.

    Parameters
    ----------
    address : str
        ``tpm:0x81…``, the persistent handle, with ``?tcti=device:/dev/tpmrm0`` or another way to
        the TPM; else ``USDK_TPM_TCTI`` in the environment; else the system's default.
    certificate_path : path-like
        PEM or DER certificate of the key.
    pin : bytes
        Authorisation value of the key; empty for none.

    Raises
    ------
    ArgumentError
        The address is malformed, or no key is there.
    DeviceAbsentError
        The TPM cannot be reached.
    NotTrustedError
        The PIN is wrong, or the TPM is locked after too many wrong ones.
    StorageError, DataDamagedError
        The certificate cannot be read.
    DeviceFailedError
        The TPM reported a failure.
    MissingExtraError
        The package tpm2-pytss is not installed.
    """

    def __init__(
        self,
        address: str,
        certificate_path: str | os.PathLike[str],
        *,
        pin: bytes = b"",
    ) -> None:
        match = _ADDRESS.fullmatch(address) if isinstance(address, str) else None
        if match is None:
            raise ArgumentError(
                "a key in a TPM is named tpm:0x81…, its persistent handle, with ?tcti=… for the way"
            )
        self._handle = int(match[1], 16)
        self._tcti = match[2] or os.environ.get(TCTI_VARIABLE)
        self._pin = pin
        encoding = serialization.Encoding.DER
        self._certificate_der = load_certificates([certificate_path])[0].public_bytes(encoding)
        with self._key():
            pass  # An absent TPM or key is told now, before anything is to be signed.

    @property
    def certificate_der(self) -> bytes:
        """The X.509 certificate of the key, DER."""
        return self._certificate_der

    def sign_digest(self, digest: bytes, algorithm: str) -> bytes:
        """Sign ``digest`` in the TPM; see `usdk.trust.Signer.sign_digest`."""
        require_digest(digest, algorithm)
        tpm = _library()
        with self._key() as (context, key, is_rsa):
            scheme = tpm.TPMT_SIG_SCHEME(
                scheme=tpm.TPM2_ALG.RSASSA if is_rsa else tpm.TPM2_ALG.ECDSA
            )
            scheme.details.any.hashAlg = getattr(tpm.TPM2_ALG, algorithm)
            session = context.start_auth_session(
                tpm_key=tpm.ESYS_TR.NONE,
                bind=tpm.ESYS_TR.NONE,
                session_type=tpm.TPM2_SE.HMAC,
                symmetric=tpm.TPMT_SYM_DEF(algorithm=tpm.TPM2_ALG.NULL),
                auth_hash=tpm.TPM2_ALG.SHA256,
            )
            try:
                context.tr_set_auth(key, self._pin)
                context.trsess_set_attributes(session, tpm.TPMA_SESSION.CONTINUESESSION)
                made = context.sign(key, digest, scheme, session1=session)
            finally:
                with suppress(tpm.TSS2_Exception):
                    context.flush_context(session)
            if is_rsa:
                return bytes(made.signature.rsassa.sig)
            pair = made.signature.ecdsa
            return encode_dss_signature(
                int.from_bytes(bytes(pair.signatureR), "big"),
                int.from_bytes(bytes(pair.signatureS), "big"),
            )

    @contextmanager
    def _key(self) -> Iterator[tuple[Any, Any, bool]]:
        """Connect, and find the key and whether it is RSA."""
        tpm = _library()
        with _lock, _errors(tpm):
            try:
                context = tpm.ESAPI(self._tcti)
            except (tpm.TSS2_Exception, RuntimeError, OSError) as error:
                raise DeviceAbsentError(
                    "the TPM cannot be reached: check ?tcti= or USDK_TPM_TCTI, and who may use it"
                ) from error
            with context:
                try:
                    key = context.tr_from_tpmpublic(self._handle)
                except tpm.TSS2_Exception as error:
                    if error.error == tpm.TPM2_RC.HANDLE:
                        raise ArgumentError(
                            "the TPM holds no key there: list them with tpm2_getcap "
                            "handles-persistent"
                        ) from error
                    raise
                public, _, _ = context.read_public(key)
                yield context, key, public.publicArea.type == tpm.TPM2_ALG.RSA


@contextmanager
def _errors(tpm: Any) -> Iterator[None]:
    try:
        yield
    except tpm.TSS2_Exception as error:
        if error.error in (tpm.TPM2_RC.AUTH_FAIL, tpm.TPM2_RC.BAD_AUTH):
            raise NotTrustedError(
                "the PIN does not open the TPM's key: check it first, as a few mistakes lock it"
            ) from error
        if error.error == tpm.TPM2_RC.LOCKOUT:
            raise NotTrustedError(
                "the TPM is locked after wrong PINs: wait, or have its owner run "
                "tpm2_dictionarylockout --clear-lockout"
            ) from error
        raise DeviceFailedError(
            f"the TPM answered with error {int(error.rc):#x}: see tpm2_rc_decode"
        ) from error


def _library() -> Any:
    try:
        import tpm2_pytss
    except ImportError as error:
        raise MissingExtraError.for_extra("tpm", "Signing with a TPM") from error
    except (NotImplementedError, RuntimeError, OSError) as error:
        raise DeviceAbsentError(
            "the TPM's software (tpm2-tss) does not work on this machine: install libtss2"
        ) from error
    return tpm2_pytss
