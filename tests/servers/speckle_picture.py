"""A native B-mode picture as large as one wants: speckle in a sector, black around it."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

__all__ = ["speckle_picture"]


def speckle_picture(n_rows: int, n_columns: int, seed: int = 1) -> bytes:
    """Return grey values, one byte a pixel, row by row.

    Fully developed speckle: the envelope of complex Gaussian noise with the correlation of a point
    spread function, on 512 scan lines of 1024 samples, in 60 dB, scan-converted to 80 degrees.
    """
    rng = np.random.default_rng(seed)
    parts = [gaussian_filter(rng.normal(size=(512, 1024)), (2.0, 2.5)) for _ in range(2)]
    envelope = np.hypot(*parts)
    level_db = 20.0 * np.log10(envelope / envelope.max() + 1e-9)
    z, x = np.mgrid[0:n_rows, 0:n_columns] / n_rows
    x -= n_columns / n_rows / 2
    depth, angle = np.hypot(x, z), np.arctan2(x, z) / np.radians(40.0)
    inside = (depth > 0.05) & (depth < 1.0) & (np.abs(angle) < 1.0)
    picture_db = map_coordinates(level_db, [(angle + 1) * 255.5, depth * 1023], order=1)
    grey = np.clip((picture_db + 60.0) / 60.0 * 255.0, 0.0, 255.0)
    return np.where(inside, grey, 0.0).astype(np.uint8).tobytes()
