"""Screen: a frame shown where the program runs."""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from usdk.doppler.spectral import SpectralFrame
from usdk.frame import Frame
from usdk.m_mode import MModeFrame
from usdk.view.drawing import picture
from usdk.view.files import save_picture

__all__ = ["show"]


def show(frame: Frame | MModeFrame | SpectralFrame) -> Any:
    """Show a frame: in a notebook below the cell, on a desktop in a window, else as a PNG file.

    Returns
    -------
    PIL.Image.Image or pathlib.Path
        The picture, or where the file was written when there is no screen.
    """
    image = picture(frame)
    if _in_notebook():
        importlib.import_module("IPython.display").display(image)
        return image
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or os.name == "nt":
        image.show(title="usdk")
        return image
    handle, name = tempfile.mkstemp(prefix="usdk-frame-", suffix=".png")
    os.close(handle)
    path = save_picture(image, Path(name), format="PNG")
    print(f"no screen: the frame is in {path}", file=sys.stderr)  # noqa: T201
    return path


def _in_notebook() -> bool:
    # Only a program that already runs inside IPython has imported it.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and "IPKernelApp" in shell.config
