"""One plan, called from eight threads at once: every call has the bits of a call alone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from usdk.acquisition import ReceiveSettings
from usdk.beamform import Beamformer
from usdk.probe import Probe
from usdk.scan import LinearScan
from usdk.sequences import focused_lines, plane_waves

N_CALLERS = 8
PROBE = Probe.linear(
    "L", n_elements=32, pitch_m=0.3e-3, centre_frequency_hz=5e6, fractional_bandwidth=0.6
)
DEPTHS_M = np.linspace(1e-3, 15e-3, 90)
COLUMNS = LinearScan(x_m=PROBE.element_positions_m[:, 0], z_m=DEPTHS_M)
BESIDE = LinearScan(x_m=np.linspace(-4e-3, 4e-3, 40), z_m=DEPTHS_M)
PLANES = plane_waves([-8, -3, 0, 4])
LINES = focused_lines(PROBE, n_lines=8, focus_depth_m=1e-2)
PARITY = [0, 1, 0, 1]

PLANS: dict[str, dict[str, Any]] = {
    "shift": {"kernel": "shift"},
    "shift, band-limited": {"kernel": "shift", "interpolation": "band-limited"},
    "range": {"kernel": "range"},
    "range, band-limited": {"kernel": "range", "interpolation": "band-limited"},
    "range, tables": {"kernel": "range", "waves": LINES, "weighting": "retrospective"},
    "lattice": {"kernel": "lattice"},
    "lattice, focused lines": {"kernel": "lattice", "waves": LINES, "weighting": "retrospective"},
    "general": {"kernel": "general", "interpolation": "cubic"},
    "general, tables": {"kernel": "general", "waves": LINES, "weighting": "retrospective"},
    "aligned": {"kernel": "aligned"},
    "coherence factor": {"combination": "coherence factor"},
    "resampled": {"scan": BESIDE, "alignment": "resample"},
    "images of groups": {"compounding": "none", "compounding_groups": PARITY},
    "envelopes of groups": {"compounding": "incoherent", "compounding_groups": PARITY},
    "ensemble": {"n_frames": 6},
    "frames one after the other": {"n_frames": 2},
}


def plan_and_frames(
    name: str,
) -> tuple[Callable[..., NDArray[np.complex64]], list[NDArray[np.complex64]]]:
    options: dict[str, Any] = {"waves": PLANES, "scan": COLUMNS, "n_frames": 0} | PLANS[name]
    waves, scan, n_frames = (options.pop(key) for key in ("waves", "scan", "n_frames"))
    receive = ReceiveSettings(
        sampling_frequency_hz=20e6,
        n_samples=420,
        time_zero_s=(0.0,) * len(waves),
        demodulation_frequency_hz=5e6,
    )
    rng = np.random.default_rng(0)
    shape = (N_CALLERS, *((n_frames,) if n_frames else ()), len(waves), 32, 420)
    data = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    plan = Beamformer(PROBE, waves, receive, scan, **options)
    return plan.ensemble(n_frames) if n_frames else plan, list(data.astype(np.complex64))


@pytest.mark.parametrize("name", PLANS)
def test_calls_at_once_do_not_disturb_each_other(name: str) -> None:
    plan, frames = plan_and_frames(name)
    alone = [plan(frame, threads=1) for frame in frames]
    assert not np.array_equal(alone[0], alone[1])
    found: list[list[NDArray[np.complex64]]] = [[] for _ in frames]
    begin = threading.Barrier(N_CALLERS)

    def call(caller: int) -> None:
        begin.wait()
        for threads in (1, 3, None):
            found[caller].append(plan(frames[caller], threads=threads))

    callers = [threading.Thread(target=call, args=(caller,)) for caller in range(N_CALLERS)]
    for thread in callers:
        thread.start()
    for thread in callers:
        thread.join()
    for images, expected in zip(found, alone, strict=True):
        assert len(images) == 3
        for image in images:
            np.testing.assert_array_equal(image, expected)
