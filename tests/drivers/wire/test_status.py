from __future__ import annotations

import contextlib
import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usdk.errors import DataDamagedError
from usdk_drivers.wire import (
    DeviceError,
    DeviceState,
    DeviceStatus,
    ErrorCode,
    FrozenBecause,
    PowerCode,
    SelfTestState,
    VersionRange,
)
from usdk_drivers.wire.fields import FieldReader, pack_string

STATUS = DeviceStatus(
    state=DeviceState.RUNNING,
    configuration_id=9,
    result=ErrorCode.OUT_OF_LIMITS,
    run=4,
    n_frames_made=2**40,
    n_overruns=12,
    temperature_celsius=36.5,
    voltages_v=(("HV+", 35.25), ("HV-minus", -35.25)),
    power=PowerCode.FREEZE,
    frozen=FrozenBecause.HOST_SILENT,
    self_test=SelfTestState.RUNNING,
    settings_id=2**31,
    self_test_id=3,
    watchdog_s=0.5,
    n_triggers=2**40,
    n_triggers_missed=5,
)


def test_a_status_comes_back() -> None:
    assert len(STATUS.pack()) == 192
    assert DeviceStatus.unpack(STATUS.pack()) == STATUS


def test_a_device_without_sensors_reports_nan_and_no_rails() -> None:
    status = DeviceStatus.unpack(DeviceStatus(state=DeviceState.IDLE).pack())
    assert math.isnan(status.temperature_celsius)
    assert status.voltages_v == ()


@pytest.mark.parametrize(
    ("offset", "layout", "value"),
    [(32, "<B", 3), (33, "<B", 4), (34, "<B", 4), (44, "<f", math.nan), (44, "<f", -1.0)],
)
def test_an_impossible_field_is_refused(offset: int, layout: str, value: float) -> None:
    spoilt = bytearray(STATUS.pack())
    struct.pack_into(layout, spoilt, offset, value)
    with pytest.raises(DataDamagedError):
        DeviceStatus.unpack(bytes(spoilt))


@given(st.one_of(st.binary(max_size=200), st.binary(min_size=192, max_size=192)))
def test_any_status_is_read_or_refused(answer: bytes) -> None:
    with contextlib.suppress(DataDamagedError):
        DeviceStatus.unpack(answer)


def test_an_error_comes_back_and_a_long_text_is_cut_between_characters() -> None:
    error = DeviceError(ErrorCode.HARDWARE, "überhitzt")
    assert DeviceError.unpack(error.pack()) == error
    cut = DeviceError.unpack(DeviceError(ErrorCode.BUSY, "€" * 100).pack())
    assert cut.text == "€" * 84


def test_controls_in_a_device_s_words_do_not_reach_a_terminal() -> None:
    answer = DeviceError(ErrorCode.BAD_MESSAGE, "a\x1b[2Jb\r\nc\u202ed").pack()
    assert DeviceError.unpack(answer).text == "a\ufffd[2Jb\ufffd\ufffdc\ufffdd"
    status = DeviceStatus(state=DeviceState.IDLE, voltages_v=(("HV\x07", 1.0),))
    assert DeviceStatus.unpack(status.pack()).voltages_v == (("HV\ufffd", 1.0),)
    assert FieldReader(pack_string("model\x9b1")).string() == "model\ufffd1"


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
