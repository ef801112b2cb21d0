from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from usdk.errors import ArgumentError, DeviceFailedError
from usdk.front_end import Capabilities, ReceiveRequest
from usdk.probe import Probe
from usdk.transmit import PlaneWave, SingleElement, TransmitSequence
from usdk_drivers.sequence_mapping import configuration_of, settings_for
from usdk_drivers.wire import MESSAGE_HEADER_BYTES, SequenceSettings, sequence_bytes

CAPABILITIES = Capabilities(
    n_transmit_channels=4,
    n_receive_channels=4,
    sampling_frequencies_hz=(40e6, 10e6, 20e6),
    max_samples=10_000,
    max_transmits=8,
    max_prf_hz=5e3,
)


def settings(probe: Probe, sequence: TransmitSequence, **request: float) -> SequenceSettings:
    receive = ReceiveRequest(**{"depth_m": 0.02, **request})  # type: ignore[arg-type]
    return settings_for(sequence, receive, probe, CAPABILITIES, 1)


def test_uploaded_delays_start_at_zero_in_every_transmit(
    small_probe: Probe, every_wave: TransmitSequence
) -> None:
    request = settings(small_probe, every_wave)
    assert np.nanmin(request.delays_s, axis=1).tolist() == [0.0] * 4
    own_s = every_wave.delays_s(small_probe, 1540.0)
    assert np.array_equal(np.isnan(request.delays_s), np.isnan(own_s))
    spread_s = np.nanmax(own_s, 1) - np.nanmin(own_s, 1)
    assert np.allclose(np.nanmax(request.delays_s, 1), spread_s, atol=1e-18)


def test_the_device_s_clock_is_mapped_back(
    small_probe: Probe, every_wave: TransmitSequence
) -> None:
    request = settings(small_probe, every_wave)
    # A device that starts every transmit 3 µs late on its clock, and samples from 5 µs on.
    answer = replace(
        request, delays_s=request.delays_s + 3e-6, first_sample_s=(5e-6,) * 4, frame_rate_hz=9.0
    )
    configuration = configuration_of(answer, small_probe)
    first_own_s = np.nanmin(every_wave.delays_s(small_probe, 1540.0), axis=1)
    assert np.allclose(configuration.receive.time_zero_s, first_own_s + 2e-6, atol=1e-15)
    assert configuration.frame_rate_hz == 9.0


def test_rounded_delays_are_taken_and_wrong_ones_are_not(
    small_probe: Probe, every_wave: TransmitSequence
) -> None:
    request = settings(small_probe, every_wave)
    rounded = np.round(request.delays_s * 2e9) / 2e9
    configuration_of(replace(request, delays_s=rounded), small_probe)
    wrong = request.delays_s.copy()
    wrong[0, 0] += 5e-9
    with pytest.raises(DeviceFailedError, match="else than asked"):
        configuration_of(replace(request, delays_s=wrong), small_probe)


@pytest.mark.parametrize(
    ("frequency_hz", "rate_hz"), [(2.5e6, 10e6), (2.6e6, 20e6), (9e6, 40e6), (30e6, 40e6)]
)
def test_the_lowest_rate_of_four_samples_a_period_is_taken(
    small_probe: Probe, frequency_hz: float, rate_hz: float
) -> None:
    sequence = TransmitSequence(transmits=(PlaneWave(),), frequency_hz=frequency_hz)
    assert settings(small_probe, sequence).sampling_frequency_hz == rate_hz


def test_a_rate_on_offer_is_taken_as_asked(small_probe: Probe) -> None:
    sequence = TransmitSequence(transmits=(PlaneWave(),))
    request = settings(small_probe, sequence, sampling_frequency_hz=40e6 * (1 + 1e-12))
    assert request.sampling_frequency_hz == 40e6


def test_a_packet_holds_at_most_what_the_protocol_allows(small_probe: Probe) -> None:
    endless = replace(CAPABILITIES, max_samples=2**31)
    sequence = TransmitSequence(transmits=(PlaneWave(),))
    for n_elements, most in ((4, 2**20), (128, 2**18)):
        probe = Probe.linear(
            "long",
            n_elements=n_elements,
            pitch_m=1e-6,
            centre_frequency_hz=5e6,
            fractional_bandwidth=0.6,
        )
        limits = replace(endless, n_transmit_channels=n_elements)
        for n_samples, is_taken in ((0.99 * most, True), (1.01 * most, False)):
            receive = ReceiveRequest(depth_m=n_samples / 20e6 * 770.0)
            if is_taken:
                request = settings_for(sequence, receive, probe, limits, 1)
                assert request.n_samples <= most
                continue
            with pytest.raises(ArgumentError, match=rf"the device takes {most}: ask for at most"):
                settings_for(sequence, receive, probe, limits, 1)


def test_an_upload_that_no_message_holds_is_refused_before_its_delays_are_computed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    probe = Probe.linear(
        "long",
        n_elements=16_384,
        pitch_m=1e-6,
        centre_frequency_hz=5e6,
        fractional_bandwidth=0.6,
    )
    sequence = TransmitSequence(transmits=(SingleElement(element=0),) * 512)
    monkeypatch.setattr(TransmitSequence, "delays_s", None)
    with pytest.raises(ArgumentError, match=r"512 transmits of 16384 .* use fewer transmits"):
        settings_for(sequence, ReceiveRequest(depth_m=0.01), probe, CAPABILITIES, 1)


def test_the_length_of_an_upload_is_known_beforehand(
    small_probe: Probe, every_wave: TransmitSequence
) -> None:
    message = settings(small_probe, every_wave).pack()
    assert len(message) == MESSAGE_HEADER_BYTES + sequence_bytes(4, small_probe.n_elements)
