"""Overlapping blocks of an image, and the cells that they are made of."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from usdk.arguments import count

__all__ = ["Blocks", "Cell", "blocks_along"]

Cell = tuple[slice, slice]


class _Axis(NamedTuple):
    """Cells along one axis, and how many of them make a block."""

    edges: tuple[int, ...]
    per_block: int

    @property
    def n_cells(self) -> int:
        return len(self.edges) - 1

    @property
    def n_blocks(self) -> int:
        return self.n_cells - self.per_block + 1

    def blocks_of(self, cell: int) -> range:
        """Return the blocks that a cell is part of."""
        return range(max(0, cell - self.per_block + 1), min(cell, self.n_blocks - 1) + 1)


def blocks_along(n: int, size: int, overlap: int) -> _Axis:
    """Return the cells of n places for blocks of about a size, each place in ``overlap`` of them.

    Blocks are all of about the same size, the last ones no smaller; an axis shorter than a block
    is one.
    """
    if n <= size:
        return _Axis((0, n), 1)
    per_block = min(overlap, size)
    n_cells = max(per_block, round(n * per_block / size))
    edges = np.rint(np.linspace(0, n, n_cells + 1)).astype(int)
    return _Axis(tuple(int(edge) for edge in edges), per_block)


class Blocks:
    """Blocks of (n_lines, n_samples) points that overlap.

    Parameters
    ----------
    shape : (int, int)
        Lines and samples of the image.
    block_shape : (int, int)
        Lines and samples of a block.
    overlap : int
        Blocks along each axis that a point inside is part of: 1 for blocks side by side, 2 for
        an overlap of half a block, 4 for three quarters.
    """

    def __init__(self, shape: tuple[int, int], block_shape: tuple[int, int], overlap: int) -> None:
        self.axes = tuple(
            blocks_along(n, count(size, "block_shape", most=2**31), overlap)
            for n, size in zip(shape, block_shape, strict=True)
        )
        lines, samples = self.axes
        self.cells: list[Cell] = [
            (slice(*lines.edges[i : i + 2]), slice(*samples.edges[j : j + 2]))
            for i in range(lines.n_cells)
            for j in range(samples.n_cells)
        ]
        self.blocks: list[Cell] = []
        self.cells_of_block: list[list[int]] = []
        for i in range(lines.n_blocks):
            for j in range(samples.n_blocks):
                last_i, last_j = i + lines.per_block, j + samples.per_block
                self.blocks.append(
                    (
                        slice(lines.edges[i], lines.edges[last_i]),
                        slice(samples.edges[j], samples.edges[last_j]),
                    )
                )
                self.cells_of_block.append(
                    [m * samples.n_cells + n for m in range(i, last_i) for n in range(j, last_j)]
                )
        self.blocks_of_cell = [
            [m * samples.n_blocks + n for m in lines.blocks_of(i) for n in samples.blocks_of(j)]
            for i in range(lines.n_cells)
            for j in range(samples.n_cells)
        ]
