"""Frame: a picture that knows its size in metres, its time, and what it was made from."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import Acquisition, DeviceInfo, GainCurve, Gap
from usdk.arguments import positive, require_instance
from usdk.errors import ArgumentError, DataDamagedError
from usdk.flow_overlay import FlowOverlay
from usdk.scan import Raster

if TYPE_CHECKING:
    from usdk.dicom import Study
    from usdk.trust import Signer

__all__ = ["Frame", "Provenance"]


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What a frame was made from.

    Parameters
    ----------
    device : DeviceInfo, optional
        Who made the channel data.
    probe : str
        Model name of the probe.
    sequence : str
        Short description of the transmits.
    transmit_frequency_hz : float
        Centre frequency of the pulse sent, Hz.
    sound_speed_m_s : float
        Sound speed for which the picture was focused, m/s.
    prf_hz : float, optional
        Pulse repetition frequency, Hz.
    gaps : tuple of Gap
        Frames that were lost just before this one.
    processing : tuple of (str, str)
        Settings of the image chain, name and value, in the order in which they apply.
    tgc : GainCurve, optional
        Gain over time that the device had applied to the channel data, dB.
    """

    probe: str
    sequence: str
    transmit_frequency_hz: float
    sound_speed_m_s: float
    device: DeviceInfo | None = None
    prf_hz: float | None = None
    gaps: tuple[Gap, ...] = ()
    processing: tuple[tuple[str, str], ...] = ()
    tgc: GainCurve | None = None

    @classmethod
    def of(
        cls,
        acquisition: Acquisition,
        *,
        processing: tuple[tuple[str, str], ...],
        gaps: tuple[Gap, ...] = (),
    ) -> Provenance:
        """Return the provenance of what is made from an acquisition, which is not kept."""
        return cls(
            probe=acquisition.probe.name,
            sequence=acquisition.sequence.describe(),
            transmit_frequency_hz=acquisition.transmit_frequency_hz,
            sound_speed_m_s=acquisition.receive.sound_speed_m_s,
            prf_hz=acquisition.sequence.prf_hz,
            device=acquisition.device,
            gaps=gaps,
            processing=processing,
            tgc=acquisition.receive.tgc,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values from which `from_dict` rebuilds the provenance; NaN becomes None."""
        return {
            "probe": self.probe,
            "sequence": self.sequence,
            "transmit_frequency_hz": _finite_or_none(self.transmit_frequency_hz),
            "sound_speed_m_s": _finite_or_none(self.sound_speed_m_s),
            "prf_hz": None if self.prf_hz is None else _finite_or_none(self.prf_hz),
            "device": None if self.device is None else asdict(self.device),
            "gaps": [{name: int(n) for name, n in asdict(gap).items()} for gap in self.gaps],
            "processing": [list(setting) for setting in self.processing],
            # Left out where there is none: a reader that is older than the entry reads the rest.
            **({} if self.tgc is None else {"tgc": self.tgc.to_dict()}),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Provenance:
        """Rebuild a provenance from `to_dict`'s output.

        Raises
        ------
        DataDamagedError
            If an entry is missing or not that of a provenance.
        """
        try:
            device, prf_hz = plain["device"], plain["prf_hz"]
            return cls(
                probe=_text(plain["probe"]),
                sequence=_text(plain["sequence"]),
                transmit_frequency_hz=_number_or_nan(plain["transmit_frequency_hz"]),
                sound_speed_m_s=_number_or_nan(plain["sound_speed_m_s"]),
                prf_hz=None if prf_hz is None else float(prf_hz),
                device=None
                if device is None
                else DeviceInfo(**{name: _text(text) for name, text in device.items()}),
                gaps=tuple(
                    Gap(**{name: int(n) for name, n in gap.items()}) for gap in plain["gaps"]
                ),
                processing=tuple(
                    (_text(name), _text(value)) for name, value in plain["processing"]
                ),
                tgc=GainCurve.from_dict(plain["tgc"]) if "tgc" in plain else None,
            )
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise DataDamagedError("not the provenance of a frame: export it again") from error


@dataclass(frozen=True, eq=False, kw_only=True)
class Frame:
    """A picture, grey or colour, with its calibration and provenance.

    Parameters
    ----------
    pixels : ndarray of uint8, (n_rows, n_columns) or (n_rows, n_columns, 3)
        Grey values, or red, green and blue; row 0 nearest to the probe.
    raster : Raster
        Where each pixel lies, m.
    dynamic_range_db : float
        Echo levels between grey 0 and grey 255, dB.
    provenance : Provenance
        What the frame was made from.
    sequence_number : int
        The device's count of the frame.
    device_timestamp_s, host_timestamp_s : float
        Start of the frame on the device's clock, and arrival on the host's (Unix time), s;
        NaN when unknown.
    overlay : FlowOverlay, optional
        What the colours mean, with the velocities behind them; colour frames alone have one.

    Raises
    ------
    ArgumentError
        If pixels, raster and overlay do not fit each other.
    """

    pixels: NDArray[np.uint8]
    raster: Raster
    dynamic_range_db: float
    provenance: Provenance
    sequence_number: int = 0
    device_timestamp_s: float = field(default=math.nan)
    host_timestamp_s: float = field(default=math.nan)
    overlay: FlowOverlay | None = None

    def __post_init__(self) -> None:
        require_instance(self.raster, Raster, "raster")
        if self.overlay is not None:
            require_instance(self.overlay, FlowOverlay, "overlay")
        pixels = np.ascontiguousarray(self.pixels)
        expected = (self.raster.n_rows, self.raster.n_columns)
        if pixels.dtype != np.uint8 or pixels.shape not in (expected, (*expected, 3)):
            raise ArgumentError(
                f"pixels must be uint8 of shape {expected}, or {(*expected, 3)} for colour, got "
                f"{pixels.dtype} {pixels.shape}"
            )
        if self.overlay is not None and (
            pixels.ndim != 3 or self.overlay.velocity_m_s.shape != expected
        ):
            raise ArgumentError(f"an overlay needs RGB pixels and velocities of shape {expected}")
        positive(self.dynamic_range_db, "dynamic_range_db")
        object.__setattr__(self, "pixels", pixels)

    @property
    def is_colour(self) -> bool:
        """Whether the pixels are red, green and blue."""
        return self.pixels.ndim == 3

    @property
    def shape(self) -> tuple[int, int]:
        """(n_rows, n_columns)."""
        return (self.raster.n_rows, self.raster.n_columns)

    def position_m(self, row: float, column: float) -> tuple[float, float]:
        """Return (x, z) of a pixel, m; fractions lie between pixel centres."""
        size_m = self.raster.pixel_size_m
        return (self.raster.x_m + column * size_m, self.raster.z_m + row * size_m)

    def show(self) -> Any:
        """Show the frame, in a notebook or in a window; see `usdk.view.show`."""
        from usdk.view import show

        return show(self)

    def to_dicom(
        self, path: str | os.PathLike[str], *, signer: Signer | None, study: Study | None = None
    ) -> Path:
        """Write the frame as a DICOM Ultrasound Image; see `usdk.export.write_dicom`."""
        from usdk.export import write_dicom

        return write_dicom(path, [self], signer=signer, study=study)


def _finite_or_none(value: float) -> float | None:
    # JSON has no word for NaN.
    return float(value) if math.isfinite(value) else None


def _number_or_nan(value: Any) -> float:
    return math.nan if value is None else float(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is something else")
    return value
