"""Provenance in a private block: what no standard attribute can hold, and nothing is lost.

The block's creator is ``USDK``, in group 5553. Element 01 is JSON (UT), element 02 the SHA-256
of each decoded frame, 32 bytes after 32 bytes (OB): whoever transcodes the pixels without loss
can still be checked against it. The JSON is ASCII, so that no character set can break it.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import Gap
from usdk.dicom.pydicom_extra import Dataset
from usdk.distribution import sdk_version
from usdk.errors import DataDamagedError
from usdk.frame import Provenance

__all__ = [
    "PRIVATE_CREATOR",
    "PRIVATE_GROUP",
    "FrameRecord",
    "Recorded",
    "add_provenance",
    "loss_comment",
    "read_frame_digests",
    "read_provenance",
]

PRIVATE_GROUP = 0x5553
PRIVATE_CREATOR = "USDK"
MAX_JSON_CHARACTERS = 64 * 2**20
"""Longest provenance that is read."""

_PROVENANCE = 0x01
_FRAME_DIGESTS = 0x02
_FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class FrameRecord:
    """What the private block knows about one frame; fields as in `Frame`."""

    provenance: Provenance
    dynamic_range_db: float
    sequence_number: int
    device_timestamp_s: float
    host_timestamp_s: float


class Recorded(Protocol):
    """What is recorded of a picture of any kind; attributes as of `Frame`."""

    @property
    def pixels(self) -> NDArray[np.uint8]: ...  # noqa: D102
    @property
    def provenance(self) -> Provenance: ...  # noqa: D102
    @property
    def dynamic_range_db(self) -> float: ...  # noqa: D102
    @property
    def sequence_number(self) -> int: ...  # noqa: D102
    @property
    def device_timestamp_s(self) -> float: ...  # noqa: D102
    @property
    def host_timestamp_s(self) -> float: ...  # noqa: D102


def add_provenance(dataset: Dataset, frames: Sequence[Recorded]) -> None:
    """Write the private block for the frames of an object."""
    distinct: dict[Provenance, int] = {}
    rows = []
    for frame in frames:
        index = distinct.setdefault(frame.provenance, len(distinct))
        rows.append(
            {
                "provenance": index,
                "dynamic_range_db": float(frame.dynamic_range_db),
                "sequence_number": int(frame.sequence_number),
                "device_timestamp_s": _plain(frame.device_timestamp_s),
                "host_timestamp_s": _plain(frame.host_timestamp_s),
            }
        )
    document = {
        "format": _FORMAT,
        "usdk_version": sdk_version(),
        "provenances": [provenance.to_dict() for provenance in distinct],
        "frames": rows,
    }
    block = dataset.private_block(PRIVATE_GROUP, PRIVATE_CREATOR, create=True)
    block.add_new(_PROVENANCE, "UT", json.dumps(document, separators=(",", ":")))
    digests = b"".join(map(_pixels_sha256, frames))
    block.add_new(_FRAME_DIGESTS, "OB", digests)


def read_provenance(dataset: Dataset) -> list[FrameRecord] | None:
    """Return one record per frame, or None if the object has no such block.

    Raises
    ------
    DataDamagedError
        The block is there and cannot be read.
    """
    value = _private_value(dataset, _PROVENANCE)
    if value is None:
        return None
    try:
        # An archive that knows no private VR stores it as UN.
        text = value.decode("ascii") if isinstance(value, bytes) else str(value)
        if len(text) > MAX_JSON_CHARACTERS:
            raise DataDamagedError("the private provenance is too long to be read")
        document = json.loads(text.rstrip(" \0"))
        if document["format"] != _FORMAT:
            raise DataDamagedError("the private provenance has a newer format: update usdk")
        provenances = [Provenance.from_dict(plain) for plain in document["provenances"]]
        return [
            FrameRecord(
                provenance=provenances[row["provenance"]],
                dynamic_range_db=float(row["dynamic_range_db"]),
                sequence_number=int(row["sequence_number"]),
                device_timestamp_s=_number(row["device_timestamp_s"]),
                host_timestamp_s=_number(row["host_timestamp_s"]),
            )
            for row in document["frames"]
        ]
    except DataDamagedError:
        raise
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise DataDamagedError("the private provenance is not what usdk writes") from error


def read_frame_digests(dataset: Dataset) -> list[bytes] | None:
    """Return the SHA-256 of each frame as written, or None if the object has none."""
    value = _private_value(dataset, _FRAME_DIGESTS)
    if value is None:
        return None
    size = hashlib.sha256().digest_size
    if not isinstance(value, bytes) or len(value) % size:
        raise DataDamagedError("the private frame digests are not what usdk writes")
    return [value[start : start + size] for start in range(0, len(value), size)]


def loss_comment(frames: Sequence[Recorded]) -> str:
    """Return, for people, which frames never arrived; empty when none is missing."""
    sentences = []
    seen: set[Gap] = set()
    for number, frame in enumerate(frames, start=1):
        for gap in frame.provenance.gaps:
            if gap in seen:
                continue
            seen.add(gap)
            where = f"before frame {number}" if len(frames) > 1 else "just before this image"
            last = gap.first_sequence_number + gap.n_frames - 1
            sentences.append(
                f"{gap.n_frames} lost {where} (sequence numbers {gap.first_sequence_number} to "
                f"{last}; packets: {gap.n_packets_lost} lost, {gap.n_packets_damaged} damaged)."
            )
    if not sentences:
        return ""
    total = sum(gap.n_frames for gap in seen)
    return " ".join([f"FRAMES LOST IN ACQUISITION: {total}.", *sentences])


def _private_value(dataset: Dataset, offset: int) -> Any:
    try:
        return dataset.private_block(PRIVATE_GROUP, PRIVATE_CREATOR)[offset].value
    except KeyError:
        return None


def _pixels_sha256(frame: Recorded) -> bytes:
    # Frames that wait on the disk were digested on their way there.
    known = getattr(frame, "pixels_sha256", None)
    return known if isinstance(known, bytes) else hashlib.sha256(frame.pixels.tobytes()).digest()


def _plain(value_s: float) -> float | None:
    return float(value_s) if math.isfinite(value_s) else None  # JSON has no NaN.


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
