"""The table of contents: what ``import usdk`` gives, and what it leaves for later."""

from __future__ import annotations

import subprocess
import sys

import pytest

import usdk


@pytest.mark.parametrize("name", usdk.__all__)
def test_every_name_in_the_table_is_there(name: str) -> None:
    assert getattr(usdk, name) is not None
    assert name in dir(usdk)


def test_no_name_stands_twice() -> None:
    assert len(set(usdk.__all__)) == len(usdk.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'wave'"):
        _ = usdk.wave  # type: ignore[attr-defined]


def test_importing_brings_no_driver_no_extra_and_nothing_slow() -> None:
    program = """
import sys, usdk
late = ("usdk_drivers", "h5py", "pydicom", "cryptography", "PIL", "rich", "usb", "scipy.signal")
print([name for name in late if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_the_function_bmode_is_not_hidden_by_its_module() -> None:
    program = "import usdk.bmode, usdk.view, usdk.io, usdk; print(callable(usdk.bmode))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n"
