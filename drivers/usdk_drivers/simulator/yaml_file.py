"""YAML files as plain data: YAML 1.2's numbers, no tags, no aliases, no key twice, all bounded."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from usdk.errors import DataDamagedError, MissingExtraError, StorageError

try:
    import yaml
except ImportError as error:
    raise MissingExtraError.for_extra("sim", "a probe that is declared in YAML") from error

__all__ = ["MAX_YAML_BYTES", "read_yaml"]

MAX_YAML_BYTES = 256 * 2**10
_TAG = "tag:yaml.org,2002:"


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML's types are not installed
    """YAML 1.2's core schema: ``7.6e6`` is a number, ``no`` and ``12:30`` are texts."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent):
            raise yaml.MarkedYAMLError(
                problem="an alias: write it out", problem_mark=event.start_mark
            )
        if event.tag is not None:
            raise yaml.MarkedYAMLError(
                problem=f"the tag {event.tag}: leave it out", problem_mark=event.start_mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(
                    problem="a key must be a word or a number", problem_mark=key.start_mark
                )
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key.value!r} is there twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


for _name, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
        r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
):
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(f"(?:{_pattern})$"), list(_first))


def read_yaml(path: Path) -> Any:
    """Return what a YAML file holds: mappings, lists, texts, numbers, booleans, None.

    Raises
    ------
    DataDamagedError
        If it is not one YAML document of at most `MAX_YAML_BYTES`; the message says where.
    StorageError
        If it cannot be read.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_YAML_BYTES + 1)
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > MAX_YAML_BYTES:
        raise DataDamagedError(f"{path} has more than {MAX_YAML_BYTES} bytes: it is no profile")
    try:
        return yaml.load(content, _Loader)  # nosec B506  # derived from the safe loader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        what = " ".join(filter(None, (error.context, error.problem)))
        raise DataDamagedError(f"{path}{where}: {what}") from error
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise DataDamagedError(f"{path} is not YAML: {error}") from error
