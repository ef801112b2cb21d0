"""Colours over two quantities, as the composition looks them up, and as the scale shows them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from usdk.doppler.colours.colour_map import ColourMap
from usdk.doppler.colours.velocity_scale import VelocityScale
from usdk.flow_overlay import FlowKind

__all__ = ["ColourTable"]

Ends = tuple[float, float]


@dataclass(frozen=True, eq=False, kw_only=True)
class ColourTable:
    """What becomes which colour at one Nyquist velocity.

    Parameters
    ----------
    table : ndarray of uint8, (n_second, n_velocities, 3)
        For `usdk_kernels.colour_composition.compose_colour`.
    velocity_ends_m_s : (float, float)
        Velocities, corrected, at the edges of the first and the last colour, m/s.
    second_ends : (float, float)
        The same of the second quantity: spread, m/s, or level, dB.
    is_spread : bool
        Whether the second quantity is the spread of velocities, not the level.
    scale : (float, float)
        Values of the first and the last colour of the scale that is shown.
    colours : ndarray of uint8
        That scale, as `usdk.flow_overlay.FlowOverlay` has it.
    """

    table: NDArray[np.uint8]
    velocity_ends_m_s: Ends
    second_ends: Ends
    is_spread: bool
    scale: Ends
    colours: NDArray[np.uint8]

    @classmethod
    def of(
        cls,
        colours: ColourMap,
        scale: VelocityScale,
        nyquist_m_s: float,
        *,
        dynamic_range_db: float,
        spread_limit_m_s: float | None,
    ) -> ColourTable:
        """Return the table of a map on a scale.

        Parameters
        ----------
        nyquist_m_s : float
            Along the beam, m/s.
        dynamic_range_db : float
            Span of a scale of power, dB.
        spread_limit_m_s : float, optional
            Spread of the last row of a map of variance, m/s, corrected as velocities are; half the
            Nyquist velocity when absent.
        """
        ends_m_s = scale.ends_m_s(nyquist_m_s)
        n_colours = colours.colours.shape[-2]
        below: Ends = (-dynamic_range_db, 0.0)
        if colours.kind is FlowKind.POWER:
            table = colours.colours[:, None]
            shown, shown_scale = colours.colours, below
        elif colours.kind is FlowKind.DIRECTIONAL_POWER:
            shown, shown_scale = colours.colours, (-dynamic_range_db, dynamic_range_db)
            if scale.is_inverted:
                shown = shown[::-1]
            # No flow, and the weakest power, stands in the middle of the colours.
            n_levels = n_colours // 2
            away, towards = shown[:n_levels][::-1], shown[-n_levels:]
            low, high = ends_m_s
            velocity_m_s = low + (high - low) * (np.arange(n_colours) + 0.5) / n_colours
            table = np.where(velocity_m_s[:, None] < 0, away[:, None], towards[:, None])
        else:
            shown, shown_scale = colours.between(*ends_m_s, is_inverted=scale.is_inverted), ends_m_s
            table = shown if shown.ndim == 3 else shown[None]
        is_spread = colours.kind is FlowKind.VARIANCE
        if is_spread:
            limit_m_s = (
                nyquist_m_s * scale.correction / 2 if spread_limit_m_s is None else spread_limit_m_s
            )
            # The kernel's second quantity is the spread along the beam.
            second_ends: Ends = (0.0, limit_m_s / scale.correction)
        else:
            second_ends = below
        return cls(
            table=np.require(table, np.uint8, ("C", "W")),
            velocity_ends_m_s=ends_m_s,
            second_ends=second_ends,
            is_spread=is_spread,
            scale=shown_scale,
            colours=np.ascontiguousarray(shown),
        )
