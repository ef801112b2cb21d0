"""Export: frames become a checked, signed file, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import cast, get_args

from usdk.dicom import (
    Codec,
    Equipment,
    Study,
    demonstration_study,
    us_image,
    us_multiframe,
)
from usdk.dicom.examination_settings import ExaminationSettings
from usdk.dicom.frame_spool import FrameSpool
from usdk.dicom.image import ColourEncoding
from usdk.dicom.palette_spool import PaletteSpool
from usdk.dicom.pydicom_extra import Dataset
from usdk.dicom.shown import Displayed
from usdk.errors import ArgumentError, StorageError
from usdk.export.finish import finish_object, require_same_pixels, write_header
from usdk.files import atomic_file
from usdk.trust import Signer

__all__ = ["write_dicom"]


def write_dicom(
    path: str | os.PathLike[str],
    frames: Iterable[Displayed],
    *,
    signer: Signer | None,
    sign_frames: bool = False,
    study: Study | None = None,
    equipment: Equipment | None = None,
    codec: Codec = "native",
    colour: ColourEncoding = "rgb",
    settings: ExaminationSettings | None = None,
    instance_number: int | None = None,
    frame_interval_s: float | None = None,
    progress: Callable[[int], None] | None = None,
) -> Path:
    """Write frames as a DICOM ultrasound object: one as a still, several as a cine.

    Frames are taken one by one, encoded in several threads, decoded at once and compared, and
    wait on the disk: memory does not grow with the cine. When the last has come, the object is
    written to a temporary file in the same folder, checked, signed, its signature verified, and
    its pixels compared with those that were encoded; only then does it take its name, in one
    step. When anything fails, what was there before is still there, and no part of a file is left.

    Parameters
    ----------
    path : path-like
        Where the file goes; one that exists is replaced.
    frames : iterable of Frame, MModeFrame, SpectralFrame or ComposedFrame
        One: an Ultrasound Image. Several of one calibration and device, in the order of time: an
        Ultrasound Multi-frame Image. A generator may make each when it is asked for.
    signer : Signer or None
        Whose signature the object gets; None writes it unsigned.
    sign_frames : bool
        Add a second signature, over the digests of the decoded frames in place of the pixels: it
        outlasts transcoding without loss (`usdk.trust.sign_frame_digests`).
    study : Study, optional
        Patient, study and series. Without it the object is marked as a demonstration, of no
        patient, in a study of its own.
    equipment : Equipment, optional
        What the frames' device says, when absent.
    codec : {"native", "jpeg-ls", "jpeg-2000", "rle", "htj2k"}
        How pixels lie in the file; all are lossless.
    colour : {"rgb", "palette"}
        How colours lie in the file. For a palette, frames wait on the disk as they are until the
        colours of all are known.
    settings : ExaminationSettings, optional
        Output, heart rate, gain and the rest that a sonographer expects.
    instance_number : int, optional
        The device's count of the first frame, from 1, when absent.
    frame_interval_s : float, optional
        Time between the frames of a cine, s; needed when they have no device timestamps.
    progress : callable, optional
        Called with the number of frames that are encoded and compared, after each.

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
    if not isinstance(frames, Iterable):
        raise ArgumentError(
            "frames must be an iterable of at least one Frame: for one, write [frame]"
        )
    if not isinstance(study, Study | None):
        raise ArgumentError("study must be a usdk.dicom.Study or None")
    if colour not in get_args(ColourEncoding):
        raise ArgumentError(f"colour must be one of {', '.join(get_args(ColourEncoding))}")
    if path.is_dir():
        raise StorageError("the path is a folder: name the file that shall be written")

    def describe(pictures: Sequence[Displayed]) -> Dataset:
        if not pictures:
            raise ArgumentError("frames must hold at least one Frame: for one, write [frame]")
        is_still = len(pictures) == 1
        make = partial(us_image, pictures[0]) if is_still else partial(us_multiframe, pictures)
        interval = {} if is_still else {"frame_interval_s": frame_interval_s}
        return make(
            study=study or demonstration_study(),
            equipment=equipment,
            codec=codec,
            colour=colour,
            settings=settings,
            instance_number=instance_number,
            **interval,
        )

    kind = PaletteSpool if colour == "palette" else FrameSpool
    with atomic_file(path) as (file, temporary), kind(codec, temporary.parent) as spool:
        spool.add(frames, progress=progress)
        # A frame that waits on the disk is as good as one in memory to what describes it.
        dataset = describe(cast("Sequence[Displayed]", spool.frames))
        write_header(dataset, file)
        spool.write_pixel_data(dataset, file)
        finish_object(temporary, signer, sign_frames=sign_frames)
        require_same_pixels(temporary, spool.fragment_digests, spool.sizes)
    return path
