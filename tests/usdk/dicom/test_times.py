from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from usdk.dicom.times import aware, da, dt, from_unix, offset_text, tm
from usdk.errors import ArgumentError

SHANGHAI = timezone(timedelta(hours=8))


def test_a_moment_is_written_with_its_offset():
    moment = datetime(2025, 6, 15, 9, 8, 7, 6, tzinfo=SHANGHAI)
    assert da(moment) == "20250615"
    assert tm(moment) == "090807.000006"
    assert dt(moment) == "20250615090807.000006+0800"


@pytest.mark.parametrize(
    ("minutes", "text"), [(0, "+0000"), (330, "+0530"), (-210, "-0330"), (-30, "-0030")]
)
def test_offset_has_sign_hours_and_minutes(minutes, text):
    zone = timezone(timedelta(minutes=minutes))
    assert offset_text(datetime(2025, 1, 1, tzinfo=zone)) == text


def test_early_years_keep_four_digits():
    assert da(date(987, 1, 2)) == "09870102"


def test_a_naive_moment_is_local_time():
    naive = datetime(2025, 6, 15, 12)
    assert aware(naive, "study_datetime") == naive.astimezone()


@pytest.mark.parametrize(
    "moment",
    [
        "20250615",
        datetime(2025, 1, 1, tzinfo=timezone(timedelta(seconds=1830))),
        datetime.max.replace(tzinfo=timezone(-timedelta(hours=12))),
    ],
)
def test_a_moment_that_dicom_cannot_hold_is_refused(moment):
    with pytest.raises(ArgumentError, match="study_datetime"):
        aware(moment, "study_datetime")


def test_unix_time_takes_the_offset_of_another_moment():
    like = datetime(2025, 1, 1, tzinfo=SHANGHAI)
    assert dt(from_unix(0.5, like)) == "19700101080000.500000+0800"


def test_unknown_unix_time_is_none():
    assert from_unix(math.nan, datetime(2025, 1, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize("time_s", [math.inf, 1e20, -1e20])
def test_unix_time_beyond_the_calendar_is_refused(time_s):
    with pytest.raises(ArgumentError, match="host_timestamp_s"):
        from_unix(time_s, datetime(2025, 1, 1, tzinfo=UTC))
