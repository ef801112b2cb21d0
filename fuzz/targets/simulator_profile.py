"""Profiles of simulated probes: YAML that is refused by type, or a device whose parts fit."""

from __future__ import annotations

from pathlib import Path

from scratch_file import scratch_file

from usdk.errors import ArgumentError, DataDamagedError
from usdk_drivers.simulator.profile import load_profile

_EXAMPLES = Path(__file__).parents[2] / "examples"
_CURVED = b"""\
probe: {kind: curved, name: C, n_elements: 8, pitch_m: 5e-4, centre_frequency_hz: 3e6,
  fractional_bandwidth: 0.6, radius_m: 0.06}
scene: {name: vessel}
faults: {rates: {drop: 0.1}, at: {40: unplug}, drift_ppm: 3}
elements: {dead: [1, 2], weak: [3]}
timing: {sampling_frequencies_hz: [2e7, 4e7], realtime: true}
"""


def seeds() -> list[bytes]:
    """Return the profiles of the examples, and one that has most keys."""
    return [path.read_bytes() for path in sorted(_EXAMPLES.rglob("*.yaml"))] + [_CURVED]


def one_input(data: bytes) -> None:
    """Load a profile; its probe and faults fit each other."""
    try:
        profile = load_profile(scratch_file(data, "fuzz.yaml"))
    except (ArgumentError, DataDamagedError):
        return
    assert profile.probe is not None
    dead = profile.device_faults.dead_elements(profile.probe.n_elements, profile.seed)
    assert all(0 <= element < profile.probe.n_elements for element in dead)
