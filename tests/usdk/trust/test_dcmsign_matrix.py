"""Both ways with DCMTK's dcmsign: keys, digests, character sets, structures, encodings, padding."""

from __future__ import annotations

import itertools
import os
import random

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from usdk.errors import DataDamagedError
from usdk.trust import dicom_tags as tags
from usdk.trust import sign_dicom, verify_dicom
from usdk.trust.byte_source import MemorySource
from usdk.trust.dicom_elements import read_dicom

WHOLE = os.environ.get("USDK_TEST_WHOLE") == "1"

NAMES = {
    "ISO_IR 192": "Wang^XiaoDong=王^小东=",
    "ISO_IR 100": "Äneas^Rüdiger",
    "ISO_IR 127": "قباني^لنزار",
    "GB18030": "Wang^XiaoDong=王^小东=",
    "ISO 2022 IR 149": "Hong^Gildong=洪^吉洞=홍^길동",
    "ISO 2022 IR 87": "Yamada^Tarou=山田^太郎=やまだ^たろう",
}
DIGESTS = {"SHA256": "+m2", "SHA384": "+m3", "SHA512": "+m5"}
KEYS = ("RSA", "P-256", "P-384")


@pytest.fixture(scope="module")
def signers(issuer, authority, leaf):
    curves = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1()}
    made = {
        name: issuer.leaf(authority, name, key=ec.generate_private_key(curve))
        for name, curve in curves.items()
    }
    return {"RSA": leaf, **made}


def named(character_set):
    def change(ds):
        multiple = ["", character_set] if character_set.startswith("ISO 2022") else character_set
        ds.SpecificCharacterSet = multiple
        ds.PatientName = NAMES[character_set]
        ds.StudyDescription = "odd"

    return change


def padded(ds):
    """Pixels of an odd number of bytes, and text that fills up with each kind of padding."""
    ds.Rows = ds.Columns = 3
    ds.PixelData = bytes(range(9)) + b"\0"
    ds["PixelData"].VR = "OB"
    ds.StudyDescription = "  odd "
    ds.AccessionNumber = "1"


KINDS = (
    "grey", "bytes_pixels", "cine", "jpeg_ls_cine", "compressed_icon", "nested",
    "undefined_lengths", "empty", "many_vrs", "group_lengths",
)  # fmt: skip

CASES = [
    # Every digest with every key, over every structure; then each character set with every key.
    *((key, digest, kind, None) for key, digest, kind in itertools.product(KEYS, DIGESTS, KINDS)),
    *((key, "SHA256", "nested", name) for key, name in itertools.product(KEYS, NAMES)),
    *((key, digest, "grey", "padded") for key, digest in itertools.product(KEYS, DIGESTS)),
]
SAMPLE = CASES if WHOLE else CASES[::3]


@pytest.mark.parametrize(("key", "digest", "kind", "change"), SAMPLE)
def test_each_accepts_what_the_other_signs(
    tmp_path, dicom, dcmsign, signers, authority, key, digest, kind, change
):
    source, ours, theirs = (tmp_path / f"{name}.dcm" for name in ("in", "ours", "theirs"))
    both, back = tmp_path / "both.dcm", tmp_path / "back.dcm"
    edit = padded if change == "padded" else named(change) if change else None
    source.write_bytes(dicom(kind, edit))
    owner = signers[key]
    profile = "CREATOR" if key == "RSA" else None
    require = ("+rc",) if key == "RSA" else ("+rg",)
    trusted = {"trusted_certificates": [authority.der], "profile": profile}

    sign_dicom(source, ours, owner.signer(), algorithm=digest, profile=profile)
    assert dcmsign.verify(ours, *require) == 0
    pair = ("+s", owner.key_path, owner.certificate_path)
    assert dcmsign.run(DIGESTS[digest], *pair, source, theirs) == 0
    for path in (ours, theirs):
        report = verify_dicom(path, **trusted)
        assert report.problems == ()
        assert report.signer.algorithm == f"{'RSA' if key == 'RSA' else 'ECDSA'}-{digest}"
        assert report.pixels == "AS SIGNED"

    # Two signatures, each over the other's: first theirs then ours, and the other way round.
    sign_dicom(theirs, both, owner.signer(), algorithm=digest, profile=profile)
    assert dcmsign.run(DIGESTS[digest], *pair, ours, back) == 0
    for path in (both, back):
        report = verify_dicom(path, **trusted)
        assert report.problems == ()
        assert len(report.signatures) == 2
        assert dcmsign.verify(path, *require) == 0


def signed_ranges(elements):
    """Yield where the signed values lie: what both must refuse a changed bit of."""
    for element in elements:
        if element.tag in (tags.MAC_PARAMETERS_SEQUENCE, tags.DIGITAL_SIGNATURES_SEQUENCE):
            continue
        if element.items is not None:
            for item in element.items:
                yield from signed_ranges(item.elements)
        elif element.fragments is not None:
            yield from element.fragments
        elif element.tag & 0xFFFF:
            yield element.value_offset, element.value_end


@pytest.mark.parametrize("kind", ["cine", "nested", "jpeg_ls_cine", "many_vrs"])
def test_flipped_bits_are_refused_by_both(tmp_path, dicom, signer, authority, dcmsign, kind):
    """A thousand flips in all when whole, each at random over the signed values of one object."""
    path = tmp_path / "signed.dcm"
    path.write_bytes(dicom(kind))
    sign_dicom(path, path, signer)
    data = path.read_bytes()
    assert dcmsign.verify(path, "+rc") == 0
    offsets = [
        offset
        for start, end in signed_ranges(read_dicom(MemorySource(data)).elements)
        for offset in range(start, end)
    ]
    choice = random.Random(kind)
    accepted = []
    for _ in range(250 if WHOLE else 8):
        offset, bit = choice.choice(offsets), choice.randrange(8)
        changed = bytearray(data)
        changed[offset] ^= 1 << bit
        try:
            if verify_dicom(bytes(changed), trusted_certificates=[authority.der]).is_valid:
                accepted.append(("usdk", offset, bit))
        except DataDamagedError:
            pass
        path.write_bytes(changed)
        if dcmsign.verify(path, "+rc") == 0:
            accepted.append(("dcmsign", offset, bit))
    assert accepted == []
