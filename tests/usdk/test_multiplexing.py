from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from usdk.acquisition import Acquisition, ReceiveSettings
from usdk.beamform import Beamformer
from usdk.bmode import BMode
from usdk.errors import ArgumentError
from usdk.front_end import ReceiveRequest, open_front_end
from usdk.multiplexing import combine_apertures, multiplexed
from usdk.probe import Probe
from usdk.scan import LinearScan
from usdk.transmit import PlaneWave, TransmitSequence

PROBE = Probe.linear(
    "p", n_elements=8, pitch_m=3e-4, centre_frequency_hz=5e6, fractional_bandwidth=0.6
)
SCAN = LinearScan(x_m=np.linspace(-8e-3, 8e-3, 9), z_m=np.linspace(5e-3, 35e-3, 31))
WAVES = TransmitSequence(transmits=(PlaneWave(), PlaneWave(azimuth_rad=0.1)), prf_hz=900.0)


def received(n_channels: int, **receive: object) -> tuple[Acquisition, Acquisition]:
    """Return what came through a multiplexer, and what all elements would have received."""
    sequence, apertures = multiplexed(WAVES, 8, n_channels)
    whole = np.random.default_rng(1).integers(1, 99, (3, len(WAVES), 8, 5)).astype(np.int16)
    parts = np.zeros((3, len(sequence), 8, 5), np.int16)
    n_parts = len(sequence) // len(WAVES)
    for k, (first, stop) in enumerate(apertures):
        parts[:, k, first:stop] = whole[:, k // n_parts, first:stop]
    settings = ReceiveSettings(
        sampling_frequency_hz=20e6,
        n_samples=5,
        time_zero_s=(1e-6,) * len(sequence),
        apertures=apertures,
    )
    return (
        Acquisition(data=parts, probe=PROBE, sequence=sequence, receive=settings),
        Acquisition(
            data=whole,
            probe=PROBE,
            sequence=WAVES,
            receive=replace(settings, time_zero_s=(1e-6,) * len(WAVES), apertures=None),
        ),
    )


@pytest.mark.parametrize("n_channels", [3, 4, 8, 20])
def test_parts_make_the_whole_again(n_channels: int) -> None:
    parts, whole = received(n_channels)
    combined = combine_apertures(parts)
    assert np.array_equal(combined.data, whole.data)
    assert combined.receive == whole.receive
    assert combined.sequence.transmits == WAVES.transmits
    assert combined.sequence.prf_hz == 900.0 / (len(parts.sequence) // len(WAVES))


def test_every_element_listens_once_and_no_part_is_larger_than_the_channels() -> None:
    sequence, apertures = multiplexed(WAVES, 128, 64)
    assert apertures == ((0, 64), (64, 128)) * 2
    assert sequence.transmits == tuple(wave for wave in WAVES.transmits for _ in range(2))
    assert all(stop - first <= 50 for first, stop in multiplexed(WAVES, 128, 50)[1])


def test_apertures_that_do_not_reach_all_elements_stay_told() -> None:
    parts, _ = received(4)
    one = replace(
        parts,
        data=parts.data[:, :1],
        sequence=replace(parts.sequence, transmits=parts.sequence.transmits[:1]),
        receive=replace(parts.receive, time_zero_s=(1e-6,), apertures=((0, 4),)),
    )
    assert combine_apertures(one).receive.apertures == ((0, 4),)


def test_what_cannot_be_combined_is_refused() -> None:
    parts, whole = received(4)
    with pytest.raises(ArgumentError, match="nothing is to combine"):
        combine_apertures(whole)
    hole = replace(parts.receive, apertures=((0, 3), (4, 8), (0, 4), (4, 8)))
    with pytest.raises(ArgumentError, match="elements 3 to 3"):
        combine_apertures(replace(parts, receive=hole))
    later = replace(parts.receive, time_zero_s=(1e-6, 2e-6, 1e-6, 1e-6))
    with pytest.raises(ArgumentError, match="different times"):
        combine_apertures(replace(parts, receive=later))


def test_an_aperture_beyond_the_array_is_no_acquisition() -> None:
    parts, _ = received(4)
    with pytest.raises(ArgumentError, match="element 9"):
        replace(parts, receive=replace(parts.receive, apertures=((0, 9),) * 4))
    with pytest.raises(ArgumentError, match="one \\(first, stop\\) per transmit"):
        replace(parts.receive, apertures=((0, 4),))
    with pytest.raises(ArgumentError, match="0 <= first < stop"):
        replace(parts.receive, apertures=((4, 4),) * 4)


def simulated(n_channels: int | None) -> Acquisition:
    """Return a still frame of three wires, through a multiplexer or with all channels."""
    some = "" if n_channels is None else f"&n_channels={n_channels}"
    with open_front_end(f"sim:phased-p4-2v?scene=points&noise_db=-inf{some}") as front_end:
        n_elements = front_end.probe.n_elements
        sequence, apertures = multiplexed(WAVES, n_elements, n_channels or n_elements)
        front_end.configure(sequence, ReceiveRequest(depth_m=0.04, apertures=apertures))
        return front_end.read()


@pytest.fixture(scope="module")
def whole() -> Acquisition:
    return combine_apertures(simulated(None))


@pytest.mark.parametrize("n_channels", [20, 32])
def test_a_picture_through_a_multiplexer_is_that_of_all_channels(
    n_channels: int, whole: Acquisition
) -> None:
    parts = simulated(n_channels)
    (frame,) = BMode(parts)(parts)
    (expected,) = BMode(whole)(whole)
    assert np.array_equal(frame.pixels, expected.pixels)
    assert expected.pixels.max() == 255
    assert ("receive apertures", "combined") in frame.provenance.processing
    assert frame.raster == expected.raster


@pytest.mark.parametrize("options", [{}, {"normalize": False, "combination": "coherence factor"}])
def test_elements_that_were_not_received_are_never_weighed(
    options: dict[str, Any], whole: Acquisition
) -> None:
    receive = replace(whole.receive, apertures=((16, 48),) * len(WAVES))
    data = np.zeros_like(whole.data)
    data[:, :, 16:48] = whole.data[:, :, 16:48]
    part = replace(whole, data=data, receive=receive)
    with pytest.raises(ArgumentError, match=r"elements 16 to 47 of 64 alone.*combine_apertures"):
        BMode(part, **options)
    # The sum of what was heard needs no weights of the others.
    heard = Beamformer.for_acquisition(part, SCAN, normalize=False)
    full = Beamformer.for_acquisition(whole, SCAN, normalize=False)
    others = whole.data[0].astype(np.float32)
    others[:, 16:48] = 0
    assert np.allclose(
        heard(data[0]) + full(others), full(whole.data[0]), atol=1e-3 * np.abs(whole.data).max()
    )
