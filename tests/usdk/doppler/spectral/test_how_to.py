"""The code of the page about spectral Doppler runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from usdk.acquisition import Acquisition, ReceiveSettings
from usdk.probe import Probe
from usdk.sequences import plane_waves

PAGE = Path(__file__).parents[4] / "docs/how-to/spectral-doppler.md"


def test_the_pages_examples_run(
    pulsatile: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    probe = Probe.linear(
        "p", n_elements=16, pitch_m=3e-4, centre_frequency_hz=5e6, fractional_bandwidth=0.6
    )
    echoes = np.random.default_rng(1).standard_normal((300, 1, 16, 600))
    acquisition = Acquisition(
        data=echoes.astype(np.float32),
        probe=probe,
        sequence=plane_waves(prf_hz=5000),
        receive=ReceiveSettings(sampling_frequency_hz=20e6, n_samples=600, time_zero_s=(0.0,)),
    )
    names: dict[str, Any] = {
        "acquisition": acquisition,
        "address": "sim:linear-l11-5v?scene=vessel",
        "signal": pulsatile.signal,
    }
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(block, str(PAGE), "exec"), names)
    vessel = pulsatile.vessel
    assert names["found"].psv_m_s == pytest.approx(vessel.psv_m_s, rel=0.05)
    assert names["found"].heart_rate_bpm == pytest.approx(60 * vessel.heart_rate_hz, rel=0.02)
    assert names["pulses"].extra_gates_m(0.12) == pytest.approx((0.043,))
    assert names["sound"].shape[0] == 2
    assert (tmp_path / "flow.wav").is_file()
    assert names["picture"].overlay is not None
