"""What ``usdk verify`` says of a file, for people."""

from __future__ import annotations

from typing import Any

from usdk.cli.signing_options import NOT_FOR_PATIENTS

__all__ = ["verification_text"]

_PIXEL_DATA = "7fe0,0010"
_TIMESTAMPS = {
    "NONE": "none",
    "NOT CHECKED": "there, not checked: --trust-time-stamps says whom to believe",
    "REFUSED": "REFUSED",
}


def verification_text(result: dict[str, Any]) -> str:
    """Return the lines for one file, of the same content as ``--json``."""
    lines = [f"{result['path']}: {'valid' if result['is_valid'] else 'REFUSED'}"]
    pixels = result.get("pixels")
    if pixels == "AS SIGNED":
        n_frames = result["n_frames"]
        count = "how many frames is not told" if n_frames is None else f"{n_frames} frames"
        lines.append(f"  pixels       as signed, {count}")
    elif pixels == "TRANSCODED":
        lines.append(
            "  pixels       transcoded, content proven by frame digests "
            f"({result['n_frames']} frames)"
        )
    lines += [f"  problem      {problem}" for problem in result["problems"]]
    for signature in result["signatures"]:
        lines += _signature_lines(signature, is_transcoded=pixels == "TRANSCODED")
    if result["signatures"]:
        uncovered = ", ".join(result["uncovered_tags"]) or "nothing"
        if not any(signature["is_valid"] for signature in result["signatures"]):
            uncovered = "anything, as no signature holds"
        lines.append(f"  not covered  {uncovered}")
    if result["development_key"]:
        lines.append(f"  {NOT_FOR_PATIENTS}")
    return "\n".join(lines)


def _signature_lines(signature: dict[str, Any], *, is_transcoded: bool) -> list[str]:
    where = f" ({signature['location']})" if signature["location"] else ""
    stamp = _TIMESTAMPS.get(
        signature["timestamp"], f"{signature['timestamp_at']} by {signature['timestamp_authority']}"
    )
    has_pixels = _PIXEL_DATA in signature["covered_tags"]
    lines = [
        f"  signed by    {signature['subject'] or 'unknown'}{where}",
        f"  issued by    {signature['issuer'] or 'unknown'}",
        f"  chain        {' < '.join(signature['chain']) or 'leads to nobody that you trust'}",
        f"  signed at    {signature['signed_at'] or 'unknown'} by the signer's own clock",
        f"  time stamp   {stamp}",
        f"  {'covered' if signature['is_valid'] else 'claims':<12} "
        f"{signature['n_covered']} elements, {'pixels' if has_pixels else 'no pixels'} among them, "
        f"{signature['profile'] or 'no'} profile, {signature['algorithm'] or 'unknown'}",
    ]
    if is_transcoded and not signature["is_valid"]:
        lines.append(
            "  superseded   it does not fit the file any more, and proves nothing by itself"
        )
    return lines
