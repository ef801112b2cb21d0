"""The command ``usdk``: thin, one file a verb, every verb over public functions."""

from usdk.cli.program import main

__all__ = ["main"]
