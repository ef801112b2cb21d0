"""The page that ``usdk demo`` ends with."""

from __future__ import annotations

from typing import Any

from usdk.cli.signing_options import NOT_FOR_PATIENTS

__all__ = ["demo_text"]


def demo_text(summary: dict[str, Any]) -> str:
    """Return the summary of a demo as one page of text."""
    lines = [""]
    for source in summary["sources"]:
        probe, rate_hz = source["probe"], source["frame_rate_hz"]
        rate = "" if rate_hz is None else f", {rate_hz:g} frames/s"
        lines += [
            f"probe      {source['address']}",
            f"           {probe['name']}: {probe['kind']}, {probe['n_elements']} elements, "
            f"{probe['centre_frequency_hz'] / 1e6:g} MHz",
            f"sequence   {source['sequence']}{rate}",
        ]
    lines += [
        f"frames     {summary['n_frames_received']} received, {summary['n_frames_lost']} lost, "
        f"{summary['n_frames_beamformed']} beamformed",
        "",
    ]
    for stage in summary["stages"]:
        lines.append(
            f"{stage['name']:<10} {stage['n']:>4} {stage['unit']:<7} {stage['time_s']:7.2f} s "
            f"{stage['rate_hz']:8.1f} /s"
        )
    lines += ["", *(f"file       {path}" for path in summary["files"].values()), ""]
    lines.append(f"signature: {summary['signature']}")
    delivery = summary["delivery"]
    if delivery is not None:
        lines.append(
            f"delivered: {delivery['n_confirmed']} objects, confirmed by {delivery['receiver']}"
        )
    if summary["development_key"]:
        lines.append(NOT_FOR_PATIENTS.replace("key", "keys"))
    if summary["peak_memory_bytes"] is not None:
        lines.append(f"peak memory: {summary['peak_memory_bytes'] / 2**20:.0f} MiB")
    return "\n".join(lines)
