"""Small DICOM objects, a certificate authority to sign them under, and DCMTK's second opinion."""

from __future__ import annotations

import io
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless, generate_uid

from usdk.trust import FileSigner
from usdk.trust.byte_source import MemorySource
from usdk.trust.dicom_elements import read_dicom
from usdk.trust.dicom_encoding import encode_element

DCMSIGN = Path("/usr/bin/dcmsign")
US_IMAGE = "1.2.840.10008.5.1.4.1.1.6.1"
US_MULTIFRAME = "1.2.840.10008.5.1.4.1.1.3.1"


KEY_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def key_usage(**asserted):
    return x509.KeyUsage(**{name: asserted.get(name, False) for name in KEY_USAGES})


@dataclass
class Authority:
    """A certificate authority, or a signer: its key, its certificate, and both as files."""

    key: object
    certificate: x509.Certificate
    folder: Path

    @property
    def key_path(self):
        return self._write("key.pem", self.key_pem())

    @property
    def certificate_path(self):
        return self._write(
            "certificate.pem", self.certificate.public_bytes(serialization.Encoding.PEM)
        )

    @property
    def der(self):
        return self.certificate.public_bytes(serialization.Encoding.DER)

    def key_pem(self, password=None):
        encryption = (
            serialization.BestAvailableEncryption(password)
            if password
            else serialization.NoEncryption()
        )
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
        )

    def signer(self):
        return FileSigner(self.key_path, self.certificate_path)

    def _write(self, name, content):
        path = self.folder / name
        if not path.exists():
            path.touch(mode=0o600)
            path.write_bytes(content)
        return path


class Issuer:
    """Issues certificates of every kind, good and bad, on keys that are made once."""

    def __init__(self, folder):
        self.folder = folder
        self.count = 0
        self.now = datetime.now(UTC).replace(microsecond=0)
        self.keys = [rsa.generate_private_key(65537, 2048) for _ in range(3)]

    def issue(self, common_name, *, issuer=None, key=0, days=(-10, 100), extensions=()):
        key = self.keys[key] if isinstance(key, int) else key
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        issuer_key = issuer.key if issuer else key
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issuer.certificate.subject if issuer else name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now + timedelta(days=days[0]))
            .not_valid_after(self.now + timedelta(days=days[1]))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False
            )
        )
        for extension in extensions:
            builder = builder.add_extension(extension, True)
        self.count += 1
        folder = self.folder / str(self.count)
        folder.mkdir()
        return Authority(key, builder.sign(issuer_key, hashes.SHA256()), folder)

    def authority(self, common_name="Test authority", *, usage=None, ca=True, **options):
        usage = key_usage(key_cert_sign=True, crl_sign=True) if usage is None else usage
        constraints = x509.BasicConstraints(ca, None)
        return self.issue(common_name, extensions=(constraints, usage), **options)

    def leaf(self, issuer, common_name="Test signer", *, more=(), usage=None, **options):
        usage = (
            key_usage(digital_signature=True, content_commitment=True) if usage is None else usage
        )
        extensions = (x509.BasicConstraints(False, None), *([usage] if usage else []), *more)
        options.setdefault("key", 1)
        return self.issue(common_name, issuer=issuer, extensions=extensions, **options)

    def short_key(self):
        return rsa.generate_private_key(65537, 1024)

    def elliptic_key(self):
        return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="session")
def issuer(tmp_path_factory):
    return Issuer(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def authority(issuer):
    return issuer.authority()


@pytest.fixture(scope="session")
def leaf(issuer, authority):
    return issuer.leaf(authority)


@pytest.fixture(scope="session")
def signer(leaf):
    return leaf.signer()


@pytest.fixture(scope="session")
def usage():
    return key_usage


def base(sop_class=US_IMAGE, syntax=ExplicitVRLittleEndian):
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.SOPClassUID = sop_class
    ds.SOPInstanceUID = generate_uid(prefix=None)
    ds.file_meta.MediaStorageSOPClassUID = sop_class
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.StudyInstanceUID = generate_uid(prefix=None)
    ds.SeriesInstanceUID = generate_uid(prefix=None)
    ds.ImageType = ["DERIVED", "PRIMARY"]
    ds.StudyDate = "20260102"
    ds.StudyTime = "030405.678"
    ds.Modality = "US"
    ds.Manufacturer = "Odd"
    ds.PatientName = "Ödd^Näme"
    ds.PatientID = "7"
    ds.PatientBirthDate = ""
    ds.InstanceNumber = 1
    return ds


def with_pixels(ds, shape, *, rgb=False, encode=None, vr="OW"):
    pixels = np.random.default_rng(7).integers(0, 256, shape, dtype=np.uint8)
    n_frames = shape[0] if len(shape) == 3 + rgb else None
    if n_frames:
        ds.NumberOfFrames = n_frames
        ds.FrameTime = "33.3"
        ds.FrameIncrementPointer = 0x00181063
    ds.SamplesPerPixel = 3 if rgb else 1
    ds.PhotometricInterpretation = "RGB" if rgb else "MONOCHROME2"
    if rgb:
        ds.PlanarConfiguration = 0
    rows_axis = 1 if n_frames else 0
    ds.Rows, ds.Columns = shape[rows_axis : rows_axis + 2]
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit = 7
    ds.PixelRepresentation = 0
    if encode:
        ds.PixelData = encapsulate([encode(frame) for frame in (pixels if n_frames else [pixels])])
        ds["PixelData"].VR = "OB"
    else:
        data = pixels.tobytes()
        ds.PixelData = data + b"\0" * (len(data) % 2)
        ds["PixelData"].VR = vr
    return ds


def code(value, *more):
    item = Dataset()
    item.CodeValue = value
    item.CodingSchemeDesignator = "99TEST"
    item.CodeMeaning = "odd"
    for keyword, items in more:
        setattr(item, keyword, items)
    return item


def grey():
    return with_pixels(base(), (9, 7))


def bytes_pixels():
    return with_pixels(base(), (9, 7), vr="OB")


def cine():
    return with_pixels(base(US_MULTIFRAME), (3, 8, 10, 3), rgb=True)


def jpeg_ls_cine():
    import jpeg_ls

    ds = base(US_MULTIFRAME, JPEGLSLossless)
    return with_pixels(ds, (3, 16, 16), encode=lambda f: jpeg_ls.encode(f).tobytes())


def compressed_icon():
    import jpeg_ls

    ds = jpeg_ls_cine()
    icon = Dataset()
    with_pixels(icon, (16, 16), encode=lambda f: jpeg_ls.encode(f).tobytes())
    icon["PixelData"].is_undefined_length = True
    ds.IconImageSequence = [icon]
    return ds


def nested():
    ds = grey()
    inner = code("3", ("ModifierCodeSequence", []))
    inner.add_new(0x00091001, "LO", "deep private")
    inner.add_new(0x00090010, "LO", "USDK TEST")
    ds.AnatomicRegionSequence = [
        code("1", ("AnatomicRegionModifierSequence", [code("2"), inner])),
    ]
    region = Dataset()
    region.RegionSpatialFormat = 1
    region.PhysicalDeltaX = 0.01
    region.ReferencePixelX0 = -3
    ds.SequenceOfUltrasoundRegions = [region, Dataset(), region]
    block = ds.private_block(0x0011, "USDK TEST", create=True)
    block.add_new(0x01, "OB", b"\x01\x02\x03\x04")
    block.add_new(0x02, "FD", [1.5, -2.25])
    block.add_new(0x03, "SQ", [code("4")])
    block.add_new(0x04, "UT", "long text of odd length")
    block.add_new(0x05, "AT", [0x00100010, 0x7FE00010])
    block.add_new(0x06, "UV", 1 << 40)
    return ds


def undefined_lengths():
    ds = nested()
    for element in ds.iterall():
        if element.VR == "SQ":
            element.is_undefined_length = True
            for item in element.value:
                item.is_undefined_length_sequence_item = True
    return ds


def empty():
    ds = grey()
    ds.ProcedureCodeSequence = []
    ds.AnatomicRegionSequence = [Dataset()]
    ds.StudyDescription = ""
    ds.AccessionNumber = None
    return ds


def unknown():
    ds = nested()
    ds.add_new(0x00131001, "UN", b"\x01\x02")
    ds.add_new(0x00130010, "LO", "USDK OTHER")
    item = code("5")
    item.add_new(0x00131001, "UN", b"\x03\x04")
    ds.ProcedureCodeSequence = [item]
    return ds


def many_vrs():
    ds = grey()
    icon = Dataset()
    with_pixels(icon, (5, 4), vr="OB")
    ds.IconImageSequence = [icon]
    ds.add_new(0x60000010, "US", 9)
    ds.add_new(0x60003000, "OW", b"\x01\x02" * 4)
    ds.add_new(0x00281201, "OW", bytes(range(10)))
    values = {
        "AE": "ODD", "AS": "031Y", "DS": ["1.5", "-2"], "DT": "20260102030405.123", "FL": [0.5],
        "IS": "7", "LT": "odd", "OD": bytes(16), "OF": bytes(12), "OL": bytes(4), "OV": bytes(8),
        "PN": "A^B", "SL": -1, "SS": [-2, 3, 4], "ST": "odd", "SV": -(1 << 40), "TM": "0304",
        "UC": ["a", "bc"], "UR": "http://localhost/odd", "US": 5, "UV": 6, "OW": b"ab",
    }  # fmt: skip
    block = ds.private_block(0x0019, "USDK TEST", create=True)
    for offset, (vr, value) in enumerate(values.items()):
        block.add_new(offset, vr, value)
    return ds


def group_lengths():
    ds = grey()
    ds.add_new(0xFFFCFFFC, "OB", b"\0" * 10)
    return ds


OBJECTS = {
    f.__name__: f
    for f in (
        grey, bytes_pixels, cine, jpeg_ls_cine, compressed_icon, nested, undefined_lengths, empty,
        many_vrs, unknown, group_lengths,
    )
}  # fmt: skip


def insert_before(data, tag, raw):
    """Return ``data`` with ``raw`` before the element ``tag`` of the data set."""
    elements = read_dicom(MemorySource(data)).elements
    at = next(e.offset for e in elements if e.tag >= tag)
    return data[:at] + raw + data[at:]


def to_bytes(ds):
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def dicom():
    """Return a DICOM file as bytes, by the name of its kind; `change` edits the data set first."""

    def make(kind="grey", change=None):
        ds = OBJECTS[kind]()
        if change:
            change(ds)
        data = to_bytes(ds)
        if kind == "group_lengths":  # pydicom leaves them out
            for group in (0x0008, 0x0010):
                raw = encode_element(group << 16, "UL", bytes(4))
                data = insert_before(data, group << 16, raw)
        return data

    return make


@pytest.fixture(scope="session")
def insert():
    return insert_before


@pytest.fixture(params=sorted(OBJECTS))
def kind(request):
    return request.param


class Dcmsign:
    """DCMTK's dcmsign: an independent signer and verifier."""

    def __init__(self, leaf, authority):
        self.leaf = leaf
        self.authority = authority

    def run(self, *arguments):
        command = [str(DCMSIGN), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode

    def verify(self, path, *options):
        return self.run("+cf", self.authority.certificate_path, *options, path)

    def sign(self, path_in, path_out, *options):
        leaf = self.leaf
        keys = ("+s", leaf.key_path, leaf.certificate_path)
        return self.run("+pc", "+m2", *options, *keys, path_in, path_out)


@pytest.fixture(scope="session")
def dcmsign(leaf, authority):
    if not DCMSIGN.exists():
        pytest.skip("DCMTK's dcmsign is not installed")
    return Dcmsign(leaf, authority)


@pytest.fixture(scope="session")
def dcmtk():
    """Return the path of a DCMTK tool by its name."""

    def find(name):
        path = shutil.which(name, path="/usr/bin")
        if path is None:
            pytest.skip(f"DCMTK's {name} is not installed")
        return path

    return find
