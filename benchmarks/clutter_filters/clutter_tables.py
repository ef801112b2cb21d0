"""What each filter leaves of tissue and of blood, what velocity is found, and what it costs."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from clutter_packets import (
    SLOW_TIME,
    Packet,
    Vessel,
    blood_alone,
    inside,
    moving,
    outside,
    standing,
    truth_m_s,
)
from clutter_rows import ROWS

from usdk.doppler import Autocorrelator, Averaging, Correlations, average, flow_values
from usdk.doppler.clutter import ClutterFilter, SvdFilter
from usdk.doppler.clutter.svd_pieces import pieces_of_blocks, pieces_of_points
from usdk_kernels.casorati import filter_points

AVERAGING = Averaging(n_lines=5, n_samples=9)
COST_SHAPE, COST_PULSES, N_ROUNDS = (128, 512), 16, 40


def found_m_s(packet: Packet, clutter: ClutterFilter | None) -> Any:
    """Velocity of a packet, averaged as usual."""
    plan = Autocorrelator(packet.shape[:-1], packet.shape[-1], clutter=clutter)
    velocity_m_s, _ = flow_values(average(plan(packet), AVERAGING), SLOW_TIME)
    return velocity_m_s


def of_part(clutter: ClutterFilter | None, packet: Packet, part: Packet) -> Packet:
    """Filter a part of a packet by the matrices that the whole packet gives."""
    if clutter is None:
        return part
    if not isinstance(clutter, SvdFilter):
        return clutter(part)
    if clutter.block_shape is None:
        points = packet.reshape(-1, packet.shape[-1])
        pieces, source = pieces_of_points(points, clutter.cuts, None), part.reshape(points.shape)
    else:
        images = packet[None]
        settings = (clutter.block_shape, clutter.overlap, clutter.cuts, None)
        pieces, source = pieces_of_blocks(images, *settings), part[None]
    out = np.empty_like(source)
    for piece in pieces:
        place = source[piece.where]
        points = np.ascontiguousarray(place).reshape(-1, part.shape[-1])
        left = np.empty_like(points)
        parts = points.view(np.float32), piece.vectors, piece.kind, 0, points.shape[0]
        filter_points(*parts, left.view(np.float32))
        out[piece.where] = left.reshape(place.shape)
    return out.reshape(part.shape)


def loss_db(before: Packet, after: Packet, region: Any) -> float:
    """Mean power before over that after, dB."""
    powers = [np.mean(np.abs(part[region].astype(complex)) ** 2) for part in (before, after)]
    return float(10 * np.log10(powers[0] / max(powers[1], 1e-30)))


def errors(vessel: Vessel, clutter: ClutterFilter | None) -> tuple[float, float]:
    """Mean and standard deviation of the error in the vessel, cm/s, positive if too fast."""
    region = inside()
    truth = truth_m_s()[region]
    error = (found_m_s(vessel.packet, clutter)[region] - truth) * np.sign(truth)
    return float(100 * error.mean()), float(100 * error.std())


def costs_ms(rounds: int = N_ROUNDS) -> dict[str, float]:
    """Least time of filter and autocorrelation, ms, which others on the machine do not lengthen."""
    rng = np.random.default_rng(0)
    parts = rng.standard_normal((*COST_SHAPE, COST_PULSES, 2)).astype(np.float32)
    packet = parts.view(np.complex64)[..., 0] + np.complex64(30)
    packet = np.ascontiguousarray(packet)
    plans = {name: Autocorrelator(COST_SHAPE, COST_PULSES, clutter=f) for name, f in ROWS.items()}
    out = Correlations.empty(COST_SHAPE)
    times_s: dict[str, list[float]] = {name: [] for name in plans}
    for _ in range(rounds + 1):
        for name, plan in plans.items():
            begun_s = time.perf_counter()
            plan(packet, out=out)
            times_s[name].append(time.perf_counter() - begun_s)
    return {name: 1e3 * min(values[1:]) for name, values in times_s.items()}


def row(clutter: ClutterFilter | None) -> list[str]:
    """Return the figures of one filter, but for its cost."""
    wall = moving()
    assert wall.tissue is not None
    assert wall.blood is not None
    rejections = (
        loss_db(
            standing().packet, of_part(clutter, standing().packet, standing().packet), outside()
        ),
        loss_db(wall.tissue, of_part(clutter, wall.packet, wall.tissue), inside()),
    )
    lost = loss_db(wall.blood, of_part(clutter, wall.packet, wall.blood), inside())
    figures = [errors(vessel, clutter) for vessel in (blood_alone(), standing(), moving())]
    return [
        *(f"{rejection:.0f}" for rejection in rejections),
        f"{lost:.1f}",
        *(f"{bias:+.1f} ± {spread:.1f}".replace("-", "−") for bias, spread in figures),
    ]


def table() -> str:
    """Return the table of all filters."""
    heads = [
        "filter", "standing tissue, dB", "moving tissue, dB", "blood lost, dB",
        "error without tissue", "error, standing", "error, moving, cm/s", "cost, ms",
    ]  # fmt: skip
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    costs = costs_ms()
    for name, clutter in ROWS.items():
        cells = [name, *row(clutter), f"{costs[name]:.2g}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
