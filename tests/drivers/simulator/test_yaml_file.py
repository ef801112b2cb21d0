from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from usdk.errors import DataDamagedError, StorageError
from usdk_drivers.simulator.yaml_file import MAX_YAML_BYTES, read_yaml


def read(folder: Path, text: str | bytes) -> Any:
    path = folder / "some.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_yaml(path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        # Numbers of YAML 1.2, which YAML 1.1 takes for texts.
        ("7.6e6", 7.6e6),
        ("3e-4", 3e-4),
        ("-12", -12),
        ("+.5", 0.5),
        ("-.inf", -math.inf),
        # Texts of YAML 1.2, which YAML 1.1 takes for booleans, seconds and dates.
        ("no", "no"),
        ("on", "on"),
        ("12:30", "12:30"),
        ("2026-01-01", "2026-01-01"),
        ("1_000", "1_000"),
        ("0x10", "0x10"),
        ("true", True),
        ("~", None),
        ("", None),
        ('"1.0"', "1.0"),
        ("{a: [1, 2.5]}", {"a": [1, 2.5]}),
        ("<<: {a: 1}", {"<<": {"a": 1}}),
    ],
)
def test_values_are_those_of_yaml_1_2(tmp_path: Path, text: str, value: Any) -> None:
    got = read(tmp_path, text)
    assert (type(got), got) == (type(value), value)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a: 1\na: 2", "line 2, column 1: the key 'a' is there twice"),
        ("a: &x 1\nb: *x", "an alias"),
        ("!!python/object/apply:os.system ['true']", "column 1: the tag"),
        ("a: [1", "line 1"),
        ("a: 1\n---\nb: 2", "single document"),
        (b"\xff\xfe\xfa", "not YAML"),
        ("[" * 5000, "not YAML"),
        ("a: " + "9" * 5000, "not YAML"),
        ("a: 1\n? {a: 1}\n: 3", "line 2, column 3: a key must be"),
        ("a: !!timestamp x", "line 1, column 4: the tag"),
        ("#" * (MAX_YAML_BYTES + 1), "bytes"),
    ],
)
def test_what_is_no_plain_yaml_is_refused_with_its_place(
    tmp_path: Path, text: str | bytes, hint: str
) -> None:
    with pytest.raises(DataDamagedError) as caught:
        read(tmp_path, text)
    assert "some.yaml" in str(caught.value)
    assert hint in str(caught.value)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=60), st.text("{}[]:,-?&*!|>'\"%@` \n#a1.~<=", max_size=40)))
@example("? [a]\n: b")
@example("!!int x")
@example("!!timestamp x")
@example("!!binary ä")
def test_whatever_a_file_holds_the_error_is_typed(tmp_path: Path, content: str | bytes) -> None:
    with suppress(DataDamagedError):
        read(tmp_path, content)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="No such file"):
        read_yaml(tmp_path / "none.yaml")
