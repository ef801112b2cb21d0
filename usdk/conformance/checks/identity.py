"""Who the front-end is, what it says that it can do, and where its elements are."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from usdk.conformance.bench import Bench
from usdk.conformance.check import check
from usdk.conformance.expect import require
from usdk.conformance.watched import watched
from usdk.front_end import Found
from usdk.probe import ArrayKind

__all__ = ["CHECKS"]

MAX_APERTURE_M = 1.0
"""No array that a person holds is longer: lengths beyond are not in metres."""
PITCH_TOLERANCE = 0.1
LOWEST_FREQUENCY_HZ, HIGHEST_FREQUENCY_HZ = 0.1e6, 200e6

_IDENTITY = "Identity"


@check("identity.info", "it says who it is", requires=_IDENTITY)
def info(bench: Bench) -> str | None:
    """Expect manufacturer and model to be text that a person can read."""
    device = bench.open().info
    for name in ("manufacturer", "model", "serial_number", "firmware_version"):
        value = getattr(device, name)
        may_be_empty = name in ("serial_number", "firmware_version")
        require(
            isinstance(value, str) and (may_be_empty or bool(value.strip())),
            f"info.{name} is {value!r}",
            expected="text" if may_be_empty else "text that is not empty",
            advice='read it from the device, or state it in the driver; "" stands for unknown in '
            "serial_number and firmware_version alone",
        )
        require(
            value.isprintable(),
            f"info.{name} holds characters that cannot be printed: {value!r}",
            expected="printable text",
            advice="cut the padding off what the device sends",
        )
    return " ".join(part for part in (device.manufacturer, device.model) if part)


@check("identity.stable", "it is the same after it was closed and opened", requires=_IDENTITY)
def stable(bench: Bench) -> str | None:
    """Compare identity, capabilities and probe of two openings."""
    seen = []
    for _ in range(2):
        front_end = bench.open()
        probe = front_end.probe
        # Printed, NaN equals NaN.
        seen.append(
            {
                "info": repr(front_end.info),
                "capabilities": repr(front_end.capabilities),
                "probe": f"{probe.name} {probe.kind} {probe.element_positions_m.tobytes()!r}",
            }
        )
        front_end.close()
    for name, first in seen[0].items():
        require(
            first == seen[1][name],
            f"{name} changed when it was opened again",
            expected="the same answer from the same device",
            advice="ask the device rather than count openings, and put nothing that varies "
            "into its identity",
        )
    return None


@check("identity.discovery", "its driver lists what can be opened", requires=_IDENTITY)
def discovery(bench: Bench) -> str | None:
    """Call ``discover``, which must not raise and gives addresses of its own scheme."""
    driver = type(bench.open().front_end)
    found = watched("discover", list, driver.discover)
    for entry in found:
        require(
            isinstance(entry, Found) and entry.address.startswith(f"{driver.scheme}:"),
            f"discover listed {entry!r}",
            expected=f"a Found with an address that begins with {driver.scheme}:",
            advice="put the scheme in front of the address, so that it can be opened as it is",
        )
    return f"{len(found)} found"


@check("identity.capabilities", "its limits are numbers that can be kept", requires=_IDENTITY)
def capabilities(bench: Bench) -> str | None:
    """Expect counts of at least 1, and frequencies that are positive and finite."""
    front_end = bench.open()
    limits = front_end.capabilities
    advice = "state the device's true limits in capabilities"
    for name in ("n_transmit_channels", "n_receive_channels", "max_samples", "max_transmits"):
        value = getattr(limits, name)
        require(
            isinstance(value, int) and value >= 1,
            f"capabilities.{name} is {value!r}",
            expected="a whole number from 1 on",
            advice=advice,
        )
    n_elements = front_end.probe.n_elements
    for name in ("n_transmit_channels", "n_receive_channels"):
        value = getattr(limits, name)
        require(
            value <= n_elements,
            f"capabilities.{name} is {value}, the probe has {n_elements} elements",
            expected="no more channels than elements",
            advice="count the elements that can be used at once, not the chip's inputs",
        )
    rates_hz = limits.sampling_frequencies_hz
    require(
        len(rates_hz) >= 1 and all(math.isfinite(rate) and rate > 0 for rate in rates_hz),
        f"capabilities.sampling_frequencies_hz is {rates_hz!r}",
        expected="at least one rate, each positive and finite",
        advice=advice,
    )
    unknown_is_allowed = limits.sequence_is_fixed and math.isnan(limits.max_prf_hz)
    require(
        unknown_is_allowed or (math.isfinite(limits.max_prf_hz) and limits.max_prf_hz > 0),
        f"capabilities.max_prf_hz is {limits.max_prf_hz!r}",
        expected="positive and finite, or NaN where the sequence is fixed and the rate unknown",
        advice=advice,
    )
    return None


@check("identity.geometry", "its elements are where elements can be", requires=_IDENTITY)
def geometry(bench: Bench) -> str | None:
    """Expect finite, distinct positions in metres, unit normals, and a pitch that fits."""
    probe = bench.open().probe
    positions_m, normals = probe.element_positions_m, probe.element_normals
    n_elements = probe.n_elements
    require(
        positions_m.shape == normals.shape == (n_elements, 3)
        and bool(np.isfinite(positions_m).all() and np.isfinite(normals).all()),
        f"positions {positions_m.shape} and normals {normals.shape} are not finite rows of three",
        expected="finite x, y, z for each element",
        advice="fill element_positions_m and element_normals for every element",
    )
    require(
        bool(np.allclose(np.linalg.norm(normals, axis=1), 1.0, atol=1e-6)),
        "element_normals are not unit vectors",
        expected="length 1",
        advice="divide each by its length",
    )
    length_m = float(np.linalg.norm(np.ptp(positions_m, axis=0)))
    require(
        length_m <= MAX_APERTURE_M,
        f"the array is {length_m:g} m long",
        expected=f"at most {MAX_APERTURE_M:g} m",
        advice="give positions in metres",
    )
    require(
        len(np.unique(positions_m, axis=0)) == n_elements,
        "two elements are at the same place",
        expected="one place for each element",
        advice="check the order and number of the positions",
    )
    if n_elements == 1 or probe.kind not in (
        ArrayKind.LINEAR,
        ArrayKind.PHASED,
        ArrayKind.CURVED,
    ):
        return f"{n_elements} elements over {length_m * 1e3:.1f} mm"
    steps_m = [float(np.linalg.norm(after - before)) for before, after in pairwise(positions_m)]
    step_m = float(np.median(steps_m))
    require(
        abs(step_m - probe.pitch_m) <= PITCH_TOLERANCE * probe.pitch_m,
        f"neighbours are {step_m * 1e3:.3f} mm apart, pitch_m says {probe.pitch_m * 1e3:.3f} mm",
        expected=f"the same within {PITCH_TOLERANCE:.0%}",
        advice="give the pitch from centre to centre, and the elements in their order along "
        "the array",
    )
    return f"{n_elements} elements over {length_m * 1e3:.1f} mm"


@check("identity.frequency", "its frequency is one of ultrasound", requires=_IDENTITY)
def frequency(bench: Bench) -> str | None:
    """Expect the centre frequency in Hz, and the bandwidth as a fraction of it."""
    probe = bench.open().probe
    require(
        LOWEST_FREQUENCY_HZ <= probe.centre_frequency_hz <= HIGHEST_FREQUENCY_HZ,
        f"centre_frequency_hz is {probe.centre_frequency_hz:g}",
        expected=f"{LOWEST_FREQUENCY_HZ:g} to {HIGHEST_FREQUENCY_HZ:g}",
        advice="give it in Hz",
    )
    require(
        0 < probe.fractional_bandwidth <= 2,
        f"fractional_bandwidth is {probe.fractional_bandwidth:g}",
        expected="above 0 and at most 2",
        advice="divide the −6 dB bandwidth by the centre frequency; it is no percentage",
    )
    return f"{probe.centre_frequency_hz / 1e6:g} MHz"


CHECKS = (info, stable, discovery, capabilities, geometry, frequency)
