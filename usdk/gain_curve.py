"""GainCurve: the gain of reception over time, which compensates the attenuation of tissue (TGC)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from usdk.arguments import count, finite, positive
from usdk.errors import ArgumentError, DataDamagedError

__all__ = ["MAX_GAIN_POINTS", "GainCurve"]

MAX_GAIN_POINTS = 1024
"""Points that a curve may have."""

MAX_SAMPLES = 2**28
"""Samples of a transmit for which factors are made."""


@dataclass(frozen=True, kw_only=True)
class GainCurve:
    """Gain over time: straight lines in dB between points, level before and after them.

    Time counts from sample 0 of each transmit, so that sample ``k`` has the gain at
    ``k / sampling_frequency_hz``, whichever transmit it is of.

    Parameters
    ----------
    times_s : tuple of float
        When each point is reached, s; from 0 on, rising.
    gains_db : tuple of float
        Gain at each point, dB; of the amplitude, that is a factor of ``10 ** (gain / 20)``.

    Raises
    ------
    ArgumentError
        If these are not one to `MAX_GAIN_POINTS` finite numbers each.
    """

    times_s: tuple[float, ...]
    gains_db: tuple[float, ...]

    def __post_init__(self) -> None:
        for name in ("times_s", "gains_db"):
            values = getattr(self, name)
            if isinstance(values, str | bytes) or not hasattr(values, "__iter__"):
                raise ArgumentError(f"{name} must be a sequence of numbers")
            # Kept as plain numbers, so that the curve can be compared and written as JSON.
            object.__setattr__(self, name, tuple(finite(value, name) for value in values))
        n_points = len(self.times_s)
        if n_points != len(self.gains_db) or not 1 <= n_points <= MAX_GAIN_POINTS:
            raise ArgumentError(
                f"a gain curve has 1 to {MAX_GAIN_POINTS} points with a time and a gain each, got "
                f"{n_points} times and {len(self.gains_db)} gains"
            )
        is_rising = all(after > before for before, after in itertools.pairwise(self.times_s))
        if self.times_s[0] < 0 or not is_rising:
            raise ArgumentError("the times of a gain curve begin at 0 s or later and rise")

    @classmethod
    def constant(cls, gain_db: float) -> GainCurve:
        """Return the same gain at all times."""
        return cls(times_s=(0.0,), gains_db=(gain_db,))

    @classmethod
    def over_depth(
        cls,
        depths_m: Sequence[float],
        gains_db: Sequence[float],
        *,
        sound_speed_m_s: float = 1540.0,
    ) -> GainCurve:
        """Return the curve that has these gains for the echoes of these depths, straight ahead.

        Parameters
        ----------
        depths_m : sequence of float
            Depths, m; from 0 on, rising.
        gains_db : sequence of float
            Gain at each depth, dB.
        sound_speed_m_s : float
            Sound speed, m/s.
        """
        speed_m_s = positive(sound_speed_m_s, "sound_speed_m_s")
        if isinstance(depths_m, str | bytes) or not hasattr(depths_m, "__iter__"):
            raise ArgumentError("depths_m must be a sequence of numbers")
        times_s = tuple(2 * finite(depth_m, "depths_m") / speed_m_s for depth_m in depths_m)
        return cls(times_s=times_s, gains_db=gains_db)  # type: ignore[arg-type]  # made a tuple

    def at(self, times_s: ArrayLike) -> NDArray[np.float64]:
        """Return the gain in dB at times (s after sample 0), in their shape."""
        try:
            wanted_s = np.asarray(times_s, np.float64)
        except (TypeError, ValueError) as error:
            raise ArgumentError(f"times_s must be numbers: {error}") from None
        return np.asarray(np.interp(wanted_s, self.times_s, self.gains_db), np.float64)

    def factors(self, n_samples: int, sampling_frequency_hz: float) -> NDArray[np.float64]:
        """Return by what each sample was multiplied, (n_samples,)."""
        n_samples = count(n_samples, "n_samples", least=0, most=MAX_SAMPLES)
        rate_hz = positive(sampling_frequency_hz, "sampling_frequency_hz")
        gains_db = self.at(np.arange(n_samples) / rate_hz)
        return np.asarray(10 ** (gains_db / 20), np.float64)

    @property
    def is_constant(self) -> bool:
        """Whether the gain is the same at all times."""
        return len(set(self.gains_db)) == 1

    def describe(self) -> str:
        """Return the curve's ends in a few words: ``0 dB at 0 µs to 30 dB at 52 µs``."""
        if self.is_constant:
            return f"{self.gains_db[0]:g} dB"
        first, last = f"{self.times_s[0] * 1e6:.3g}", f"{self.times_s[-1] * 1e6:.3g}"
        return f"{self.gains_db[0]:g} dB at {first} µs to {self.gains_db[-1]:g} dB at {last} µs"

    def to_dict(self) -> dict[str, list[float]]:
        """Return plain values from which `from_dict` rebuilds the curve."""
        return {"times_s": list(self.times_s), "gains_db": list(self.gains_db)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> GainCurve:
        """Rebuild a curve from `to_dict`'s output; `DataDamagedError` if it is none."""
        try:
            return cls(times_s=tuple(plain["times_s"]), gains_db=tuple(plain["gains_db"]))
        except (LookupError, TypeError, ValueError) as error:
            raise DataDamagedError(f"not a gain curve: {error}") from error
