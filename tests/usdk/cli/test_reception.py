from __future__ import annotations

import pytest

from usdk.acquisition import GainCurve
from usdk.cli.reception import apply_settings, gain_curve
from usdk.errors import ArgumentError
from usdk.front_end import open_front_end, settings_of


def test_gain_is_given_over_depth() -> None:
    assert gain_curve("0:0,38.5:20") == GainCurve.over_depth([0.0, 0.0385], [0.0, 20.0])
    assert gain_curve(None) is None


@pytest.mark.parametrize("text", ["", "0", "0:a", "0:0:0", "40:0,0:20", "0:0,0:1"])
def test_what_is_no_curve_is_refused(text: str) -> None:
    with pytest.raises(ArgumentError, match="--tgc"):
        gain_curve(text)


def test_settings_are_set_by_name_in_their_own_kind() -> None:
    with open_front_end("sim:phased-p4-2v?scene=points") as front_end:
        texts = [
            "pace.overruns=on",
            "trigger.edge=falling",
            "trigger.delay_s=1e-3",
            "tgc.curve=0:6",
        ]
        apply_settings(front_end, texts)
        now = settings_of(front_end)
        assert now["pace.overruns"].value is True
        assert now["trigger.edge"].value == "falling"
        assert now["trigger.delay_s"].value == 1e-3
        assert now["tgc.curve"].value == GainCurve.constant(6.0)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("trigger.source", "NAME=VALUE"),
        ("colour=red", "no setting 'colour'"),
        ("trigger.delay_s=soon", "number"),
        ("pace.overruns=maybe", "on or off"),
        ("trigger.source=moon", "internal, external"),
        ("trigger.delay_s=9", "out of range"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(text: str, match: str) -> None:
    with (
        open_front_end("sim:phased-p4-2v?scene=points") as front_end,
        pytest.raises(ArgumentError, match=match),
    ):
        apply_settings(front_end, [text])
