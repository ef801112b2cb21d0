"""Blocks that overlap, and their cells."""

from __future__ import annotations

import numpy as np
import pytest

from usdk.doppler.clutter.svd_blocks import Blocks


@pytest.mark.parametrize("shape", [(1, 1), (24, 40), (7, 101)])
@pytest.mark.parametrize("block_shape", [(1, 1), (8, 10), (5, 64), (100, 100)])
@pytest.mark.parametrize("overlap", [1, 2, 4])
def test_cells_tile_the_image_and_blocks_are_made_of_them(shape, block_shape, overlap):
    blocks = Blocks(shape, block_shape, overlap)
    counts = np.zeros(shape, int)
    for cell in blocks.cells:
        counts[cell] += 1
    assert (counts == 1).all()
    for block, cells in zip(blocks.blocks, blocks.cells_of_block, strict=True):
        inside = np.zeros(shape, bool)
        for cell in cells:
            inside[blocks.cells[cell]] = True
        assert inside[block].all()
        assert inside.sum() == inside[block].size
    for cell, owners in enumerate(blocks.blocks_of_cell):
        assert [cell in cells for cells in blocks.cells_of_block] == [
            block in owners for block in range(len(blocks.blocks))
        ]


def test_blocks_have_about_the_size_that_was_asked_for():
    blocks = Blocks((128, 512), (32, 100), 2)
    for lines, samples in blocks.blocks:
        assert lines.stop - lines.start == 32
        assert 90 <= samples.stop - samples.start <= 110
    assert max(len(owners) for owners in blocks.blocks_of_cell) == 4
