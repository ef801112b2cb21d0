"""What the command says: results on stdout, remarks on stderr."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from usdk.errors import StorageError

__all__ = ["abandon_output", "remark", "say"]


def say(text: str) -> None:
    """Print to stdout at once.

    Raises
    ------
    StorageError
        If it cannot be written: stdout is closed, or the disk under it is full.
    BrokenPipeError
        If the reader went away.
    """
    if sys.stdout is None:  # what Python makes of a descriptor that is closed
        raise StorageError("cannot write the output: stdout is closed; send it somewhere")
    # A file name may hold bytes, and a terminal lack letters, that have no code: show them as \\x….
    encoding = sys.stdout.encoding or "utf-8"
    text = text.encode(encoding, "backslashreplace").decode(encoding)
    try:
        print(text, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        abandon_output()
        raise StorageError(
            f"cannot write the output ({error.strerror}): free space, or send it elsewhere"
        ) from error


def remark(text: str) -> None:
    """Print one line to stderr."""
    # A reader of stderr that went away must not turn one error into another.
    if sys.stderr is None:
        return
    with suppress(OSError):
        print(f"usdk: {' '.join(text.split())}", file=sys.stderr, flush=True)


def abandon_output() -> None:
    """Let what is still to be written to stdout go nowhere."""
    # The interpreter flushes stdout once more as it ends, and would complain.
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
