from __future__ import annotations

import numpy as np
import pytest

from usdk.doppler.colours.perceptual import greatest_chroma, lab, linear_light, srgb


@pytest.mark.parametrize(
    ("rgb", "expected"),
    [
        # B. Lindbloom's colour calculator, sRGB under D65.
        ((255, 255, 255), (100.0, 0.0, 0.0)),
        ((0, 0, 0), (0.0, 0.0, 0.0)),
        ((255, 0, 0), (53.2408, 80.0925, 67.2032)),
        ((0, 255, 0), (87.7347, -86.1827, 83.1793)),
        ((0, 0, 255), (32.2970, 79.1875, -107.8602)),
    ],
)
def test_cielab_of_the_primaries(rgb: tuple[int, ...], expected: tuple[float, ...]) -> None:
    assert lab(np.array(rgb, np.uint8)) == pytest.approx(expected, abs=0.01)


def test_srgb_and_cielab_are_inverse() -> None:
    colours = np.random.default_rng(0).integers(0, 256, (500, 3)).astype(np.uint8)
    lightness, a, b = lab(colours).T
    back = srgb(lightness, np.hypot(a, b), np.arctan2(b, a))
    assert np.array_equal(back, colours)


def test_the_greatest_chroma_is_just_shown() -> None:
    lightness = np.array([20.0, 50.0, 80.0])[:, None]
    hue_rad = np.radians(np.arange(0, 360, 15.0))
    chroma = greatest_chroma(lightness, hue_rad)
    at_edge = srgb(lightness, chroma, hue_rad)
    assert np.all((at_edge.min(axis=-1) <= 1) | (at_edge.max(axis=-1) == 255))
    beyond = lab(srgb(lightness, chroma + 15, hue_rad))
    assert np.all(np.hypot(beyond[..., 1], beyond[..., 2]) < chroma + 14)


def test_light_follows_the_curve_of_srgb() -> None:
    light = linear_light(np.array([0, 10, 128, 255], np.uint8))
    assert light == pytest.approx([0, 10 / 255 / 12.92, 0.215861, 1], abs=1e-6)
