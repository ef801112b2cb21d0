from __future__ import annotations

import subprocess
import sys

import pytest

import usdk.doppler

ROOMS = ("clutter", "colours", "dealiasing", "spectral", "vector")


@pytest.mark.parametrize("name", usdk.doppler.__all__)
def test_what_the_contents_name_is_there(name):
    assert getattr(usdk.doppler, name) is not None


def test_no_name_stands_twice():
    assert len(set(usdk.doppler.__all__)) == len(usdk.doppler.__all__)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_can_be_imported_first(room):
    code = f"import usdk.doppler.{room} as room; assert room.__all__"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("slow", ["scipy.signal", "scipy.special"])
def test_what_is_slow_to_import_is_imported_when_it_is_asked_for(slow):
    # Strain and the confidence of vectors need them; the import takes as long as a first picture.
    code = f"import sys, usdk.doppler, usdk.tissue_motion\nassert {slow!r} not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
