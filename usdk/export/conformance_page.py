"""The page of the conformance statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from usdk.export.conformance_statement import conformance_statement

__all__ = ["conformance_page"]

_HEAD = """# DICOM conformance

Made from the code by `scripts/write_dicom_conformance`; the same, for machines:
[dicom-conformance.json](dicom-conformance.json). It tells what the package writes and reads. Who
sends objects on, and to whom, is said with the lines to receivers.
"""

_PRESENCE = """Presence: `ALWAYS`; `VNAP`, always, and empty where the value is unknown;
`ANAP`, where the value is known. Type: of the strictest module that holds the attribute. Source:
the class whose fields fill it; *picture* is what is shown, with its calibration and provenance.
"""


def conformance_page() -> str:
    """Return the conformance statement as Markdown."""
    statement = conformance_statement()
    lines = [_HEAD, "## Objects", ""]
    rows = [(s["name"], f"`{s['uid']}`", s["iod"]) for s in statement["sop_classes"]]
    lines += _table(("SOP class, written and read", "UID", "Defined in"), rows)
    lines += [
        "",
        "Spectral Doppler and M-mode are written as images with regions of "
        "their own, and each part of a composed picture has its own.",
        "",
    ]
    lines += _table(
        ("Region", "Codes written"),
        [
            (name, ", ".join(f"{code} {meaning}" for code, meaning in codes.items()))
            for name, codes in statement["regions"].items()
        ],
    )
    lines += ["", "## Pixels", ""]
    lines += _table(("Photometric interpretation", "Samples"), statement["pixels"].items())
    lines += [
        "",
        "All transfer syntaxes are lossless; each frame is decoded and compared before "
        "an object is signed.",
        "",
    ]
    lines += _table(
        ("Transfer syntax", "UID", "Name here", "Use"),
        [
            (s["name"], f"`{s['uid']}`", f"`{s['codec']}`", s["use"])
            for s in statement["transfer_syntaxes"]
        ],
    )
    lines += [
        "",
        "Of other makers these are read, too, as far as the extra is installed. Deflated files are "
        "refused: a few bytes may stand for more than memory holds.",
        "",
    ]
    lines += _table(
        ("Transfer syntax", "UID", "Extra"),
        [
            (s["name"], f"`{s['uid']}`", f"`{s['extra']}`")
            for s in statement["transfer_syntaxes_read_besides"]
        ],
    )
    lines += ["", "## Text", ""]
    sets = statement["character_sets"]
    lines += [
        f"Written: {', '.join(sets['written'])}. Names have up to three groups: alphabetic, "
        "ideographic and phonetic. Read:",
        "",
        *(f"- {name}" for name in sets["read"]),
    ]
    lines += ["", "## Limits and extensions", ""]
    lines += _table(("Attribute", "Values"), statement["limits"].items())
    lines += [""]
    lines += [
        f"`{keyword}` of lines without a common origin is `{term}`, a term beside the standard's."
        for keyword, term in statement["extensions"].items()
    ]
    lines += ["", "## Private elements", ""]
    lines += _table(
        ("Tag", "Creator", "VR", "Meaning"),
        [(e["tag"], e["creator"], e["vr"], e["meaning"]) for e in statement["private_elements"]],
    )
    lines += ["", "## Signatures", ""]
    signatures = statement["signatures"]
    lines += _table(
        (signatures["standard"], ""),
        [
            ("Profiles", ", ".join(signatures["profiles"])),
            ("Digests", ", ".join(signatures["digests"])),
            ("Certificates", signatures["certificate_type"]),
            ("Time stamps", signatures["time_stamps"]),
        ],
    )
    lines += ["", "## Attributes", "", _PRESENCE]
    for name, attributes in statement["objects"].items():
        lines += [f"### {name}", "", *_attributes(attributes), ""]
    return "\n".join(lines).rstrip() + "\n"


def _attributes(rows: Iterable[dict[str, Any]]) -> list[str]:
    return _table(
        ("Attribute", "Tag", "VR", "Type", "Presence", "Source"),
        [
            (
                row["attribute"].replace(".", " › "),
                row["tag"],
                row["vr"],
                row["type"],
                row["presence"],
                row["source"],
            )
            for row in rows
        ],
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(map(str, line))} |" for line in lines]
