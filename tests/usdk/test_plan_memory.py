"""What a beamformer's plan holds: what `n_bytes` says, and for 128 elements by 11 waves 64 MB."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from usdk.acquisition import ReceiveSettings
from usdk.beamform import Beamformer
from usdk.probe import Probe
from usdk.scan import LinearScan, SectorScan
from usdk.sequences import diverging_waves, focused_lines, plane_waves
from usdk.transmit import TransmitSequence

MOST_BYTES = 64e6
# Arguments, closures and tiles of a call, and what a kernel takes for one run of points: none of
# it grows with the frame.
A_CALL_BYTES = 1.5e6

PROBE = Probe.linear(
    "L", n_elements=128, pitch_m=0.3e-3, centre_frequency_hz=5e6, fractional_bandwidth=0.6
)
X_M = PROBE.element_positions_m[:, 0]
DEPTHS_M = np.linspace(2e-3, 40e-3, 512)
COLUMNS = LinearScan(x_m=X_M, z_m=DEPTHS_M)
BESIDE = LinearScan(x_m=np.linspace(-0.018, 0.018, 128), z_m=DEPTHS_M)
PLANES = plane_waves(np.linspace(-10, 10, 11))
PARITY = [wave % 2 for wave in range(11)]

OF_RF: dict[str, dict[str, Any]] = {
    "shift": {"kernel": "shift"},
    "shift, band-limited": {"kernel": "shift", "interpolation": "band-limited"},
    "range": {"kernel": "range"},
    "range, band-limited": {"kernel": "range", "interpolation": "band-limited"},
    "lattice": {"kernel": "lattice"},
    "general": {"kernel": "general"},
    "general, nearest": {"kernel": "general", "interpolation": "nearest"},
    "general, cubic": {"kernel": "general", "interpolation": "cubic"},
    "general, band-limited": {"kernel": "general", "interpolation": "band-limited"},
    "aligned": {"kernel": "aligned"},
    "aligned, cubic": {"kernel": "aligned", "interpolation": "cubic"},
    "aligned, band-limited": {"kernel": "aligned", "interpolation": "band-limited"},
    "resampled": {"scan": BESIDE, "alignment": "resample"},
    "resampled, band-limited": {
        "scan": BESIDE, "alignment": "resample", "interpolation": "band-limited",
    },
    "coherence factor": {"combination": "coherence factor"},
    "images of groups": {"compounding": "none", "compounding_groups": PARITY},
}  # fmt: skip
OF_IQ: dict[str, dict[str, Any]] = {
    "shift": {"kernel": "shift"},
    "shift, band-limited": {"kernel": "shift", "interpolation": "band-limited", "upsampling": 2},
    "range": {"kernel": "range"},
    "lattice": {"kernel": "lattice"},
    "general": {"kernel": "general"},
    "aligned": {"kernel": "aligned"},
    "resampled": {"scan": BESIDE, "alignment": "resample"},
    "envelopes of groups": {"compounding": "incoherent", "compounding_groups": PARITY},
}


def receive_for(n_transmits: int, *, is_iq: bool, n_samples: int = 2112) -> ReceiveSettings:
    return ReceiveSettings(
        sampling_frequency_hz=40e6,
        n_samples=n_samples,
        time_zero_s=(0.0,) * n_transmits,
        demodulation_frequency_hz=5e6 if is_iq else 0.0,
    )


def beamformer(
    is_iq: bool,
    *,
    probe: Probe = PROBE,
    waves: TransmitSequence = PLANES,
    scan: Any = COLUMNS,
    n_samples: int = 2112,
    **options: Any,
) -> Beamformer:
    receive = receive_for(len(waves), is_iq=is_iq, n_samples=n_samples)
    return Beamformer(probe, waves, receive, scan, **options)


def held_and_allocated(plan: Callable[[], Any], n_frames: int = 0) -> tuple[int, int, int]:
    """Return a plan's n_bytes, what it holds after two frames, and the third one's peak above."""
    compiled = plan()
    geometry = getattr(compiled, "geometry", None) or compiled._beamformer.geometry
    shape = (len(geometry.sequence), geometry.probe.n_elements, geometry.receive.n_samples)
    is_iq = geometry.receive.demodulation_frequency_hz > 0
    dtype = np.complex64 if is_iq else np.float32
    data = np.zeros((n_frames, *shape) if n_frames else shape, dtype)
    out = compiled(data, threads=1)
    del compiled
    gc.collect()
    tracemalloc.start()
    try:
        planned = plan()
        planned(data, out=out, threads=1)
        planned(data, out=out, threads=1)
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        planned(data, out=out, threads=1)
        _, peak = tracemalloc.get_traced_memory()
        return planned.n_bytes, held, peak - held
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("is_iq", "name"), [(False, name) for name in OF_RF] + [(True, name) for name in OF_IQ]
)
def test_a_plan_holds_what_it_says_and_no_more_than_64_mb(is_iq: bool, name: str) -> None:
    options = (OF_IQ if is_iq else OF_RF)[name]
    said, held, allocated = held_and_allocated(lambda: beamformer(is_iq, **options))
    assert said <= MOST_BYTES
    assert said == pytest.approx(held, rel=0.2)
    assert allocated < A_CALL_BYTES


SECTOR = SectorScan(angles_rad=np.linspace(-0.4, 0.4, 64), ranges_m=DEPTHS_M, apex_m=(0.0, 0.0))
SMALL = Probe.linear(
    "S", n_elements=64, pitch_m=0.3e-3, centre_frequency_hz=5e6, fractional_bandwidth=0.6
)


@pytest.mark.parametrize("is_iq", [False, True], ids=["RF", "IQ"])
@pytest.mark.parametrize("weighting", ["compound", "lines", "retrospective"])
def test_tables_of_a_lattice_are_counted_too(weighting: str, is_iq: bool) -> None:
    columns = LinearScan(x_m=SMALL.element_positions_m[:, 0], z_m=DEPTHS_M)
    waves = focused_lines(SMALL, n_lines=16, focus_depth_m=20e-3)
    said, held, allocated = held_and_allocated(
        lambda: beamformer(
            is_iq, probe=SMALL, waves=waves, n_samples=600, scan=columns, kernel="lattice",
            weighting=weighting,
        )
    )  # fmt: skip
    assert said == pytest.approx(held, rel=0.2)
    assert allocated < A_CALL_BYTES


@pytest.mark.parametrize("is_iq", [False, True], ids=["RF", "IQ"])
@pytest.mark.parametrize(
    ("waves", "options"),
    [
        (diverging_waves(SMALL, tilts_deg=(-20, -10, 0, 10, 20)), {"scan": SECTOR}),
        (focused_lines(SMALL, n_lines=32, focus_depth_m=20e-3), {"weighting": "lines"}),
        (focused_lines(SMALL, n_lines=32, focus_depth_m=20e-3), {"weighting": "retrospective"}),
    ],
    ids=["diverging waves, sector", "focused lines", "focused lines, retrospective"],
)
@pytest.mark.parametrize("kernel", ["range", "general", "aligned"])
def test_tables_are_counted_too(
    kernel: str, waves: TransmitSequence, options: dict[str, Any], is_iq: bool
) -> None:
    columns = LinearScan(x_m=SMALL.element_positions_m[:, 0], z_m=DEPTHS_M)
    options = {"scan": columns, "kernel": kernel} | options
    said, held, allocated = held_and_allocated(
        lambda: beamformer(is_iq, probe=SMALL, waves=waves, n_samples=600, **options)
    )
    assert said == pytest.approx(held, rel=0.2)
    assert allocated < A_CALL_BYTES


@pytest.mark.parametrize("is_iq", [False, True], ids=["RF", "IQ"])
@pytest.mark.parametrize("n_frames", [2, 16, 40])
def test_ensembles_hold_what_they_say(n_frames: int, is_iq: bool) -> None:
    columns = LinearScan(x_m=SMALL.element_positions_m[:, 0], z_m=DEPTHS_M[::8])
    said, held, allocated = held_and_allocated(
        lambda: beamformer(
            is_iq, probe=SMALL, waves=plane_waves([-5, 0, 5]), scan=columns, n_samples=600
        ).ensemble(n_frames),
        n_frames,
    )
    # Frames that are made one after the other are images of their own, one at a time.
    assert allocated < A_CALL_BYTES
    assert said <= held
    assert (
        held
        < 1.2 * said
        + beamformer(
            is_iq, probe=SMALL, waves=plane_waves([-5, 0, 5]), scan=columns, n_samples=600
        ).n_bytes
    )
