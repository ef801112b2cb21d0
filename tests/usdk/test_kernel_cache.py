from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from usdk.kernel_cache import warm_up

WARM_UP = """
import json
from dataclasses import asdict
from usdk.kernel_cache import warm_up

report = warm_up()
print(json.dumps({
    "kernels": [asdict(kernel) for kernel in report.kernels],
    "directories": [str(place) for place in report.directories],
    "is_cached": report.is_cached,
}))
"""

PIPELINE = """
import sys
import usdk
from usdk.kernel_cache.warming import public_kernels

with usdk.open_front_end(sys.argv[1]) as probe:
    probe.configure(usdk.plane_waves(), depth_m=10e-3)
    usdk.bmode(probe.read())
missed = {name for name, kernel in public_kernels() if kernel.stats.cache_misses}
print(sorted(missed))
"""


def run(program: str, *words: str, cache: Path | str, **environment: str) -> Any:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *words],
        env=os.environ | {"NUMBA_CACHE_DIR": str(cache)} | environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.fixture(scope="module")
def warmed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    cache = tmp_path_factory.mktemp("cache")
    done = run(WARM_UP, cache=cache)
    assert done.returncode == 0, done.stderr
    return cache, json.loads(done.stdout)


@pytest.mark.slow
def test_every_public_kernel_is_compiled_and_cached(warmed: tuple[Path, Any]) -> None:
    cache, report = warmed
    assert report["is_cached"]
    for kernel in report["kernels"]:
        assert kernel["n_variants"] >= 1, kernel
        assert kernel["compile_time_s"] > 0, kernel
        assert kernel["is_cached"], kernel
    assert {"das.das_iq", "point_echoes.add_point_echoes"} <= {k["name"] for k in report["kernels"]}
    assert all(Path(place).is_relative_to(cache) for place in report["directories"])


@pytest.mark.slow
@pytest.mark.parametrize("probe", ["sim:linear-l11-5v", "sim:phased-p4-2v", "sim:convex-c5-2v"])
def test_after_it_the_first_frame_compiles_nothing(warmed: tuple[Path, Any], probe: str) -> None:
    cache, _ = warmed
    done = run(PIPELINE, f"{probe}?scene=points", cache=cache)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


# As root every folder can be written, so the one place that looks for a folder finds none. One
# kernel stands for all: they are compiled by one decorator.
NOWHERE = """
import numpy as np
import usdk_kernels._compile as compiling

compiling._cache_for = lambda _: None

from usdk.kernel_cache import warming
from usdk_kernels.envelope import envelope_iq

warming.public_kernels = lambda: [("envelope.envelope_iq", envelope_iq)]
warming.rehearse = lambda: envelope_iq(np.ones((2, 2), np.complex64), np.ones((2, 2), np.float32))
"""


@pytest.mark.slow
def test_a_cache_that_cannot_be_written_is_told_and_is_no_error(tmp_path: Path) -> None:
    done = run(NOWHERE + WARM_UP, cache=tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert not report["is_cached"]
    assert report["directories"] == []
    assert all(kernel["n_variants"] for kernel in report["kernels"])
    assert not any(kernel["is_cached"] for kernel in report["kernels"])


@pytest.mark.slow
def test_a_second_call_compiles_nothing() -> None:
    first, second = warm_up(), warm_up()
    assert [kernel.name for kernel in first.kernels] == [kernel.name for kernel in second.kernels]
    assert all(kernel.n_variants >= 1 for kernel in first.kernels)
    assert all(kernel.compile_time_s == 0 for kernel in second.kernels)


def test_without_a_compiler_it_says_so() -> None:
    done = run(WARM_UP, cache="/tmp", NUMBA_DISABLE_JIT="1")
    assert done.returncode != 0
    assert "StateError: NUMBA_DISABLE_JIT is set" in done.stderr
