from __future__ import annotations

import numpy as np
import pytest

from usdk.dicom import ComposedFrame, Part, stack
from usdk.errors import ArgumentError


def test_a_stack_shows_its_parts_one_below_the_other(frame, spectral, m_mode):
    image = stack(frame, spectral, m_mode, gap_rows=5)
    assert image.shape == (61 + 5 + 64 + 5 + 70, 115)
    left = (115 - 91) // 2
    assert np.array_equal(image.pixels[:61], frame.pixels)
    assert np.array_equal(image.pixels[66:130, left : left + 91], spectral.pixels)
    assert not image.pixels[61:66].any()
    assert not image.pixels[66:130, :left].any()


def test_colour_of_one_part_makes_the_image_coloured(in_colour, spectral):
    image = stack(in_colour, spectral)
    assert image.is_colour
    assert image.pixels.shape[-1] == 3
    strip = image.pixels[-64:, 12 : 12 + 91]
    assert np.array_equal(strip, np.repeat(spectral.pixels[..., None], 3, axis=-1))


@pytest.mark.parametrize(("row", "is_apart"), [(60, False), (61, True)])
def test_parts_must_not_cover_each_other(frame, spectral, row, is_apart):
    parts = [Part(frame=frame), Part(frame=spectral, row=row)]
    if is_apart:
        assert ComposedFrame(parts=parts).shape == (61 + 64, 115)
        return
    with pytest.raises(ArgumentError, match="cover each other"):
        ComposedFrame(parts=parts)


def test_side_by_side_pictures_are_parts_too(frame):
    image = ComposedFrame(parts=[Part(frame=frame), Part(frame=frame, column=120)])
    assert image.shape == (61, 235)


@pytest.mark.parametrize("values", [{"row": -1}, {"column": 1.5}, {"row": 2**20}, {"frame": 3}])
def test_places_that_are_none_are_refused(frame, values):
    with pytest.raises(ArgumentError):
        Part(**({"frame": frame} | values))


def test_nothing_is_no_image():
    with pytest.raises(ArgumentError, match="at least one part"):
        stack()
    with pytest.raises(ArgumentError, match="Part"):
        ComposedFrame(parts=["a"])
