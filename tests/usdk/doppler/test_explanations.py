"""The code of the pages that explain Doppler runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from usdk.acquisition import Acquisition, ReceiveSettings
from usdk.probe import Probe
from usdk.sequences import plane_waves

PAGES = Path(__file__).parents[3] / "docs/explanation"


def run(page: str, **names: Any) -> dict[str, Any]:
    """Run the blocks of a page one after the other, with names that it takes for given."""
    text = (PAGES / page).read_text(encoding="utf-8")
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(compile(block, page, "exec"), names)
    return names


def test_clutter_filters(capsys: pytest.CaptureFixture[str]) -> None:
    probe = Probe.linear(
        "p", n_elements=16, pitch_m=2e-4, centre_frequency_hz=6.84e6, fractional_bandwidth=0.6
    )
    random = np.random.default_rng(1)
    acquisition = Acquisition(
        data=random.standard_normal((12, 1, 16, 400)).astype(np.float32),
        probe=probe,
        sequence=plane_waves(prf_hz=6000),
        receive=ReceiveSettings(sampling_frequency_hz=30e6, n_samples=400, time_zero_s=(0.0,)),
    )
    blocks = [random.standard_normal((128, 512, n)).astype(np.complex64) for n in (3, 4)]
    names = run("clutter-filters.md", acquisition=acquisition, blocks=blocks, lost_pulses=False)
    assert names["plan"].estimator.clutter is names["wall"]
    # 5 cm/s at a Nyquist velocity of 0.338 m/s, as a share of the PRF.
    assert names["wall"].cutoff == pytest.approx(0.05 / 0.3377 / 2, rel=1e-3)
    assert names["filtered"].shape == (128, 512, 4)


def test_colour_maps(capsys: pytest.CaptureFixture[str]) -> None:
    run("colour-maps.md")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["protanopia", "deuteranopia", "tritanopia"]


def test_vectors_and_tissue_motion(capsys: pytest.CaptureFixture[str]) -> None:
    names = run("vector-and-tissue-motion.md")
    lines_m, depths_m = names["scan"].x_m, names["scan"].z_m
    middle = np.ix_(np.abs(lines_m) < 1e-3, np.abs(depths_m - 12e-3) < 0.5e-3)
    v_x, v_z = np.median(names["vectors"].velocity_m_s[middle], axis=(0, 1))
    # 0.4 m/s at 70° from the way to the probe, to the right; grating lobes make v_x read low.
    assert 0.28 < v_x < 0.40
    assert v_z == pytest.approx(-0.4 * np.cos(np.radians(70)), rel=0.12)
    assert names["picture"].is_colour
    assert capsys.readouterr().out == "(51, 101, 11) (51, 101, 11)\n"


def test_the_nyquist_velocity_of_the_page_about_doppler() -> None:
    from usdk.doppler import SlowTime

    text = (PAGES / "doppler.md").read_text(encoding="utf-8")
    nyquist_m_s = SlowTime(prf_hz=5e3, frequency_hz=5e6).nyquist_m_s
    assert f"At 5 MHz and 5 kHz that is {nyquist_m_s:.3f} m/s." in text
