"""Verb: what one word after ``usdk`` is."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Verb"]


@dataclass(frozen=True, kw_only=True)
class Verb:
    """One verb of the command.

    Parameters
    ----------
    name, summary, description : str
        The word, one line for the list of verbs, and a paragraph for its own help.
    examples : tuple of str
        Command lines for the end of the help.
    add_arguments : callable
        Adds options to the verb's parser.
    run : callable
        Does it, and returns the exit status.
    """

    name: str
    summary: str
    description: str
    examples: tuple[str, ...]
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
