"""SvdFilter: clutter as the greatest singular values of a packet's points by its pulses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import count, require_instance
from usdk.doppler.clutter.filter import ClutterFilter
from usdk.doppler.clutter.packet import as_floats, place, require_packet
from usdk.doppler.clutter.singular_values import (
    SingularValues,
    decompose,
    full_gram,
    gram_of,
)
from usdk.doppler.clutter.svd_pieces import Piece, pieces_of_blocks, pieces_of_points
from usdk.doppler.clutter.tissue_cuts import KneeCut, NoiseCut, TissueCut
from usdk.errors import ArgumentError
from usdk.tiles import run_tiles
from usdk_kernels import casorati

__all__ = ["MAX_OVERLAP", "MAX_PULSES", "SvdFilter"]

MAX_PULSES = 1024
"""Pulses of a packet, at most: the eigenvalue problem grows with their third power."""
MAX_OVERLAP = 8


class SvdFilter(ClutterFilter):
    """Take the components of a packet away that tissue moves together.

    The packet is a matrix of points by pulses (Casorati matrix). Tissue is strong and moves alike
    over wide areas, so that few singular values hold it; blood is weak and each of its points
    moves by itself; noise lies evenly over all. The filter drops the ``tissue`` greatest and the
    ``noise`` least components. It adapts to how tissue moves, takes away motion that no
    high pass can tell from blood by its velocity, and needs many points.

    Parameters
    ----------
    tissue : int or TissueCut, optional
        How many of the greatest components are tissue, or the rule that says so for each packet:
        `KneeCut` (when absent), `PowerCut`, `FrequencyCut`, `SimilarityCut`.
    noise : int or NoiseCut
        How many of the least are noise, or the rule: `MarchenkoPasturCut`, `SimilarityCut`.
    block_shape : (int, int), optional
        Lines and samples of a block; each block of the image then has its own components. Absent,
        all points of a packet are one block.
    overlap : int
        Blocks along each axis that a point is part of, 1 to `MAX_OVERLAP`; a point's result is the
        mean of theirs. 2 is an overlap of half a block.

    Raises
    ------
    ArgumentError
        If a number is out of range, or a rule is none.

    Notes
    -----
    At least one component is left: rules that call everything tissue or noise are cut short. The
    components come from the Gram matrix of the pulses, so that the cost hardly depends on how many
    are dropped; products are float32, so that components more than about 70 dB below the strongest
    are told apart poorly. The result is the same, bit for bit, for any number of threads.

    References
    ----------
    C. Demené et al., "Spatiotemporal clutter filtering of ultrafast ultrasound data highly
    increases Doppler and fUltrasound sensitivity", IEEE Trans. Med. Imaging 34(11), 2015. P. Song,
    A. Manduca, J. D. Trzasko, S. Chen, "Ultrasound small vessel imaging with block-wise adaptive
    local clutter filtering", IEEE Trans. Med. Imaging 36(1), 2017: blocks.
    """

    def __init__(
        self,
        tissue: int | TissueCut | None = None,
        noise: int | NoiseCut = 0,
        *,
        block_shape: tuple[int, int] | None = None,
        overlap: int = 2,
    ) -> None:
        tissue = KneeCut() if tissue is None else tissue
        is_rule = isinstance(tissue, TissueCut)
        self.tissue = tissue if is_rule else count(tissue, "tissue", least=0, most=MAX_PULSES)
        is_rule = isinstance(noise, NoiseCut)
        self.noise = noise if is_rule else count(noise, "noise", least=0, most=MAX_PULSES)
        self.overlap = count(overlap, "overlap", most=MAX_OVERLAP)
        self.block_shape: tuple[int, int] | None = None
        if block_shape is not None:
            if not isinstance(block_shape, tuple | list) or len(block_shape) != 2:
                raise ArgumentError(
                    f"block_shape must be (n_lines, n_samples), got {block_shape!r}"
                )
            n_lines, n_samples = (count(n, "block_shape", most=2**31) for n in block_shape)
            self.block_shape = (n_lines, n_samples)

    def n_pulses_out(self, n_pulses: int) -> int:
        """Return ``n_pulses``; `ArgumentError` if the fixed cuts leave no component of them."""
        n_pulses = count(n_pulses, "n_pulses", most=MAX_PULSES)
        self._require_rest(n_pulses, f"a packet of {n_pulses} pulses")
        return n_pulses

    def matrix(self, n_pulses: int) -> None:
        """Return None: the matrix is another one for every packet."""
        self.n_pulses_out(n_pulses)

    def describe(self) -> str:
        """Return the filter's cuts and blocks."""
        parts = [
            f"{rule} components" if isinstance(rule, int) else rule.describe()
            for rule in (self.tissue, self.noise)
        ]
        text = f"SVD, tissue: {parts[0]}"
        if self.noise != 0:
            text += f", noise: {parts[1]}"
        if self.block_shape is not None:
            text += f", blocks of {self.block_shape[0]} x {self.block_shape[1]}"
            text += f", {self.overlap} over each other"
        return text

    def singular_values(
        self, packet: NDArray[np.complex64], *, threads: int | None = None
    ) -> SingularValues:
        """Return singular values and vectors of a whole packet, for a look at where to cut."""
        packet = require_packet(packet)
        points = packet.reshape(-1, self.n_pulses_out(packet.shape[-1]))
        return decompose(full_gram(gram_of(points, threads=threads)), points)

    def cuts(self, singular: SingularValues) -> tuple[int, int]:
        """Return how many components are tissue and how many noise; one at least is neither."""
        rank = singular.rank
        self._require_rest(rank, f"a packet of rank {rank} (points or pulses)")
        tissue, noise = self.tissue, self.noise
        n_tissue = tissue if isinstance(tissue, int) else tissue.n_tissue(singular)
        n_noise = noise if isinstance(noise, int) else noise.n_noise(singular)
        n_tissue = min(n_tissue, rank - 1)
        return n_tissue, min(n_noise, singular.n_pulses - n_tissue - 1)

    def __call__(
        self,
        packet: NDArray[np.complex64],
        *,
        out: NDArray[np.complex64] | None = None,
        threads: int | None = None,
    ) -> NDArray[np.complex64]:
        """Return the packet without its tissue, and without its noise where asked for.

        Raises
        ------
        ArgumentError
            If a value is not finite (it would spoil every point), or the cuts leave nothing.
        """
        packet = require_packet(packet)
        n_pulses = self.n_pulses_out(packet.shape[-1])
        out = place(out, packet.shape, packet)
        grid = self._grid(packet)
        source, filtered = packet.reshape(*grid, n_pulses), out.reshape(*grid, n_pulses)

        def work(piece: Piece) -> None:
            points = source[piece.where].reshape(-1, n_pulses)
            target = _memory(filtered, piece).reshape(-1, n_pulses)
            casorati.filter_points(
                as_floats(points),
                piece.vectors,
                piece.kind,
                0,
                points.shape[0],
                target.view(np.float32),
            )
            _put(target, filtered, piece)

        run_tiles(work, self._pieces(source, threads), threads=threads)
        return out

    def correlate(
        self,
        packet: NDArray[np.complex64],
        *,
        lag: int = 1,
        power: NDArray[np.float32] | None = None,
        lagged: NDArray[np.complex64] | None = None,
        threads: int | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.complex64]]:
        r"""Return mean power and lag autocorrelation of the filtered packet, without storing it.

        Parameters
        ----------
        packet : ndarray of complex64, (..., n_pulses)
            As for a call.
        lag : int
            Pulses between the two factors, less than n_pulses.
        power : ndarray of float32, (...), optional
            Where to write the mean of \|y\|² over the pulses.
        lagged : ndarray of complex64, (...), optional
            Where to write the mean of y[t + lag] y*[t].
        threads : int, optional
            As for a call.
        """
        packet = require_packet(packet)
        n_pulses = self.n_pulses_out(packet.shape[-1])
        lag = count(lag, "lag", most=n_pulses - 1)
        power = _result(power, packet.shape[:-1], np.dtype(np.float32), "power")
        lagged = _result(lagged, packet.shape[:-1], np.dtype(np.complex64), "lagged")
        grid = self._grid(packet)
        source = packet.reshape(*grid, n_pulses)
        powers, products = power.reshape(grid), lagged.reshape(grid)

        def work(piece: Piece) -> None:
            points = source[piece.where].reshape(-1, n_pulses)
            level, product = _memory(powers, piece), _memory(products, piece)
            casorati.filter_and_correlate(
                as_floats(points),
                piece.vectors,
                piece.kind,
                lag,
                0,
                points.shape[0],
                level.reshape(-1),
                product.reshape(-1, 1).view(np.float32),
            )
            _put(level, powers, piece)
            _put(product, products, piece)

        run_tiles(work, self._pieces(source, threads), threads=threads)
        return power, lagged

    def _grid(self, packet: NDArray[np.complex64]) -> tuple[int, ...]:
        """Return the shape of the points: (n_points,), or of blocks (n_images, lines, samples)."""
        if self.block_shape is None:
            return (math.prod(packet.shape[:-1]),)
        if packet.ndim < 3:
            raise ArgumentError(
                "blocks need packets of (..., n_lines, n_samples, n_pulses), got shape "
                f"{packet.shape}: leave block_shape out"
            )
        return (math.prod(packet.shape[:-3]), *packet.shape[-3:-1])

    def _pieces(self, source: NDArray[np.complex64], threads: int | None) -> list[Piece]:
        if source.size == 0:
            return []
        if self.block_shape is None:
            return pieces_of_points(source, self.cuts, threads)
        return pieces_of_blocks(source, self.block_shape, self.overlap, self.cuts, threads)

    def _require_rest(self, rank: int, what: str) -> None:
        fixed = [rule for rule in (self.tissue, self.noise) if isinstance(rule, int)]
        if sum(fixed) >= rank:
            raise ArgumentError(
                f"dropping {sum(fixed)} components leaves nothing of {what}: drop fewer, or take "
                "longer packets and larger blocks"
            )


def _memory(array: NDArray[Any], piece: Piece) -> NDArray[Any]:
    """Return where a kernel writes a piece: the place itself where its points are in a row."""
    target = array[piece.where]
    return target if target.flags.c_contiguous else np.empty(target.shape, target.dtype)


def _put(memory: NDArray[Any], array: NDArray[Any], piece: Piece) -> None:
    target = array[piece.where]
    if not target.flags.c_contiguous:
        target[...] = memory.reshape(target.shape)


def _result(
    given: NDArray[Any] | None, shape: tuple[int, ...], dtype: np.dtype[Any], name: str
) -> NDArray[Any]:
    if given is None:
        return np.empty(shape, dtype)
    require_instance(given, np.ndarray, name)
    if given.shape != shape or given.dtype != dtype or not given.flags.carray:
        raise ArgumentError(f"{name} must be writable, C-contiguous {dtype} of {shape}")
    return given
