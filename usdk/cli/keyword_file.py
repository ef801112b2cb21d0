"""A JSON file of DICOM keywords that an option names."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from usdk.errors import ArgumentError, DataDamagedError
from usdk.files import open_regular, storage_errors

__all__ = ["MAX_KEYWORD_BYTES", "read_keywords"]

MAX_KEYWORD_BYTES = 2**20


def read_keywords(path: Path, what: str, known: Collection[str]) -> dict[str, Any]:
    """Return the values by keyword; no message holds a value, which may be about a patient.

    ``what`` names the file in messages: ``"study file"``. `StorageError` if it cannot be read,
    `DataDamagedError` if it is no JSON object, `ArgumentError` if a keyword is not one of `known`.
    """
    with (
        storage_errors(f"read the {what} {path}"),
        os.fdopen(open_regular(path, f"the {what} {path}"), "rb") as file,
    ):
        content = file.read(MAX_KEYWORD_BYTES + 1)
    if len(content) > MAX_KEYWORD_BYTES:
        raise DataDamagedError(f"{path} is longer than {MAX_KEYWORD_BYTES} bytes: not a {what}")
    try:
        values = json.loads(content)
    except (ValueError, RecursionError):
        # The parser's own message quotes the text.
        raise DataDamagedError(f"{path} is not JSON in UTF-8: check it with a JSON tool") from None
    if not isinstance(values, dict):
        raise DataDamagedError(f"{path} must hold one JSON object of DICOM keywords")
    if n_unknown := len(values.keys() - set(known)):
        raise ArgumentError(
            f"{path} has {n_unknown} keys that are none of: {', '.join(sorted(known))}"
        )
    return values
