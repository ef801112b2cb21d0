from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from usdk.dicom import read_region_pictures, us_image

DCMCONV = Path("/usr/bin/dcmconv")


@pytest.mark.skipif(not DCMCONV.exists(), reason="DCMTK's dcmconv is not installed")
@pytest.mark.parametrize("order", ["+te", "+tb", "+ti"])
def test_colours_do_not_depend_on_the_order_of_bytes(in_colour, study, tmp_path, order):
    plain, path = tmp_path / "plain.dcm", tmp_path / "other.dcm"
    dataset = us_image(in_colour, study=study, colour="palette")
    dataset.save_as(plain, enforce_file_format=True)
    subprocess.run([DCMCONV, order, plain, path], check=True, timeout=60)
    picture = read_region_pictures(path)[0]
    assert np.array_equal(picture.pixels, in_colour.pixels)
