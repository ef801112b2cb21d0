"""Parts of the body that exist once: their images have no side (PS3.16 annex L)."""

from __future__ import annotations

__all__ = ["UNPAIRED_CODES", "UNPAIRED_PARTS"]

# SNOMED CT code and Body Part Examined.
_UNPAIRED = {
    "818981001": "ABDOMEN",
    "15825003": "AORTA",
    "7832008": "ABDOMINALAORTA",
    "89837001": "BLADDER",
    "12738006": "BRAIN",
    "816094009": "CHEST",
    "38848004": "DUODENUM",
    "32849002": "ESOPHAGUS",
    "28231008": "GALLBLADDER",
    "69536005": "HEAD",
    "80891009": "HEART",
    "64131007": "INFVENACAVA",
    "10200004": "LIVER",
    "72410000": "MEDIASTINUM",
    "45048000": "NECK",
    "15776009": "PANCREAS",
    "816092008": "PELVIS",
    "32764006": "PORTALVEIN",
    "41216001": "PROSTATE",
    "78961009": "SPLEEN",
    "69695003": "STOMACH",
    "9875009": "THYMUS",
    "69748006": "THYROID",
    "21974007": "TONGUE",
    "35039007": "UTERUS",
}
UNPAIRED_CODES = frozenset(_UNPAIRED)
UNPAIRED_PARTS = frozenset(_UNPAIRED.values())
