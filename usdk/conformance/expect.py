"""How a check says that something is not as it must be, or that it does not apply."""

from __future__ import annotations

from collections.abc import Callable

from usdk.errors import UsdkError

__all__ = ["DeviationError", "NotApplicableError", "require", "require_refusal"]


class DeviationError(Exception):
    """A front-end did what the contract does not allow; ends a check as failed.

    Parameters
    ----------
    seen, expected : str
        What it did, and what the contract asks for.
    advice : str
        What its maker can do.
    """

    def __init__(self, seen: str, *, expected: str, advice: str) -> None:
        super().__init__(seen)
        self.seen, self.expected, self.advice = seen, expected, advice


class NotApplicableError(Exception):
    """A check cannot be made on this front-end; its message is the reason."""


def require(condition: bool, seen: str, *, expected: str, advice: str) -> None:
    """Raise `DeviationError` unless ``condition`` holds."""
    if not condition:
        raise DeviationError(seen, expected=expected, advice=advice)


def require_refusal(
    kind: type[UsdkError], what: str, action: Callable[[], object], *, advice: str
) -> UsdkError:
    """Return the error of ``kind`` with which ``action`` is refused, or raise `DeviationError`."""
    expected = f"{what} to be refused with {kind.__name__}"
    try:
        action()
    except kind as error:
        return error
    except UsdkError as error:
        raise DeviationError(
            f"{what} ended in {type(error).__name__}: {error}", expected=expected, advice=advice
        ) from error
    raise DeviationError(f"{what} was accepted", expected=expected, advice=advice)
