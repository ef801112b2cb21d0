"""Identities and keys, and the digital signatures of DICOM objects."""

from usdk.trust.certificate_trust import CertificateLike
from usdk.trust.development import (
    DevelopmentAuthority,
    DevelopmentKeyWarning,
    dev_certificate_authority,
    dev_signer,
)
from usdk.trust.dicom_signing import sign_dicom, sign_frame_digests
from usdk.trust.dicom_verification import verify_dicom
from usdk.trust.file_key import FileSigner
from usdk.trust.frame_digests import FrameDecoder
from usdk.trust.key_address import open_signer
from usdk.trust.memory_key import EcSigner, RsaSigner
from usdk.trust.pkcs11_key import Pkcs11Signer
from usdk.trust.signature_profile import Profile
from usdk.trust.signature_purpose import SIGNATURE_PURPOSES
from usdk.trust.signer import Signer
from usdk.trust.timestamp import TimeStamper
from usdk.trust.timestamp_http import HttpTimeStamper
from usdk.trust.tpm_key import TpmSigner
from usdk.trust.verification_report import SignatureReport, VerificationReport

__all__ = [
    "SIGNATURE_PURPOSES",
    "CertificateLike",
    "DevelopmentAuthority",
    "DevelopmentKeyWarning",
    "EcSigner",
    "FileSigner",
    "FrameDecoder",
    "HttpTimeStamper",
    "Pkcs11Signer",
    "Profile",
    "RsaSigner",
    "SignatureReport",
    "Signer",
    "TimeStamper",
    "TpmSigner",
    "VerificationReport",
    "dev_certificate_authority",
    "dev_signer",
    "open_signer",
    "sign_dicom",
    "sign_frame_digests",
    "verify_dicom",
]
