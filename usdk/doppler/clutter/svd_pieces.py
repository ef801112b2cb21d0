"""Pieces: points that lie next to each other, with the filter that their blocks gave them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from usdk.doppler.clutter.packet import POINTS_PER_TILE, as_floats
from usdk.doppler.clutter.singular_values import (
    SingularValues,
    decompose,
    full_gram,
    gram_of,
)
from usdk.doppler.clutter.svd_blocks import Blocks
from usdk.tiles import cut, run_tiles
from usdk_kernels import casorati

__all__ = ["Cuts", "Piece", "pieces_of_blocks", "pieces_of_points"]

Cuts = Callable[[SingularValues], tuple[int, int]]
"""How many components are tissue and how many noise."""


class Piece(NamedTuple):
    """Where points stand in a packet, and the arguments of `usdk_kernels.casorati`."""

    where: tuple[int | slice, ...]
    vectors: NDArray[np.float32]
    kind: int


def pieces_of_points(points: NDArray[np.complex64], cuts: Cuts, threads: int | None) -> list[Piece]:
    """Return tiles of (n_points, n_pulses) with one filter for all of them."""
    singular = decompose(full_gram(gram_of(points, threads=threads)), points)
    n_tissue, n_noise = cuts(singular)
    n_pulses = singular.n_pulses
    kept = singular.temporal[:, n_tissue : n_pulses - n_noise]
    dropped = np.delete(singular.temporal, np.s_[n_tissue : n_pulses - n_noise], axis=1)
    # Whichever are fewer cost less.
    keeps = kept.shape[1] < dropped.shape[1]
    vectors = as_floats((kept if keeps else dropped).T)
    kind = casorati.KEEP if keeps else casorati.REMOVE
    return [
        Piece((slice(start, stop),), vectors, kind)
        for start, stop in cut(points.shape[0], POINTS_PER_TILE)
    ]


def pieces_of_blocks(
    images: NDArray[np.complex64],
    block_shape: tuple[int, int],
    overlap: int,
    cuts: Cuts,
    threads: int | None,
) -> list[Piece]:
    """Return the cells of (n_images, n_lines, n_samples, n_pulses), each with its blocks' mean."""
    n_images, n_lines, n_samples, n_pulses = images.shape
    blocks = Blocks((n_lines, n_samples), block_shape, overlap)
    n_cells, n_blocks = len(blocks.cells), len(blocks.blocks)
    grams = np.zeros((n_images, n_cells, n_pulses, n_pulses), complex)
    projections = np.empty((n_images, n_blocks, n_pulses, n_pulses), complex)

    def add_up(place: tuple[int, int]) -> None:
        image, cell = place
        points = images[image][blocks.cells[cell]].reshape(-1, n_pulses)
        grams[place] = gram_of(points, threads=1)

    def decide(place: tuple[int, int]) -> None:
        image, block = place
        points = images[image][blocks.blocks[block]].reshape(-1, n_pulses)
        gram = grams[image, blocks.cells_of_block[block]].sum(axis=0)
        singular = decompose(full_gram(gram), points)
        n_tissue, n_noise = cuts(singular)
        kept = singular.temporal[:, n_tissue : n_pulses - n_noise]
        projections[place] = kept @ kept.conj().T

    run_tiles(add_up, list(np.ndindex(n_images, n_cells)), threads=threads)
    run_tiles(decide, list(np.ndindex(n_images, n_blocks)), threads=threads)
    pieces = []
    for image, cell in np.ndindex(n_images, n_cells):
        mean = projections[image, blocks.blocks_of_cell[cell]].mean(axis=0)
        vectors = as_floats(mean.conj())
        pieces.append(Piece((image, *blocks.cells[cell]), vectors, casorati.MULTIPLY))
    return pieces
