from __future__ import annotations

import re
from pathlib import Path

import pytest

from usdk import errors
from usdk.cli.exit_codes import EXIT_CODES, exit_code
from usdk.errors import UsdkError

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "command-line.md"

EXPECTED = {
    "ArgumentError": 2,
    "StateError": 1,
    "EndOfRecordingError": 1,
    "MissingExtraError": 8,
    "DriverConflictError": 1,
    "DeviceAbsentError": 3,
    "DeviceFailedError": 4,
    "DeviceFrozenError": 4,
    "DeviceTimeoutError": 4,
    "TriggerTimeoutError": 4,
    "DataDamagedError": 5,
    "NotTrustedError": 6,
    "StorageError": 7,
    "LineDownError": 11,
    "DeliveryRefusedError": 12,
    "UsdkError": 1,
}


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_has_its_exit_status(name: str) -> None:
    error: type[UsdkError] = getattr(errors, name)
    assert exit_code(error("what happened")) == EXPECTED[name]


def test_an_error_of_a_driver_has_the_status_of_its_parent() -> None:
    class CableError(errors.DeviceAbsentError):
        pass

    assert exit_code(CableError("no cable")) == 3


def test_no_status_is_listed_twice() -> None:
    codes = [entry.code for entry in EXIT_CODES]
    assert len(set(codes)) == len(codes)


def test_the_reference_page_lists_the_same_statuses_and_meanings() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+?) \|", REFERENCE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {(int(code), meaning) for code, meaning in rows} == {
        (entry.code, entry.meaning) for entry in EXIT_CODES
    }
