"""RecordingHeader: what a recording says once, before its frames, as validated JSON."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from usdk.acquisition import CHANNEL_DTYPES, Acquisition, DeviceInfo, ReceiveSettings
from usdk.errors import ArgumentError, DataDamagedError
from usdk.io.recording_chunks import MAX_HEADER_BYTES
from usdk.probe import Probe
from usdk.transmit import TransmitSequence

__all__ = ["RecordingHeader"]

_DTYPES = {dtype.name: dtype for dtype in CHANNEL_DTYPES}
_ENTRIES = {"probe", "sequence", "receive", "device", "dtype", "shape"}


@dataclass(frozen=True, eq=False, kw_only=True)
class RecordingHeader:
    """Everything about a recording that does not change from frame to frame.

    Raises
    ------
    ArgumentError
        If the parts do not fit each other.
    """

    probe: Probe
    sequence: TransmitSequence
    receive: ReceiveSettings
    device: DeviceInfo | None
    dtype: np.dtype[Any]

    def __post_init__(self) -> None:
        if len(self.receive.time_zero_s) != len(self.sequence):
            raise ArgumentError(
                f"time_zero_s has {len(self.receive.time_zero_s)} entries for "
                f"{len(self.sequence)} transmits"
            )
        if self.dtype not in CHANNEL_DTYPES:
            raise ArgumentError(f"samples must be one of {', '.join(_DTYPES)}, not {self.dtype}")
        if (self.dtype.kind == "c") != (self.receive.demodulation_frequency_hz > 0):
            raise ArgumentError(
                "complex data need demodulation_frequency_hz > 0, and real data need 0"
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of one frame, (n_transmits, n_elements, n_samples)."""
        return (len(self.sequence), self.probe.n_elements, self.receive.n_samples)

    @property
    def stored_dtype(self) -> np.dtype[Any]:
        """Type of the samples in the file: little-endian."""
        return self.dtype.newbyteorder("<")

    @property
    def n_sample_bytes(self) -> int:
        """Bytes of one frame's samples."""
        return math.prod(self.shape) * self.dtype.itemsize

    def describes(self, acquisition: Acquisition) -> bool:
        """Return whether an acquisition was made with these very settings."""
        return (
            acquisition.data.dtype == self.dtype
            and acquisition.sequence == self.sequence
            and acquisition.receive == self.receive
            and acquisition.device == self.device
            and self.probe.is_like(acquisition.probe)
        )

    def to_bytes(self) -> bytes:
        """Return the header chunk's payload."""
        plain = {
            "probe": self.probe.to_dict(),
            "sequence": self.sequence.to_dict(),
            "receive": self.receive.to_dict(),
            "device": None if self.device is None else asdict(self.device),
            "dtype": self.dtype.name,
            "shape": list(self.shape),
        }
        try:
            payload = json.dumps(plain, allow_nan=False, ensure_ascii=False).encode()
        except (TypeError, ValueError) as error:
            raise ArgumentError(f"probe, sequence or device cannot be recorded: {error}") from error
        if len(payload) > MAX_HEADER_BYTES:
            raise ArgumentError(f"the description is longer than {MAX_HEADER_BYTES} bytes")
        return payload

    @classmethod
    def from_bytes(cls, payload: bytes) -> RecordingHeader:
        """Rebuild a header from `to_bytes`'s output.

        Raises
        ------
        DataDamagedError
            If it is not JSON, an entry is missing, or the entries do not fit each other.
        """
        try:
            plain = json.loads(payload, parse_constant=_refuse_constant)
            if not isinstance(plain, dict) or set(plain) != _ENTRIES:
                raise DataDamagedError(f"a header must have the entries {sorted(_ENTRIES)}")
            header = cls(
                probe=Probe.from_dict(plain["probe"]),
                sequence=TransmitSequence.from_dict(plain["sequence"]),
                receive=ReceiveSettings.from_dict(plain["receive"]),
                device=_device(plain["device"]),
                dtype=_DTYPES[plain["dtype"]],
            )
            if list(header.shape) != plain["shape"]:
                raise DataDamagedError(
                    f"shape {plain['shape']} does not fit probe, sequence and receive settings"
                )
        except DataDamagedError:
            raise
        except (
            ArithmeticError,
            AttributeError,
            KeyError,
            RecursionError,
            TypeError,
            ValueError,
        ) as error:
            raise DataDamagedError(f"not the header of a recording: {error}") from error
        return header


def _device(plain: Any) -> DeviceInfo | None:
    if plain is None:
        return None
    if not isinstance(plain, dict) or not all(isinstance(v, str) for v in plain.values()):
        raise DataDamagedError("device must hold text alone")
    return DeviceInfo(**plain)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")
