"""From channel data to pictures: where one looks, and which echo levels become which grey.

What is not given is chosen by the data. The scan begins where the first sample's echo comes from
and ends with the last one's. White is the level that two points in 1000 exceed, so that a single
specular echo does not leave the rest dark; black lies where two points in 100 are weaker, which is
noise or the depth of a speckle null, within the limits of what a screen shows well.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from usdk.acquisition import Acquisition
from usdk.bmode import BMode
from usdk.errors import ArgumentError
from usdk.image import GreyMap, Persistence, TimeGain
from usdk.scan import LinearScan, SectorScan, planar_scan_for

__all__ = [
    "PictureSettings",
    "add_picture_arguments",
    "grey_options",
    "picture_settings",
    "plan_bmode",
]

LEAST_START_M = 2e-3
"""Above it lie the transmit pulse and the lens."""

WHITE_PERCENTILE = 99.8
BLACK_PERCENTILE = 2.0
AUTO_RANGE_LIMITS_DB = (45.0, 65.0)
_GAIN_STEP_DB = 1.0
_RANGE_STEP_DB = 5.0
_SURVEY_RANGE_DB = 120.0
_DEFAULT_RANGE_DB = 60.0
_AUTO = "auto"


@dataclass(frozen=True, kw_only=True)
class PictureSettings:
    """What a user chose; None is chosen by the data.

    Parameters
    ----------
    start_m : float, optional
        Least depth shown, m.
    dynamic_range_db, gain_db : float, optional
        As for `usdk.bmode.BMode`; so are ``grey_map`` and ``persistence``, which data never choose.
    attenuation_db_cm_mhz : float, optional
        Attenuation of the tissue, one way, that the time gain undoes, dB/(cm MHz).
    """

    start_m: float | None = None
    dynamic_range_db: float | None = None
    gain_db: float | None = None
    grey_map: GreyMap = GreyMap.LINEAR_DB
    persistence: Persistence | None = None
    attenuation_db_cm_mhz: float | None = None


def plan_bmode(acquisition: Acquisition, settings: PictureSettings) -> BMode:
    """Return the B-mode plan for acquisitions like this one, whose first frame sets the greys."""
    return BMode(acquisition, **grey_options(acquisition, settings))


def grey_options(acquisition: Acquisition, settings: PictureSettings) -> dict[str, Any]:
    """Return the options of `usdk.BMode` that the settings and the first frame lead to."""
    scan = _scan(acquisition, settings)
    time_gain = None
    if settings.attenuation_db_cm_mhz is not None:
        time_gain = TimeGain.from_attenuation(
            settings.attenuation_db_cm_mhz,
            frequency_hz=acquisition.transmit_frequency_hz,
            depth_m=acquisition.receive.depth_m,
        )
    range_db, gain_db = settings.dynamic_range_db, settings.gain_db
    reference = None
    if range_db is None or gain_db is None:
        survey = BMode(
            acquisition, scan=scan, dynamic_range_db=_SURVEY_RANGE_DB, time_gain=time_gain
        )
        (frame,) = survey(acquisition[:1])
        reference = survey.reference
        # Black pixels lie outside a sector; in silence there are no others.
        grey = frame.pixels[frame.pixels > 0] if frame.pixels.any() else frame.pixels
        levels = np.percentile(grey, (BLACK_PERCENTILE, WHITE_PERCENTILE))
        black_db, white_db = (levels / 255 - 1) * _SURVEY_RANGE_DB
        if gain_db is None:
            gain_db = _GAIN_STEP_DB * round(-white_db / _GAIN_STEP_DB)
        if range_db is None:
            range_db = _RANGE_STEP_DB * round((-gain_db - black_db) / _RANGE_STEP_DB)
            range_db = min(max(range_db, AUTO_RANGE_LIMITS_DB[0]), AUTO_RANGE_LIMITS_DB[1])
    return {
        "scan": scan,
        "dynamic_range_db": range_db,
        "gain_db": gain_db,
        "reference": reference,
        "grey_map": settings.grey_map,
        "time_gain": time_gain,
        "persistence": settings.persistence,
    }


def _scan(acquisition: Acquisition, settings: PictureSettings) -> LinearScan | SectorScan:
    receive = acquisition.receive
    depth_m = receive.depth_m
    start_m = settings.start_m
    if start_m is None:
        first_echo_m = max(receive.time_zero_s) * receive.sound_speed_m_s / 2
        start_m = max(LEAST_START_M, first_echo_m)
    if start_m >= depth_m:
        raise ArgumentError(
            f"nothing to show: the picture begins at {start_m * 1e3:.1f} mm and the echoes end at "
            f"{depth_m * 1e3:.1f} mm; take another depth"
        )
    return planar_scan_for(acquisition.probe, start_m=start_m, depth_m=depth_m)


def add_picture_arguments(parser: argparse.ArgumentParser, *, automatic: bool) -> None:
    """Add the options of the picture; ``automatic`` makes ``auto`` the default of the greys."""
    group = parser.add_argument_group("picture")
    group.add_argument(
        "--start-mm",
        type=float,
        metavar="MM",
        help="least depth shown; where the echoes begin when absent",
    )
    group.add_argument(
        "--dynamic-range-db",
        type=_auto_or_number,
        default=None if automatic else _DEFAULT_RANGE_DB,
        metavar="DB",
        help="echo levels between black and white, or 'auto' "
        f"(default: {_AUTO if automatic else f'{_DEFAULT_RANGE_DB:g}'})",
    )
    group.add_argument(
        "--gain-db",
        type=_auto_or_number,
        default=None if automatic else 0.0,
        metavar="DB",
        help=f"added to every echo level, or 'auto' (default: {_AUTO if automatic else '0'})",
    )
    group.add_argument(
        "--grey-map",
        choices=[str(grey_map) for grey_map in GreyMap],
        default=str(GreyMap.LINEAR_DB),
        help="how greys follow the echo level between black and white (default: %(default)s)",
    )
    group.add_argument(
        "--attenuation",
        type=float,
        metavar="DB",
        help="attenuation that the time gain undoes, one way, dB/(cm MHz), 0.5 to 0.7 for soft "
        "tissue; no time gain when absent",
    )
    group.add_argument(
        "--persistence",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="share of the frames before in each one, 0 to less than 1 (default: %(default)g)",
    )


def picture_settings(arguments: argparse.Namespace) -> PictureSettings:
    """Return what the options say."""
    share: float = arguments.persistence
    attenuation: float | None = arguments.attenuation
    # Refused here, before a scan is made that could not be shown.
    if attenuation is not None and not 0 < attenuation < math.inf:
        raise ArgumentError(f"--attenuation must be positive and finite, got {attenuation}")
    return PictureSettings(
        start_m=None if arguments.start_mm is None else arguments.start_mm * 1e-3,
        dynamic_range_db=arguments.dynamic_range_db,
        gain_db=arguments.gain_db,
        grey_map=GreyMap(arguments.grey_map),
        persistence=Persistence(coefficient=share) if share else None,
        attenuation_db_cm_mhz=attenuation,
    )


def _auto_or_number(text: str) -> float | None:
    return None if text == _AUTO else float(text)
