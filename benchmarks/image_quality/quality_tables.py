"""Measure a method on a subject, and write the figures as a row of a table."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from quality_methods import DECIMATION
from quality_subjects import (
    COARSE_ACROSS,
    COARSE_ALONG,
    FINE_ACROSS,
    FINE_ALONG,
    SUBJECTS,
    Subject,
    scan_about,
)

import usdk
from usdk.acquisition import Acquisition
from usdk.quality import measure_contrast, measure_point_spread, speckle_snr

# Beyond what is measured of a window, so that its ends do not matter.
MARGIN = 1.15


@dataclass(frozen=True)
class Row:
    """The figures of one method on one subject; NaN where the subject has none."""

    fwhm_lateral_m: float
    fwhm_axial_m: float
    peak_side_lobe_db: float
    contrast_db: float
    cnr: float
    gcnr: float
    level_errors_db: tuple[float, ...]
    speckle_snr: float


@functools.lru_cache(maxsize=4)
def as_iq(source: Any, decimation: int = 1) -> Acquisition:
    return usdk.demodulate(source(), decimation=decimation)


def envelope(source: Any, scan: Any, options: dict[str, Any]) -> np.ndarray:
    """Return the magnitude of what a method makes of the first frame of a recording."""
    of_beamformer = dict(options)
    iq = as_iq(source, of_beamformer.pop(DECIMATION, 1))
    return np.abs(usdk.Beamformer.for_acquisition(iq, scan, **of_beamformer)(iq.data[0]))


def measure(subject: Subject, options: dict[str, Any]) -> Row:
    """Return every figure of one method: the mean of its points and cysts, the worst side lobe."""
    spreads = _spreads(subject, options)
    contrasts, snr = _contrasts(subject, options)
    cysts = [c for lesion, c in contrasts if lesion.level_db == -math.inf]
    return Row(
        fwhm_lateral_m=_mean(s.fwhm_lateral_m for s in spreads),
        fwhm_axial_m=_mean(s.fwhm_axial_m for s in spreads),
        peak_side_lobe_db=max(s.peak_side_lobe_db for s in spreads),
        contrast_db=_mean(c.contrast_db for c in cysts),
        cnr=_mean(c.cnr for c in cysts),
        gcnr=_mean(c.gcnr for c in cysts),
        level_errors_db=tuple(
            c.contrast_db - lesion.level_db
            for lesion, c in contrasts
            if math.isfinite(lesion.level_db)
        ),
        speckle_snr=snr,
    )


def _spreads(subject: Subject, options: dict[str, Any]) -> list[Any]:
    iq = as_iq(subject.points)
    width_m, depth_m = subject.window_m
    found = []
    for x_m, z_m in subject.points_m:
        scan = scan_about(iq, x_m, z_m, MARGIN * width_m, MARGIN * depth_m, FINE_ACROSS, FINE_ALONG)
        found.append(
            measure_point_spread(
                envelope(subject.points, scan, options),
                scan,
                (x_m, z_m),
                half_width_m=width_m,
                half_depth_m=depth_m,
            )
        )
    return found


def _contrasts(subject: Subject, options: dict[str, Any]) -> tuple[list[Any], float]:
    if subject.lesions is None:
        return [], math.nan
    iq = as_iq(subject.lesions)
    found, around = [], []
    for lesion in subject.lesions_m:
        half_m = 2 * lesion.radius_m
        scan = scan_about(iq, lesion.x_m, lesion.z_m, half_m, half_m, COARSE_ACROSS, COARSE_ALONG)
        image = envelope(subject.lesions, scan, options)
        contrast = measure_contrast(image, inside=lesion.inside, outside=lesion.outside, on=scan)
        found.append((lesion, contrast))
        around.append(image[lesion.outside.mask(scan)])
    return found, _mean(speckle_snr(part) for part in around)


def _mean(values: Any) -> float:
    values = list(values)
    return float(np.mean(values)) if values else math.nan


HEAD = (
    "method",
    "FWHM lateral, mm",
    "FWHM axial, mm",
    "side lobes, dB",
    "cyst, dB",
    "CNR",
    "gCNR",
    "−6 dB, +9 dB: error, dB",
    "speckle SNR",
)
ABSENT = "–"


def cells(row: Row) -> list[str]:
    """Return a row's figures as they stand in the table."""
    errors = ", ".join(f"{error:+.1f}" for error in row.level_errors_db) or ABSENT
    lobe = row.peak_side_lobe_db
    return [
        f"{row.fwhm_lateral_m * 1e3:.2f}",
        f"{row.fwhm_axial_m * 1e3:.2f}",
        _number(lobe, ".0f") if lobe > -math.inf else "none",
        _number(row.contrast_db, ".1f"),
        _number(row.cnr, ".2f"),
        _number(row.gcnr, ".2f"),
        errors.replace("-", "−"),
        _number(row.speckle_snr, ".2f"),
    ]


def _number(value: float, form: str) -> str:
    return ABSENT if math.isnan(value) else format(value, form).replace("-", "−")


def table(name: str, rows: dict[str, dict[str, Any]]) -> str:
    """Return the table of a subject, without the columns of which it has nothing."""
    lines = [[method, *cells(measure(SUBJECTS[name], options))] for method, options in rows.items()]
    held = [i for i in range(len(HEAD)) if any(line[i] != ABSENT for line in lines)]
    return "\n".join(
        "| " + " | ".join(line[i] for i in held) + " |"
        for line in [HEAD, ["---"] * len(HEAD), *lines]
    )
