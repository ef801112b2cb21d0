from __future__ import annotations

import pytest

from usdk.dicom import check_dicom, us_image

DATA = "GreenPaletteColorLookupTableData"
DESCRIPTOR = "GreenPaletteColorLookupTableDescriptor"


@pytest.fixture
def dataset(in_colour, study):
    return us_image(in_colour, study=study, colour="palette")


def errors(dataset):
    return [f.attribute for f in check_dicom(dataset) if f.severity == "error"]


def test_a_palette_of_ours_is_sound(dataset):
    assert check_dicom(dataset, decode=True) == []


def test_tables_of_another_length_than_they_say_are_told(dataset):
    setattr(dataset, DATA, dataset[DATA].value[:-2])
    assert errors(dataset) == [DATA]


@pytest.mark.parametrize("keyword", [DATA, DESCRIPTOR])
def test_a_table_that_is_absent_is_told(dataset, keyword):
    del dataset[keyword]
    assert errors(dataset) == [keyword]


@pytest.mark.parametrize("value", [[256, 0], 7, [10, 0, 12]])
def test_a_descriptor_that_describes_nothing_is_told(dataset, value):
    setattr(dataset, DESCRIPTOR, value)
    assert DESCRIPTOR in errors(dataset)


def test_three_tables_must_be_of_one_kind(dataset):
    n_entries, _, n_bits = dataset[DESCRIPTOR].value
    setattr(dataset, DESCRIPTOR, [n_entries, 1, n_bits])
    assert errors(dataset) == ["RedPaletteColorLookupTableDescriptor"]


def test_entries_of_all_three_are_as_wide(dataset):
    n_entries, first, _ = dataset[DESCRIPTOR].value
    setattr(dataset, DESCRIPTOR, [n_entries, first, 8])
    assert "RedPaletteColorLookupTableDescriptor" in errors(dataset)


def test_a_table_of_values_names_no_colour_beyond_the_palette(dataset):
    item = dataset.SequenceOfUltrasoundRegions[1]
    n_entries = dataset[DESCRIPTOR].value[0]
    item.TableOfPixelValues = [*list(item.TableOfPixelValues)[:-1], n_entries]
    assert errors(dataset) == ["SequenceOfUltrasoundRegions[1].TableOfPixelValues"]
