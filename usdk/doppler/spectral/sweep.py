"""SpectralSweep: the last seconds of a spectrogram as a picture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import count, finite, positive
from usdk.choice import choice
from usdk.doppler.spectral.spectra import Spectra
from usdk.doppler.spectral.spectral_frame import SpectralFrame
from usdk.doppler.spectral.trace import VelocityTrace, trace_of
from usdk.errors import ArgumentError
from usdk.frame import Provenance
from usdk.image import GreyMap, grey_curve
from usdk.m_mode.sweep import Sweep

__all__ = ["MAX_COLUMNS", "SpectralSweep"]

MAX_COLUMNS = 16_384


class SpectralSweep:
    """Spectra of the last seconds, in columns of equal time.

    A column of the picture that several spectra fall into shows their mean power; one between two
    that follow each other shows the earlier; and one of which pulses were lost stays black.

    Parameters
    ----------
    sweep_s : float
        Time that the picture covers, s.
    n_columns : int
        Columns of the picture, 2 to `MAX_COLUMNS`.
    dynamic_range_db : float
        Levels between black and white, dB.
    gain_db : float
        Added to every level, dB.
    reference : float, optional
        Power of a bin that is white at a gain of 0; the greatest of the first picture when absent.
    grey_map : GreyMap or str
        Greys between black and white.
    baseline : float
        Where zero velocity stands, as `Spectra.shifted` says.
    invert : bool
        Whether flow towards the probe points down.
    trace : mapping or bool
        Options of `trace_of`, or whether there is a trace.
    """

    def __init__(
        self,
        *,
        sweep_s: float = 4.0,
        n_columns: int = 512,
        dynamic_range_db: float = 40.0,
        gain_db: float = 0.0,
        reference: float | None = None,
        grey_map: GreyMap | str = GreyMap.LINEAR_DB,
        baseline: float = 0.0,
        invert: bool = False,
        trace: Mapping[str, Any] | bool = False,
    ) -> None:
        self.sweep_s = positive(sweep_s, "sweep_s")
        self.n_columns = count(n_columns, "n_columns", least=2, most=MAX_COLUMNS)
        self.dynamic_range_db = positive(dynamic_range_db, "dynamic_range_db")
        self.gain_db = finite(gain_db, "gain_db")
        self.reference = None if reference is None else positive(reference, "reference")
        self.grey_map = choice(GreyMap, grey_map)
        self._curve = grey_curve(self.grey_map, self.dynamic_range_db)
        self.baseline, self.invert = finite(baseline, "baseline"), bool(invert)
        if not -0.5 <= self.baseline <= 0.5:
            raise ArgumentError(f"baseline must lie between −0.5 and 0.5, got {baseline}")
        self.trace = trace
        self._column_s = self.sweep_s / self.n_columns
        self._sweep: Sweep | None = None
        self._like: Spectra | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is no column yet."""
        return self._sweep is None or self._sweep.is_empty

    def reset(self) -> None:
        """Forget all spectra."""
        self._sweep = self._like = None

    def add(self, spectra: Spectra) -> None:
        """Take the columns of a spectrogram; those of another one begin a new picture."""
        like = self._like
        if like is None or (like.n_bins, like.slow_time, like.n_hop) != (
            spectra.n_bins,
            spectra.slow_time,
            spectra.n_hop,
        ):
            self._sweep = Sweep(self.n_columns, spectra.n_bins, self._column_s)
        assert self._sweep is not None
        self._like = replace(spectra.shifted(0.0), power=spectra.power[:0])
        centred = spectra.shifted(0.0)
        for power, pulse, time_s in zip(
            centred.power, spectra.first_pulse, spectra.time_s, strict=True
        ):
            self._sweep.add(
                power,
                time_s=float(time_s),
                sequence_number=int(pulse) // spectra.n_hop,
                is_after_gap=False,
            )

    def frame(self, provenance: Provenance | None = None) -> SpectralFrame:
        """Return the picture of the last ``sweep_s``; the newest column is its last."""
        if self._sweep is None or self._like is None or self._sweep.is_empty:
            raise ArgumentError("no spectrum was added yet: a window needs more pulses")
        power, has_signal, start_s = self._sweep.columns()
        if self.reference is None:
            self.reference = float(power.max()) or None
        spectra = replace(
            self._like,
            power=power,
            first_pulse=np.cumsum(np.where(has_signal, 1, 2)) * self._like.n_hop,
            time_s=(start_s + (np.arange(self.n_columns) + 0.5) * self._column_s).astype(
                np.float64
            ),
        ).shifted(self.baseline)
        # Of silence −inf, which is black.
        with np.errstate(divide="ignore"):
            share = np.log10(spectra.power)
        share *= np.float32(10 / self.dynamic_range_db)
        offset_db = self.gain_db - 10 * math.log10(self.reference or 1.0)
        share += np.float32(offset_db / self.dynamic_range_db + 1)
        np.clip(share, 0, 1, out=share)
        entry = (share * np.float32(self._curve.size - 1) + np.float32(0.5)).astype(np.intp)
        pixels = self._curve[entry].T
        pixels[:, ~has_signal] = 0
        velocities_m_s = spectra.velocity_m_s
        step_m_s = float(velocities_m_s[1] - velocities_m_s[0])
        if not self.invert:
            pixels, velocities_m_s, step_m_s = pixels[::-1], velocities_m_s[::-1], -step_m_s
        trace = None
        if self.trace is not False and has_signal.any():
            options = dict(self.trace) if isinstance(self.trace, Mapping) else {}
            trace = _trace(spectra, has_signal, self._column_s, options)
        return SpectralFrame(
            pixels=np.ascontiguousarray(pixels),
            has_signal=has_signal,
            first_velocity_m_s=float(velocities_m_s[0]),
            row_m_s=step_m_s,
            start_s=start_s,
            column_s=self._column_s,
            dynamic_range_db=self.dynamic_range_db,
            slow_time=spectra.slow_time,
            angle_rad=spectra.angle_rad,
            trace=trace,
            provenance=provenance,
        )

    def describe(self) -> tuple[tuple[str, str], ...]:
        """Return the settings, name and value, for provenance."""
        return (
            ("dynamic range", f"{self.dynamic_range_db:g} dB"),
            ("gain", f"{self.gain_db:g} dB"),
            ("grey map", str(self.grey_map)),
            ("baseline", f"{self.baseline:g}{', inverted' if self.invert else ''}"),
        )


def _trace(
    spectra: Spectra, has_signal: NDArray[np.bool_], column_s: float, options: dict[str, Any]
) -> VelocityTrace:
    """Return the trace of the picture's columns, NaN where there are none."""
    measured = replace(
        spectra,
        power=spectra.power[has_signal],
        first_pulse=spectra.first_pulse[has_signal],
        time_s=spectra.time_s[has_signal],
    )
    trace = trace_of(measured, **options)
    maximum_m_s, mean_m_s = np.full((2, has_signal.size), np.nan, np.float32)
    maximum_m_s[has_signal] = trace.maximum_m_s
    mean_m_s[has_signal] = trace.mean_m_s
    return replace(
        trace,
        time_s=spectra.time_s,
        column_s=column_s,
        maximum_m_s=maximum_m_s,
        mean_m_s=mean_m_s,
    )
