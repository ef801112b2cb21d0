"""The last steps before an object takes its name: checked, signed, and compared on the disk."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from usdk.dicom import decoded_frames, require_sound
from usdk.dicom.open import open_dicom
from usdk.dicom.pydicom_extra import Dataset
from usdk.errors import DataDamagedError
from usdk.trust import Signer, sign_dicom, sign_frame_digests, verify_dicom
from usdk.trust.byte_source import FileSource
from usdk.trust.dicom_elements import read_dicom
from usdk.trust.dicom_structure import find_element

__all__ = ["finish_object", "require_same_pixels", "write_header"]

_PIXEL_DATA = 0x7FE00010


def write_header(dataset: Dataset, file: BinaryIO) -> None:
    """Write an object as far as its pixels, or with them if it has them."""
    dataset.save_as(file, enforce_file_format=True)
    file.flush()


def finish_object(path: Path, signer: Signer | None, *, sign_frames: bool = False) -> None:
    """Check the object in a file, and sign it there; its signatures are verified.

    With ``sign_frames`` it gets a second signature, over the digests of its decoded frames.

    Raises
    ------
    ArgumentError
        The object would mislead its readers.
    NotTrustedError
        The signer's certificate may not sign, or the signature does not hold.
    """
    require_sound(open_dicom(path))
    if signer is None:
        return
    sign_dicom(path, path, signer)
    if sign_frames:
        sign_frame_digests(path, path, signer, frame_decoder=decoded_frames)
    report = verify_dicom(path, trusted_certificates=[signer.certificate_der])
    report.require_valid()


def require_same_pixels(path: Path, digests: Sequence[bytes], sizes: Sequence[int]) -> None:
    """Read each frame's bytes back and compare them with those that were decoded and compared.

    Parameters
    ----------
    digests : sequence of bytes
        SHA-256 of each frame's bytes, encoded, in their order.
    sizes : sequence of int
        Their numbers, padding left out.

    Raises
    ------
    DataDamagedError
        Pixel Data holds others, or another number of frames.
    """
    with FileSource(path) as source:
        pixel_data = find_element(read_dicom(source).elements, _PIXEL_DATA)
        if pixel_data is None:
            raise DataDamagedError("the file that was just written has no pixels: write it again")
        if pixel_data.fragments is None:
            begins = _begins(pixel_data.value_offset, sizes)
            ends_well = sum(sizes) + sum(sizes) % 2 == pixel_data.n_bytes
        else:
            _, *fragments = pixel_data.fragments
            begins = iter([start for start, _ in fragments])
            ends_well = [stop - start for start, stop in fragments] == [n + n % 2 for n in sizes]
        if not ends_well:
            raise DataDamagedError("the file that was just written has other frames: write again")
        for number, (digest, start, size) in enumerate(
            zip(digests, begins, sizes, strict=True), start=1
        ):
            read = hashlib.sha256()
            for piece in source.chunks(start, start + size):
                read.update(piece)
            if read.digest() != digest:
                raise DataDamagedError(
                    f"frame {number} in the file is not what was encoded: check the disk, and "
                    "write it again"
                )


def _begins(start: int, sizes: Sequence[int]) -> Iterator[int]:
    for size in sizes:
        yield start
        start += size
