"""The probes that can be simulated, with the figures of the transducers they are named after.

Figures as in PyMUST's and MUST's ``getparam`` (D. Garcia, www.biomecardio.com/MUST).
"""

from __future__ import annotations

from collections.abc import Callable

from usdk.errors import ArgumentError
from usdk.probe import ArrayKind, Probe

__all__ = ["PROBES", "simulated_probe"]


def _linear_l11_5v() -> Probe:
    return Probe.linear(
        "L11-5v",
        n_elements=128,
        pitch_m=0.300e-3,
        element_width_m=0.270e-3,
        element_height_m=5e-3,
        centre_frequency_hz=7.6e6,
        fractional_bandwidth=0.77,
    )


def _phased_p4_2v() -> Probe:
    return Probe.linear(
        "P4-2v",
        kind=ArrayKind.PHASED,
        n_elements=64,
        pitch_m=0.300e-3,
        element_width_m=0.250e-3,
        element_height_m=14e-3,
        centre_frequency_hz=2.72e6,
        fractional_bandwidth=0.74,
    )


def _convex_c5_2v() -> Probe:
    return Probe.curved(
        "C5-2v",
        n_elements=128,
        pitch_m=0.508e-3,
        radius_m=49.57e-3,
        element_width_m=0.460e-3,
        element_height_m=13.5e-3,
        centre_frequency_hz=3.57e6,
        fractional_bandwidth=0.79,
    )


PROBES: dict[str, Callable[[], Probe]] = {
    "linear-l11-5v": _linear_l11_5v,
    "phased-p4-2v": _phased_p4_2v,
    "convex-c5-2v": _convex_c5_2v,
}


def simulated_probe(name: str) -> Probe:
    """Return the probe of a name in `PROBES`; `ArgumentError` for any other."""
    if name not in PROBES:
        raise ArgumentError(
            f"there is no simulated probe {name!r}; take one of {', '.join(PROBES)}"
        )
    return PROBES[name]()
