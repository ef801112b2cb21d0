"""Dates and times, as PS3.5 section 6.2 writes them; one offset from UTC for an entire object."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone

from usdk.errors import ArgumentError

__all__ = ["aware", "da", "dt", "from_unix", "offset_text", "tm"]


def aware(moment: datetime, keyword: str) -> datetime:
    """Return the moment with its offset from UTC; a naive one is local time."""
    if not isinstance(moment, datetime):
        raise ArgumentError(f"{keyword} must be a datetime, got {type(moment).__name__}")
    try:
        moment = moment.astimezone() if moment.tzinfo is None else moment
        offset = moment.utcoffset() or timedelta()
        moment.astimezone(UTC)
    except (OSError, OverflowError, ValueError) as error:
        raise ArgumentError(f"{keyword} is out of the range of dates") from error
    if offset % timedelta(minutes=1):
        raise ArgumentError(f"{keyword} has an offset from UTC that is not whole minutes")
    return moment.replace(tzinfo=timezone(offset))


def from_unix(time_s: float, like: datetime) -> datetime | None:
    """Return Unix time at the offset of ``like``; None if it is NaN (unknown)."""
    if math.isnan(time_s):
        return None
    try:
        return datetime.fromtimestamp(time_s, like.tzinfo)
    except (OSError, OverflowError, ValueError) as error:
        raise ArgumentError("host_timestamp_s is not a Unix time in s: set it or NaN") from error


def da(day: date) -> str:
    """Return ``YYYYMMDD``."""
    return f"{day.year:04d}{day.month:02d}{day.day:02d}"


def tm(moment: datetime) -> str:
    """Return ``HHMMSS.FFFFFF``."""
    return moment.strftime("%H%M%S.%f")


def dt(moment: datetime) -> str:
    """Return ``YYYYMMDDHHMMSS.FFFFFF&ZZXX``."""
    return da(moment) + tm(moment) + offset_text(moment)


def offset_text(moment: datetime) -> str:
    """Return the offset from UTC, ``&ZZXX``."""
    minutes = int((moment.utcoffset() or timedelta()).total_seconds()) // 60
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"
