"""Planned: a consumer that is planned by the first acquisition that it meets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from usdk.acquisition import Acquisition, require_acquisition
from usdk.errors import ArgumentError

__all__ = ["Planned"]


class Planned:
    """Makes a plan such as `usdk.BMode` from the first acquisition, and calls it with each.

    An acquisition of another probe, sequence or receive settings makes a new plan.

    Parameters
    ----------
    plan : callable
        Called as ``plan(acquisition, **options)``; returns what is called with each acquisition.
    **options
        Of the plan.

    Raises
    ------
    ArgumentError
        If the plan cannot be called; in a call if it is given something else than acquisitions.
    """

    def __init__(self, plan: Callable[..., Callable[[Acquisition], Any]], **options: Any) -> None:
        if not callable(plan):
            raise ArgumentError("a plan is called with an acquisition, such as usdk.BMode")
        self._make, self._options = plan, options
        self._made: Callable[[Acquisition], Any] | None = None
        self._like: Acquisition | None = None

    def __call__(self, acquisition: Acquisition) -> Any:
        """Return what the plan makes of the acquisition."""
        require_acquisition(acquisition)
        like = self._like
        if (
            self._made is None
            or like is None
            or like.receive != acquisition.receive
            or like.sequence != acquisition.sequence
            or like.is_iq != acquisition.is_iq
            or not like.probe.is_like(acquisition.probe)
        ):
            self._made = self._make(acquisition, **self._options)
            # One frame of it describes the kind; its samples are let go with the next plan.
            self._like = acquisition[:1]
        return self._made(acquisition)
