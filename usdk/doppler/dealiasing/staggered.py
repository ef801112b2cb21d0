r"""Staggered PRFs: one velocity from several that alias at different places.

Two Nyquist velocities in the ratio p : q of small whole numbers without a common factor tell a
velocity up to

.. math:: v_E = q \, v_{N,p} = p \, v_{N,q},

that is :math:`\lambda / 4 (T_2 - T_1)` where the intervals :math:`T_1 : T_2 = p : p + 1` (Posada
et al. 2016, equation 6). The price: errors of the two velocities that differ by more than
:math:`v_{N,p} / p = v_{N,q} / q` put the result into a wrong period.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import positive
from usdk.doppler.dealiasing.dealiased import Dealiased
from usdk.doppler.flow_map import FlowMap
from usdk.doppler.point_nyquist import point_nyquist_m_s
from usdk.doppler.slow_time import SlowTime
from usdk.errors import ArgumentError
from usdk.tiles import cut, run_tiles
from usdk_kernels.staggered_velocity import staggered_velocity

__all__ = ["MAX_PERIODS", "StaggeredPrfs", "StaggeredVelocity"]

MAX_PERIODS = 64
"""Greatest ratio of the extended Nyquist velocity to the first one."""

_RATIO_TOLERANCE = 1e-6
_POINTS_PER_TILE = 4096


@dataclass(frozen=True, eq=False, kw_only=True)
class StaggeredVelocity:
    """Velocities from several PRFs.

    Parameters
    ----------
    velocity_m_s : ndarray of float32
        Within the extended Nyquist velocity, positive towards the probe, m/s; NaN where a
        measurement is not finite.
    n_wraps : ndarray of int16
        Periods, twice its Nyquist velocity each, that were added to the first measurement.
    residual_m_s : ndarray of float32
        Weighted rms by which the measurements, unwrapped, differ from the result, m/s: small where
        they agree, and no proof that the period is right.
    """

    velocity_m_s: NDArray[np.float32]
    n_wraps: NDArray[np.int16]
    residual_m_s: NDArray[np.float32]


class StaggeredPrfs:
    """Dealiasing by several PRFs, or by several intervals within one packet.

    Parameters
    ----------
    slow_times : sequence of SlowTime
        Two or more, whose Nyquist velocities are in a ratio of small whole numbers, such as PRFs
        of 4 and 3 kHz.

    Raises
    ------
    ArgumentError
        If the Nyquist velocities are not in such a ratio, all alike, or the extended one would be
        more than `MAX_PERIODS` times the first.

    References
    ----------
    D. Posada et al., "Staggered multiple-PRF ultrafast color Doppler", IEEE Trans. Med. Imaging
    35(6), 2016.
    """

    def __init__(self, slow_times: Sequence[SlowTime]) -> None:
        self.slow_times = tuple(slow_times)
        if len(self.slow_times) < 2 or not all(isinstance(s, SlowTime) for s in self.slow_times):
            raise ArgumentError("slow_times must be two SlowTime or more, one for each PRF")
        self._nyquist_m_s = np.array([s.nyquist_m_s for s in self.slow_times])
        ratios = [_ratio(value / self._nyquist_m_s[0]) for value in self._nyquist_m_s.tolist()]
        self.n_periods = math.lcm(*(ratio.numerator for ratio in ratios))
        """The extended Nyquist velocity over the first one."""
        if self.n_periods > MAX_PERIODS:
            raise ArgumentError(
                f"the Nyquist velocities agree only after {self.n_periods} periods, more than "
                f"{MAX_PERIODS}: take PRFs in a ratio such as 4 : 3"
            )
        if all(ratio == 1 for ratio in ratios):
            raise ArgumentError("all Nyquist velocities are the same: stagger the PRFs")
        self._ratios = ratios

    @property
    def nyquist_m_s(self) -> float:
        """Greatest velocity that is not aliased, m/s."""
        return self.n_periods * self.slow_times[0].nyquist_m_s

    @property
    def slow_time(self) -> SlowTime:
        """The slow time of one PRF that would have this Nyquist velocity."""
        first = self.slow_times[0]
        return replace(first, prf_hz=first.prf_hz * self.n_periods)

    def failure_rate(self, first_std_m_s: float, second_std_m_s: float) -> float:
        """Return the share of points of two PRFs that fall into a wrong period.

        The difference of two measurements is a multiple of 2 v_N,1 v_N,2 / v_E without noise, and
        is rounded to one: wrong where their errors differ by more than half of that. For normal
        errors this is exact.

        Parameters
        ----------
        first_std_m_s, second_std_m_s : float
            Standard deviations of the two velocities, m/s.
        """
        if len(self.slow_times) != 2:
            raise ArgumentError("the failure rate is known for two PRFs")
        first, second = self._nyquist_m_s.tolist()
        step_m_s = 2 * first * second / self.nyquist_m_s
        std_m_s = math.hypot(
            positive(first_std_m_s, "first_std_m_s"), positive(second_std_m_s, "second_std_m_s")
        )
        return math.erfc(step_m_s / 2 / (math.sqrt(2) * std_m_s))

    def __call__(
        self, velocities_m_s: Sequence[NDArray[Any]], *, threads: int | None = None
    ) -> StaggeredVelocity:
        """Return the velocity on which the measurements agree.

        Parameters
        ----------
        velocities_m_s : sequence of array_like, one for each slow time, of one shape
            Aliased velocities, m/s. They count by the inverse square of their Nyquist velocity: as
            phases of equal variance.
        threads : int, optional
            Threads to use; `usdk.tiles.n_threads` when absent.
        """
        arrays = [np.asarray(values) for values in velocities_m_s]
        if len(arrays) != len(self.slow_times) or len({a.shape for a in arrays}) != 1:
            raise ArgumentError(
                f"give {len(self.slow_times)} arrays of velocities of one shape, one for each PRF"
            )
        if any(array.dtype.kind not in "fiu" for array in arrays):
            raise ArgumentError("velocities_m_s must be real numbers")
        shape = arrays[0].shape
        stacked = np.stack([a.reshape(-1) for a in arrays]).astype(np.float32, order="C")
        velocity = np.empty(stacked.shape[1], np.float32)
        n_wraps = np.empty(stacked.shape[1], np.int16)
        residual = np.empty(stacked.shape[1], np.float32)
        weight = self._nyquist_m_s**-2.0
        run_tiles(
            lambda tile: staggered_velocity(
                stacked, self._nyquist_m_s, weight, self.n_periods, *tile,
                velocity, n_wraps, residual,
            ),
            cut(stacked.shape[1], _POINTS_PER_TILE),
            threads=threads,
        )  # fmt: skip
        return StaggeredVelocity(
            velocity_m_s=velocity.reshape(shape),
            n_wraps=n_wraps.reshape(shape),
            residual_m_s=residual.reshape(shape),
        )

    def dealias(self, flow_maps: Sequence[FlowMap], *, threads: int | None = None) -> Dealiased:
        """Return the flow map of several that were taken one after the other at these PRFs.

        Power is the mean of the maps; spread their rms; ``lag_one`` has the mean of their
        magnitudes, and the phase that the velocity has in the map's own `slow_time`, at the
        frequency at which it was read.

        Parameters
        ----------
        flow_maps : sequence of FlowMap
            One for each slow time, in that order, over one scan.
        threads : int, optional
            As for a call.
        """
        maps = tuple(flow_maps)
        if len(maps) != len(self.slow_times) or any(
            one.slow_time != slow_time
            for one, slow_time in zip(maps, self.slow_times, strict=False)
        ):
            raise ArgumentError("give one flow map for each slow time, in their order")
        if len({one.scan.shape for one in maps}) != 1 or not all(
            np.allclose(one.scan.points_m(), maps[0].scan.points_m(), rtol=0, atol=1e-9)
            for one in maps[1:]
        ):
            raise ArgumentError("the flow maps must be over one scan")
        # Phases tell the periods; the echoes' own frequency, where it was measured, the velocity.
        ratios = [point_nyquist_m_s(one) / np.float32(one.nyquist_m_s) for one in maps]
        found = self(
            [one.velocity_m_s / ratio for one, ratio in zip(maps, ratios, strict=True)],
            threads=threads,
        )
        strengths = np.abs([one.lag_one for one in maps])
        strength = strengths.mean(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = (strengths * ratios).mean(axis=0) / strength
        ratio = np.where(strength > 0, ratio, ratios[0])
        phase = np.pi / self.nyquist_m_s * np.nan_to_num(found.velocity_m_s)
        spread = np.sqrt(np.mean([one.spread_m_s.astype(np.float64) ** 2 for one in maps], axis=0))
        flow_map = replace(
            maps[0],
            velocity_m_s=(found.velocity_m_s * ratio).astype(np.float32),
            power=np.mean([one.power for one in maps], axis=0).astype(np.float32),
            spread_m_s=spread.astype(np.float32),
            lag_one=(strength * np.exp(1j * phase)).astype(np.complex64),
            slow_time=self.slow_time,
            noise_power=float(np.mean([one.noise_power for one in maps])),
        )
        return Dealiased(flow_map=flow_map, n_wraps=found.n_wraps)


def _ratio(value: float) -> Fraction:
    ratio = Fraction(value).limit_denominator(MAX_PERIODS)
    if abs(float(ratio) / value - 1) > _RATIO_TOLERANCE:
        raise ArgumentError(
            "the Nyquist velocities must be in a ratio of small whole numbers, such as 4 : 3, "
            f"not {value:g}"
        )
    return ratio
