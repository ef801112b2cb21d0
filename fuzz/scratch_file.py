"""A file that holds the input at hand, in memory where the system has such a place.

libFuzzer ends a process without a word to Python, so the folder is made and removed by the process
that started it: see `child.py`.
"""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["FOLDER_VARIABLE", "scratch_file", "scratch_folder"]

FOLDER_VARIABLE = "USDK_FUZZ_FOLDER"


def scratch_folder() -> Path:
    """Return a folder that is gone when this process has ended."""
    return Path(os.environ[FOLDER_VARIABLE])


def scratch_file(data: bytes, name: str = "input") -> Path:
    """Write ``data`` to a file and return its path; the file of the call before is overwritten."""
    path = scratch_folder() / name
    path.write_bytes(data)
    return path
