from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from usdk.errors import ArgumentError
from usdk.image import AntiAlias, ImageChain, LookCompounding, Persistence, ScanConverter, TimeGain
from usdk.scan import SectorScan

SCAN = SectorScan(angles_rad=np.linspace(-0.6, 0.6, 90), ranges_m=np.linspace(0.002, 0.08, 700))


def iq(seed: int) -> NDArray[np.complex64]:
    rng = np.random.default_rng(seed)
    pair = rng.standard_normal((2, *SCAN.shape))
    return (pair[0] + 1j * pair[1]).astype(np.complex64)


def made(chain: ImageChain, *looks: NDArray[Any], **known: Any) -> NDArray[np.uint8]:
    for index, look in enumerate(looks):
        chain.add(look, index=index)
    return chain.finish(**known)


def by_hand(image: NDArray[np.float64], reference: float, raster: Any) -> NDArray[np.uint8]:
    """The last stages: anti-aliasing, levels in float64, greys."""
    smooth = AntiAlias(SCAN, raster)(image.astype(np.float32))
    level_db = (20 * np.log10(smooth.astype(np.float64) / reference)).astype(np.float32)
    return ScanConverter(SCAN, raster).greys(level_db, dynamic_range_db=50.0, white_db=-4.0)


def test_the_stages_come_in_their_order() -> None:
    raster = SCAN.raster(n_rows=150)
    gain = TimeGain(depths_m=(0.0, 0.08), gains_db=(0.0, 30.0))
    chain = ImageChain(
        SCAN,
        raster,
        dynamic_range_db=50.0,
        gain_db=4.0,
        reference=20.0,
        time_gain=gain,
        persistence=Persistence(coefficient=0.6),
        n_looks=2,
        looks=LookCompounding.RMS,
    )
    average = np.zeros(SCAN.shape)
    for number in range(3):
        looks = iq(2 * number), iq(2 * number + 1)
        pixels = made(chain, *looks, sequence_number=number)
        power = np.mean([np.abs(look.astype(np.complex128)) ** 2 for look in looks], axis=0)
        image = np.sqrt(power) * 10 ** (gain.gain_db(SCAN.ranges_m) / 20)
        average = image if number == 0 else 0.6 * average + 0.4 * image
        off = np.abs(pixels.astype(int) - by_hand(average, 20.0, raster))
        assert off.max() <= 1
        assert off.mean() < 0.01
    names = [name for name, _ in chain.describe()]
    assert names == [
        "time gain",
        "persistence",
        "anti-aliasing",
        "dynamic range",
        "gain",
        "grey map",
    ]


def test_any_number_of_threads_makes_the_same_picture() -> None:
    pictures = []
    for threads in (1, 3):
        chain = ImageChain(SCAN, n_looks=2)
        for index in range(2):
            chain.add(iq(index), index=index, threads=threads)
        pictures.append(chain.finish(threads=threads))
    assert np.array_equal(*pictures)


def test_an_envelope_is_taken_as_it_is() -> None:
    look = iq(1)
    from_iq, from_envelope = (
        made(ImageChain(SCAN), image) for image in (look, np.abs(look).astype(np.float32))
    )
    assert np.abs(from_iq.astype(int) - from_envelope).max() <= 1


def test_the_gain_of_a_look_is_a_factor_of_its_envelope() -> None:
    chains = [ImageChain(SCAN, reference=5.0) for _ in range(2)]
    chains[0].add(iq(0), gain=0.5)
    chains[1].add(iq(0) * np.complex64(0.5))
    assert np.abs(chains[0].finish().astype(int) - chains[1].finish()).max() <= 1


def test_the_first_frame_that_is_not_silent_sets_the_reference() -> None:
    chain = ImageChain(SCAN)
    assert not made(chain, np.zeros(SCAN.shape, np.complex64)).any()
    assert chain.reference is None
    made(chain, iq(0))
    kept = chain.reference
    made(chain, 2 * iq(1))
    assert chain.reference == kept
    assert kept == pytest.approx(
        AntiAlias(SCAN, chain.converter.raster)(np.abs(iq(0))).max(), rel=1e-6
    )


def test_what_came_before_is_forgotten_when_asked() -> None:
    chain = ImageChain(SCAN, persistence=Persistence(coefficient=0.9))
    made(chain, iq(0))
    chain.reset()
    assert not made(chain, np.zeros(SCAN.shape, np.complex64)).any()


@pytest.mark.parametrize(
    "options",
    [
        {"gain_db": float("nan")},
        {"dynamic_range_db": 0.0},
        {"reference": -1.0},
        {"grey_map": "gamma"},
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        ImageChain(SCAN, **options)


def test_images_of_another_scan_are_refused() -> None:
    with pytest.raises(ArgumentError, match="scan's shape"):
        ImageChain(SCAN).add(np.zeros((3, 4), np.complex64))
