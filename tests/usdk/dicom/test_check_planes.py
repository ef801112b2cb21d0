from __future__ import annotations

import pytest

from usdk.dicom import enhanced_us_volume
from usdk.dicom.check_planes import SPACING_TOLERANCE, check_planes


@pytest.mark.parametrize(("share", "n_found"), [(0.5, 0), (1.5, 1)])
def test_rounding_is_let_pass(make_volume, heart, settings, share, n_found):
    dataset = enhanced_us_volume(make_volume(), study=heart, settings=settings)
    measures = dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    told = float(measures.SpacingBetweenSlices) * (1 + share * SPACING_TOLERANCE)
    measures.SpacingBetweenSlices = f"{told:.10g}"
    assert len(list(check_planes(dataset))) == n_found


def test_planes_of_several_data_types_share_their_places(make_volume, heart, settings):
    """Tissue and flow at one place are no step of nothing."""
    dataset = enhanced_us_volume(make_volume(), study=heart, settings=settings)
    frames = dataset.PerFrameFunctionalGroupsSequence
    positions = [frame.PlanePositionVolumeSequence for frame in frames]
    for index, frame in enumerate(frames):
        frame.PlanePositionVolumeSequence = positions[index // 2]
        frame.FrameContentSequence[0].DimensionIndexValues = [1, index // 2 + 1, index % 2 + 1]
    assert list(check_planes(dataset)) == []
