"""The verifier: bytes are refused, or their data set is one that was signed; nothing else."""

from __future__ import annotations

import io
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from pydicom.dataset import Dataset, FileMetaDataset

from usdk.errors import DataDamagedError
from usdk.trust import EcSigner, RsaSigner, Signer, VerificationReport, sign_dicom, verify_dicom
from usdk.trust.byte_source import MemorySource
from usdk.trust.dicom_elements import read_dicom

NATIVE, JPEG_LS = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.80"


def _self_signed(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> Signer:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Fuzz")])
    usage = dict.fromkeys(
        ("key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign",
         "encipher_only", "decipher_only", "content_commitment"), False,
    )  # fmt: skip
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.KeyUsage(digital_signature=True, **usage), critical=True)
        .sign(key, hashes.SHA256())
    )
    return (RsaSigner if isinstance(key, rsa.RSAPrivateKey) else EcSigner)(key, certificate)


def _object(syntax: str, *, nested: bool) -> bytes:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.6.1"
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.4", "1.2.5"
    ds.PatientName = "A^B"
    if nested:
        inner, item = Dataset(), Dataset()
        inner.CodeValue = "1"
        item.ModifierCodeSequence = [inner, Dataset()]
        ds.AnatomicRegionSequence = [item]
        ds["AnatomicRegionSequence"].is_undefined_length = True
        ds.private_block(0x5553, "USDK", create=True).add_new(1, "UT", "{}")
    ds.Rows = ds.Columns = 8
    ds.NumberOfFrames = 2
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit, ds.PixelRepresentation = 7, 0
    ds.PixelData = bytes(range(128))
    ds["PixelData"].VR = "OW"
    if syntax != NATIVE:
        ds.file_meta.TransferSyntaxUID = NATIVE
        ds.compress(syntax, generate_instance_uid=False)
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _data_set_of(data: bytes) -> bytes:
    return data[read_dicom(MemorySource(data)).elements[0].offset :]


_SIGNER = _self_signed(rsa.generate_private_key(public_exponent=65537, key_size=2048))
_CURVE = _self_signed(ec.generate_private_key(ec.SECP256R1()))
_TRUSTED = [_SIGNER.certificate_der, _CURVE.certificate_der]

WEIGHT = 4
"""Share of a campaign's time, where others have 1."""


def seeds() -> list[bytes]:
    """Return objects unsigned, and signed by each key."""
    return _SEEDS


def _make_seeds() -> list[bytes]:
    made = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "object.dcm"
        for syntax in (NATIVE, JPEG_LS):
            for nested in (False, True):
                path.write_bytes(_object(syntax, nested=nested))
                made.append(path.read_bytes())
                sign_dicom(path, path, _SIGNER, purpose=1)
                made.append(path.read_bytes())
                path.write_bytes(made[-2])
                sign_dicom(path, path, _CURVE, profile=None)
                made.append(path.read_bytes())
        sign_dicom(path, path, _SIGNER)
        made.append(path.read_bytes())
    assert all(_verify(seed).is_valid for seed in made[1::3])
    assert len(_verify(made[-1]).signatures) == 2
    return made


def _verify(data: bytes) -> VerificationReport:
    return verify_dicom(data, trusted_certificates=_TRUSTED, profile=None)


def one_input(data: bytes) -> None:
    """Verify; what is accepted must be an object that was signed, byte for byte."""
    try:
        report = _verify(data)
    except DataDamagedError:
        return
    report.to_dict()
    if report.is_valid and _data_set_of(data) not in _KNOWN:
        raise AssertionError("accepted, and was never signed")


# Made once: a campaign's laps share the keys, and an earlier lap's seeds are signed as well.
_SEEDS = _make_seeds()
_KNOWN = {_data_set_of(seed) for seed in _SEEDS}
