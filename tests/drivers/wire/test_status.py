from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usdk.errors import DataDamagedError
from usdk_drivers.wire import (
    DeviceError,
    DeviceState,
    DeviceStatus,
    ErrorCode,
    VersionRange,
)

STATUS = DeviceStatus(
    state=DeviceState.RUNNING,
    configuration_id=9,
    result=ErrorCode.OUT_OF_LIMITS,
    run=4,
    n_frames_made=2**40,
    n_overruns=12,
    temperature_celsius=36.5,
    voltages_v=(("HV+", 35.25), ("HV-minus", -35.25)),
)


def test_a_status_comes_back() -> None:
    assert len(STATUS.pack()) == 128
    assert DeviceStatus.unpack(STATUS.pack()) == STATUS


def test_a_device_without_sensors_reports_nan_and_no_rails() -> None:
    status = DeviceStatus.unpack(DeviceStatus(state=DeviceState.IDLE).pack())
    assert math.isnan(status.temperature_celsius)
    assert status.voltages_v == ()


@given(st.one_of(st.binary(max_size=140), st.binary(min_size=128, max_size=128)))
def test_any_status_is_read_or_refused(answer: bytes) -> None:
    with contextlib.suppress(DataDamagedError):
        DeviceStatus.unpack(answer)


def test_an_error_comes_back_and_a_long_text_is_cut_between_characters() -> None:
    error = DeviceError(ErrorCode.HARDWARE, "überhitzt")
    assert DeviceError.unpack(error.pack()) == error
    cut = DeviceError.unpack(DeviceError(ErrorCode.BUSY, "€" * 100).pack())
    assert cut.text == "€" * 84


@given(st.binary(max_size=300))
def test_any_error_report_is_read_or_refused(answer: bytes) -> None:
    with contextlib.suppress(DataDamagedError):
        DeviceError.unpack(answer)


@pytest.mark.parametrize(
    ("oldest", "newest", "common"), [(1, 1, 1), (1, 7, 1), (0, 1, 1), (2, 3, None), (0, 0, None)]
)
def test_the_newest_common_version_is_chosen(oldest: int, newest: int, common: int | None) -> None:
    assert VersionRange.unpack(VersionRange(oldest, newest).pack()).common() == common


@pytest.mark.parametrize("answer", [b"", b"USDK\x01\x00\x01", b"USDX\x01\x00\x01\x00"])
def test_a_foreign_version_answer_is_refused(answer: bytes) -> None:
    with pytest.raises(DataDamagedError):
        VersionRange.unpack(answer)
