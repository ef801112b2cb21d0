"""Colour vision: how colours look to those who lack one kind of cone."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from usdk.choice import choice
from usdk.doppler.colours.perceptual import from_linear_light, linear_light

__all__ = ["Deficiency", "seen_with"]


class Deficiency(StrEnum):
    """Which kind of cone is lacking."""

    PROTANOPIA = "protanopia"
    DEUTERANOPIA = "deuteranopia"
    TRITANOPIA = "tritanopia"


_MATRICES = {
    Deficiency.PROTANOPIA: [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    Deficiency.DEUTERANOPIA: [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    Deficiency.TRITANOPIA: [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def seen_with(deficiency: Deficiency | str, colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return sRGB colours, (..., 3), as they look with a deficiency of full severity.

    References
    ----------
    G. M. Machado, M. M. Oliveira, L. A. F. Fernandes, "A physiologically-based model for simulation
    of color vision deficiency", IEEE Trans. Vis. Comput. Graph. 15(6), 2009, matrices of severity
    1.0, applied to linear light.
    """
    matrix = np.array(_MATRICES[choice(Deficiency, deficiency)])
    return from_linear_light(linear_light(colours) @ matrix.T)
