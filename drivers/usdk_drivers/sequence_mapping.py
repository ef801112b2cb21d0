"""Between the transmits' own clocks and the device's."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import ReceiveSettings, time_zero_s
from usdk.errors import ArgumentError, DeviceFailedError
from usdk.front_end import Capabilities, Configuration, ReceiveRequest
from usdk.probe import Probe
from usdk.transmit import TransmitSequence
from usdk_drivers.echo_window import deepest_within, last_echo_s
from usdk_drivers.wire import (
    MAX_MESSAGE_BYTES,
    MAX_PAYLOAD_BYTES,
    MAX_SAMPLES,
    SequenceSettings,
    sequence_bytes,
)

__all__ = ["LEAST_SAMPLE_BYTES", "configuration_of", "require_on_offer", "settings_for"]

SAMPLES_PER_PERIOD = 4
# A clock that is derived from another misses its rate by no more.
_RATE_TOLERANCE = 1e-3
LEAST_SAMPLE_BYTES = 2  # int16; which type comes is the device's choice


def settings_for(
    sequence: TransmitSequence,
    receive: ReceiveRequest,
    probe: Probe,
    capabilities: Capabilities,
    configuration_id: int,
) -> SequenceSettings:
    """Return what to upload: delays from 0 on, and samples down to the depth asked for.

    Raises
    ------
    ArgumentError
        If it exceeds a limit of the device; the message says what would not.
    """
    _require_uploadable(sequence, probe)
    speed_m_s = receive.sound_speed_m_s
    own_s = sequence.delays_s(probe, speed_m_s)
    first_own_s = np.nanmin(own_s, axis=1)
    rate_hz = _sampling_frequency_hz(sequence, receive, probe, capabilities)
    # Own clock − first firing = device's clock, whose sample 0 is at 0.
    needed_s = last_echo_s(receive.depth_m, sequence, probe, speed_m_s) - first_own_s
    n_samples = math.ceil(float(needed_s.max()) * rate_hz) + 1
    max_samples = _max_samples(probe, capabilities)
    if n_samples > max_samples:
        allowed_s = first_own_s + (max_samples - 1) / rate_hz
        depth_m = deepest_within(allowed_s, sequence, probe, speed_m_s)
        raise ArgumentError(
            f"a depth of {receive.depth_m * 1e3:.1f} mm at {rate_hz / 1e6:.1f} MHz needs "
            f"{n_samples} samples, the device takes {max_samples}: ask for at most "
            f"{math.floor(depth_m * 1e4) / 10:.1f} mm"
        )
    _check_prf(sequence, n_samples / rate_hz, capabilities)
    apertures = receive.apertures
    if apertures is None and capabilities.n_receive_channels < probe.n_elements:
        apertures = _about_the_firing(own_s, capabilities.n_receive_channels)
    return SequenceSettings(
        configuration_id=configuration_id,
        sequence=sequence,
        delays_s=own_s - first_own_s[:, np.newaxis],
        first_sample_s=(0.0,) * len(sequence),
        sampling_frequency_hz=rate_hz,
        n_samples=n_samples,
        sound_speed_m_s=speed_m_s,
        wanted_depth_m=receive.depth_m,
        tgc=receive.tgc,
        apertures=apertures,
    )


def _about_the_firing(
    delays_s: NDArray[np.float64], n_channels: int
) -> tuple[tuple[int, int], ...]:
    """Return as many elements as there are channels, about the middle of those that fire."""
    apertures = []
    for row_s in delays_s:
        firing = np.flatnonzero(~np.isnan(row_s))
        first = (int(firing[0]) + int(firing[-1]) + 1 - n_channels) // 2
        first = min(max(first, 0), row_s.size - n_channels)
        apertures.append((first, first + n_channels))
    return tuple(apertures)


def _require_uploadable(sequence: TransmitSequence, probe: Probe) -> None:
    """Refuse a sequence that no message can hold, before its delays fill the memory."""
    n_bytes = sequence_bytes(len(sequence), probe.n_elements)
    if n_bytes > MAX_MESSAGE_BYTES:
        raise ArgumentError(
            f"{len(sequence)} transmits of {probe.n_elements} elements are an upload of {n_bytes} "
            f"bytes, the protocol takes {MAX_MESSAGE_BYTES}: use fewer transmits"
        )


def _max_samples(probe: Probe, capabilities: Capabilities) -> int:
    """Return how many samples the device takes and a packet of the smallest type holds."""
    in_packet = MAX_PAYLOAD_BYTES // (LEAST_SAMPLE_BYTES * probe.n_elements)
    return min(capabilities.max_samples, MAX_SAMPLES, in_packet)


def configuration_of(settings: SequenceSettings, probe: Probe) -> Configuration:
    """Return what the device says it set, on the transmits' own clocks.

    Raises
    ------
    DeviceFailedError
        If its delays are not those of the waves that it claims to send.
    """
    try:
        # Clocks differ by a constant in each transmit, which the delays tell.
        offset_s = time_zero_s(
            settings.sequence,
            probe,
            settings.sound_speed_m_s,
            delays_s=settings.delays_s,
            first_sample_s=0.0,
        )
        receive = ReceiveSettings(
            sampling_frequency_hz=settings.sampling_frequency_hz,
            n_samples=settings.n_samples,
            time_zero_s=tuple(np.add(settings.first_sample_s, offset_s).tolist()),
            demodulation_frequency_hz=settings.demodulation_frequency_hz,
            sound_speed_m_s=settings.sound_speed_m_s,
            wanted_depth_m=settings.wanted_depth_m,
            tgc=settings.tgc,
            apertures=settings.apertures,
        )
    except ArgumentError as error:
        raise DeviceFailedError(f"the device set something else than asked: {error}") from error
    return Configuration(
        sequence=settings.sequence, receive=receive, frame_rate_hz=settings.frame_rate_hz
    )


def require_on_offer(sampling_frequency_hz: float, capabilities: Capabilities) -> None:
    """Raise `DeviceFailedError` if a device says that it samples at a rate that it does not have.

    Every depth in a picture would be wrong by the same factor.
    """
    rates_hz = capabilities.sampling_frequencies_hz
    if any(math.isclose(sampling_frequency_hz, r, rel_tol=_RATE_TOLERANCE) for r in rates_hz):
        return
    offer = ", ".join(f"{rate_hz / 1e6:g}" for rate_hz in sorted(rates_hz))
    raise DeviceFailedError(
        f"the device set {sampling_frequency_hz / 1e6:g} MHz, and says that it samples at {offer} "
        "MHz: update its firmware"
    )


def _sampling_frequency_hz(
    sequence: TransmitSequence, receive: ReceiveRequest, probe: Probe, capabilities: Capabilities
) -> float:
    rates_hz = sorted(capabilities.sampling_frequencies_hz)
    wanted_hz = receive.sampling_frequency_hz
    if wanted_hz is None:
        least_hz = SAMPLES_PER_PERIOD * (sequence.frequency_hz or probe.centre_frequency_hz)
        return next((rate for rate in rates_hz if rate >= least_hz), rates_hz[-1])
    for rate_hz in rates_hz:
        if math.isclose(rate_hz, wanted_hz, rel_tol=1e-9):
            return rate_hz
    offer = ", ".join(f"{rate_hz / 1e6:g}" for rate_hz in rates_hz)
    raise ArgumentError(f"{wanted_hz / 1e6:g} MHz is not on offer; the device samples at {offer}")


def _check_prf(sequence: TransmitSequence, listening_s: float, capabilities: Capabilities) -> None:
    prf_hz = sequence.prf_hz
    if prf_hz is None:
        return
    greatest_hz = min(capabilities.max_prf_hz, 1 / listening_s)
    if prf_hz > greatest_hz:
        raise ArgumentError(
            f"a PRF of {prf_hz:.0f} Hz is too fast for this depth and device: "
            f"ask for at most {math.floor(greatest_hz)} Hz, or for less depth"
        )
