from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from usdk.kernel_cache import KernelReport, WarmUpReport

DONE = KernelReport(name="das.das_iq", n_variants=1, compile_time_s=2.5, is_cached=True)
HIT = KernelReport(name="das.das_rf", n_variants=1, compile_time_s=0.0, is_cached=True)
LOST = KernelReport(name="envelope.envelope_iq", n_variants=1, compile_time_s=0.5, is_cached=False)


@pytest.fixture
def reporting(monkeypatch: pytest.MonkeyPatch) -> Any:
    def set_report(*kernels: KernelReport, directories: tuple[Path, ...] = ()) -> None:
        report = WarmUpReport(kernels=kernels, directories=directories, time_s=3.0)
        monkeypatch.setattr("usdk.cli.warm_up.warm_up", lambda: report)

    return set_report


def test_every_kernel_has_a_line_and_the_cache_is_named(usdk: Any, reporting: Any) -> None:
    reporting(DONE, HIT, directories=(Path("/var/cache/usdk"),))
    outcome = usdk("warm-up")
    assert outcome.status == 0
    assert "das.das_iq" in outcome.out
    assert "2.50 s" in outcome.out
    assert "cache: /var/cache/usdk" in outcome.out
    assert outcome.err == ""


def test_a_cache_that_cannot_be_written_ends_with_7_and_says_that_usdk_works(
    usdk: Any, reporting: Any
) -> None:
    reporting(DONE, LOST)
    outcome = usdk("warm-up")
    assert outcome.status == 7
    assert "usdk still works" in outcome.err
    assert "not cached" in outcome.out
    assert "cache: none" in outcome.out


def test_json_has_every_kernel(usdk: Any, reporting: Any) -> None:
    reporting(DONE, LOST, directories=(Path("/a"),))
    report = json.loads(usdk("warm-up", "--json").out)
    assert report["is_cached"] is False
    assert report["directories"] == ["/a"]
    assert report["kernels"][0] == {
        "name": "das.das_iq",
        "n_variants": 1,
        "compile_time_s": 2.5,
        "is_cached": True,
    }
