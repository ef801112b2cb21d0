"""Export: frames become a checked, signed file, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from usdk.dicom import (
    Codec,
    Equipment,
    Study,
    compare_pixels,
    demonstration_study,
    require_sound,
    us_image,
    us_multiframe,
)
from usdk.errors import ArgumentError, StorageError
from usdk.files import atomic_file
from usdk.frame import Frame
from usdk.trust import Signer, sign_dicom, verify_dicom

__all__ = ["write_dicom"]


def write_dicom(
    path: str | os.PathLike[str],
    frames: Sequence[Frame],
    *,
    signer: Signer | None,
    study: Study | None = None,
    equipment: Equipment | None = None,
    codec: Codec = "native",
    instance_number: int | None = None,
    frame_interval_s: float | None = None,
) -> Path:
    """Write frames as a DICOM ultrasound object: one as a still, several as a cine.

    The object is checked before it is written. It goes to a temporary file in the same folder,
    is signed, decoded from there and compared with the frames, and its signature is verified;
    only then does it take its name, in one step. When anything fails, what was there before is
    still there, and no part of a file is left.

    Parameters
    ----------
    path : path-like
        Where the file goes; one that exists is replaced.
    frames : sequence of Frame
        One: an Ultrasound Image. Several of one raster and device, in the order of time: an
        Ultrasound Multi-frame Image.
    signer : Signer or None
        Whose signature the object gets; None writes it unsigned.
    study : Study, optional
        Patient, study and series. Without it the object is marked as a demonstration, of no
        patient, in a study of its own.
    equipment : Equipment, optional
        What the frames' device says, when absent.
    codec : {"native", "jpeg-ls"}
        How pixels lie in the file; both are lossless.
    instance_number : int, optional
        The device's count of the first frame, from 1, when absent.
    frame_interval_s : float, optional
        Time between the frames of a cine, s; needed when they have no device timestamps.

    Returns
    -------
    Path
        ``path``.

    Raises
    ------
    ArgumentError
        No frames, frames that do not belong together, or a value that DICOM cannot hold.
    MissingExtraError
        The codec, or the packages for DICOM, are not installed.
    NotTrustedError
        The signer's certificate may not sign, or the signature does not hold.
    DataDamagedError
        What was written does not decode to the frames.
    StorageError
        The disk is full, or the folder is missing or not writable.
    """
    path = Path(path)
    frames = [] if isinstance(frames, Frame) else list(frames)
    if not all(isinstance(frame, Frame) for frame in frames):
        raise ArgumentError("frames must hold Frame objects only")
    if not frames:
        raise ArgumentError(
            "frames must be a sequence of at least one Frame: for one, write [frame]"
        )
    if not isinstance(study, Study | None):
        raise ArgumentError("study must be a usdk.dicom.Study or None")
    if path.is_dir():
        raise StorageError("the path is a folder: name the file that shall be written")
    study = study or demonstration_study()
    if len(frames) == 1:
        dataset = us_image(
            frames[0],
            study=study,
            equipment=equipment,
            codec=codec,
            instance_number=instance_number,
        )
    else:
        dataset = us_multiframe(
            frames,
            study=study,
            equipment=equipment,
            codec=codec,
            instance_number=instance_number,
            frame_interval_s=frame_interval_s,
        )
    require_sound(dataset)
    with atomic_file(path) as (file, temporary):
        dataset.save_as(file, enforce_file_format=True)
        file.flush()
        if signer is not None:
            sign_dicom(temporary, temporary, signer)
            report = verify_dicom(temporary, trusted_certificates=[signer.certificate_der])
            report.require_valid()
        compare_pixels(str(temporary), [frame.pixels for frame in frames])
    return path
