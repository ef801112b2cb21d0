from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydicom.datadict import tag_for_keyword

from usdk.errors import ArgumentError
from usdk.trust import dicom_tags as tags
from usdk.trust.signature_profile import unmet_tags

IDENTIFIERS = [
    tags.SOP_CLASS_UID,
    tags.SOP_INSTANCE_UID,
    tags.STUDY_INSTANCE_UID,
    tags.SERIES_INSTANCE_UID,
]


def test_the_creator_profile_wants_four_identifiers_even_if_absent():
    assert unmet_tags("CREATOR", [], []) == IDENTIFIERS
    assert unmet_tags("CREATOR", IDENTIFIERS, IDENTIFIERS) == []
    assert unmet_tags("BASE", IDENTIFIERS, []) == []


@pytest.fixture(scope="module")
def attributes():
    """Return the tags of a module's top-level attributes, by the standard's tables."""
    highdicom = pytest.importorskip("highdicom")
    table = Path(highdicom.__file__).parent / "_standard" / "module_attribute_map.json"
    if not table.exists():
        pytest.skip("this highdicom carries no module table")
    modules = json.loads(table.read_text())
    return lambda name: {tag_for_keyword(a["keyword"]) for a in modules[name] if not a["path"]}


@pytest.mark.parametrize(
    "module",
    ["general-equipment", "general-image", "image-pixel", "graphic-annotation",
     "multi-frame-functional-groups"],
)  # fmt: skip
def test_the_creator_profile_wants_every_attribute_of_its_modules(attributes, module):
    present = attributes(module) - {None}
    assert present
    assert present <= set(unmet_tags("CREATOR", present, IDENTIFIERS))


def test_the_authorization_profile_leaves_the_equipment_to_the_creator(attributes):
    image = attributes("general-image") | attributes("image-pixel")
    equipment = attributes("general-equipment") - image - {None, 0x00280120}
    assert not equipment & set(unmet_tags("AUTHORIZATION", equipment, []))
    assert unmet_tags("AUTHORIZATION", [0x00080012, 0x00080013], IDENTIFIERS) == []
    assert unmet_tags("AUTHORIZATION", [], []) == IDENTIFIERS


@pytest.mark.parametrize(
    "module",
    ["general-image", "image-pixel", "graphic-annotation", "multi-frame-functional-groups"],
)
def test_the_authorization_profile_wants_every_attribute_of_its_modules(attributes, module):
    present = attributes(module) - {None}
    assert present <= set(unmet_tags("AUTHORIZATION", present, IDENTIFIERS))


def test_the_creator_profile_wants_overlays_and_curves_of_every_group():
    present = [0x60003000, 0x601E3000, 0x50003000, 0x501E0010]
    assert unmet_tags("CREATOR", present, IDENTIFIERS) == sorted(present)
    others = [0x60200010, 0x60010010, 0x60000000, 0x00100010, 0x00180050, 0x00091001]
    assert unmet_tags("CREATOR", others, IDENTIFIERS) == []


def test_another_profile_is_refused():
    with pytest.raises(ArgumentError, match="BASE, CREATOR"):
        unmet_tags("OTHER", [], [])
