"""Gate: channel data to the slow-time signal of a sample volume, planned once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import Acquisition, require_acquisition
from usdk.doppler.pulse_train import PulseTrain
from usdk.doppler.slow_time import SlowTime
from usdk.doppler.spectral.gate_weights import gate_weights
from usdk.doppler.spectral.range_ambiguity import RangeAmbiguity
from usdk.doppler.spectral.sample_volume import SampleVolume
from usdk.doppler.spectral.slow_time_signal import SlowTimeSignal
from usdk.errors import ArgumentError
from usdk_kernels.gate_sum import gate_sum_int16, gate_sum_iq, gate_sum_rf

__all__ = ["Gate"]


class Gate:
    """Demodulation, beamforming and range gate of a sample volume, as one weighted sum.

    All three are linear, and so their product is one table of weights over the samples near the
    gate: the same signal as from `Demodulator`, `Beamformer` and a sum along the gate, for a small
    part of the work. The rest of the records is never read.

    Pulses are told apart by the frames' sequence numbers: frames that nobody numbers begin a new
    signal with each acquisition.

    Parameters
    ----------
    acquisition : Acquisition
        Data of the kind that will come, RF or IQ; it is read only for its description. A sequence
        whose transmits are all alike sends one pulse with each; the transmits of any other are
        summed to one pulse a frame.
    sample_volume : SampleVolume
        Where to listen.
    prf_hz : float, optional
        Rate of the pulses, Hz; what the sequence says when absent: its ``prf_hz``, over the
        transmits that are summed to one pulse.
    high_prf : bool
        Take the gate's echo from a record that begins one or more pulses after its own: the gate
        lies deeper than c / (2 PRF). `ambiguity` tells what else is heard.
    demodulation : mapping, optional
        Options of `Demodulator`, for RF.
    **beamformer
        Options of `Beamformer`.

    Raises
    ------
    ArgumentError
        If the PRF is not known, the gate lies outside the records, or is deeper than the PRF
        allows without ``high_prf``.
    """

    def __init__(
        self,
        acquisition: Acquisition,
        sample_volume: SampleVolume,
        *,
        prf_hz: float | None = None,
        high_prf: bool = False,
        demodulation: Mapping[str, Any] | None = None,
        **beamformer: Any,
    ) -> None:
        require_acquisition(acquisition)
        if not isinstance(sample_volume, SampleVolume):
            raise ArgumentError(f"a gate is a SampleVolume, got {type(sample_volume).__name__}")
        sequence = acquisition.sequence
        self.sample_volume = sample_volume
        pulses = PulseTrain.of(acquisition, prf_hz)
        self.n_pulses_per_frame, prf_hz = pulses.n_pulses_per_frame, pulses.prf_hz
        sound_speed_m_s = acquisition.receive.sound_speed_m_s
        transmit_rate_hz = pulses.transmit_rate_hz
        self.ambiguity = RangeAmbiguity(prf_hz=transmit_rate_hz, sound_speed_m_s=sound_speed_m_s)
        self.depth_m = _depth_m(acquisition, sample_volume)
        self.n_pulses_behind = self._pulses_behind(high_prf)
        if self.n_pulses_behind and transmit_rate_hz != prf_hz:
            raise ArgumentError(
                "high-PRF Doppler sends one transmit again and again: this sequence has several"
            )
        self._probe, self._sequence = acquisition.probe, sequence
        self._receive, self._dtype = acquisition.receive, acquisition.data.dtype
        planned = gate_weights(
            pulses.pulse,
            sample_volume,
            delay_s=self.n_pulses_behind / transmit_rate_hz,
            demodulation=dict(demodulation or {}),
            beamformer=beamformer,
        )
        self.slow_time = SlowTime(
            prf_hz=prf_hz, frequency_hz=planned.frequency_hz, sound_speed_m_s=sound_speed_m_s
        )
        self._explanation, self.n_points = planned.explanation, planned.n_points
        self._first_sample = planned.first_sample
        n_looks, _, n_transmits, n_elements, width = planned.weight.shape
        weight = planned.weight.reshape(n_looks, 2, n_transmits * n_elements, width)
        used = np.flatnonzero(np.abs(weight).max(axis=(0, 1, 3)))
        self._first_record = int(used[0])
        self._weight = np.ascontiguousarray(weight[:, :, used[0] : used[-1] + 1])
        self.n_looks = int(n_looks)

    @property
    def n_bytes(self) -> int:
        """Memory that the plan holds."""
        return self._weight.nbytes

    def explain(self) -> str:
        """Return what is summed."""
        _, _, n_records, width = self._weight.shape
        return (
            f"gate of {self.n_points} points, {self.n_looks} looks: {n_records} records of {width} "
            f"samples from sample {self._first_sample} of {self._receive.n_samples}; the sum of: "
            f"{self._explanation}"
        )

    def __call__(self, acquisition: Acquisition) -> list[SlowTimeSignal]:
        """Return the gate's signal of each run of frames between which none was lost.

        Raises
        ------
        ArgumentError
            If the acquisition is not of the kind planned for, or its samples are not finite.
        """
        require_acquisition(acquisition)
        if (
            (acquisition.receive, acquisition.sequence) != (self._receive, self._sequence)
            or acquisition.data.dtype != self._dtype
            or not (acquisition.probe is self._probe or self._probe.is_like(acquisition.probe))
        ):
            raise ArgumentError(
                "planned for another probe, sequence, sample type or receive settings: make a new "
                "Gate"
            )
        samples = self._sum(acquisition.data)
        per_frame = self.n_pulses_per_frame
        numbers = acquisition.sequence_numbers
        edges = [0, acquisition.n_frames]
        if acquisition.n_frames > 1:
            is_lost = np.diff(numbers) != 1
            if acquisition.gaps:
                is_lost |= [acquisition.is_after_gap(n) for n in range(1, acquisition.n_frames)]
            edges[1:1] = (np.flatnonzero(is_lost) + 1).tolist()
        return [
            SlowTimeSignal(
                samples=samples[:, begin * per_frame : stop * per_frame],
                first_pulse=int(numbers[begin]) * per_frame,
                start_s=float(acquisition.device_timestamps_s[begin]),
            )
            for begin, stop in pairwise(edges)
        ]

    def _sum(self, data: NDArray[Any]) -> NDArray[np.complex64]:
        n_frames, n_samples = data.shape[0], data.shape[-1]
        n_pulses = n_frames * self.n_pulses_per_frame
        records = data.reshape(n_pulses, -1, n_samples)
        first_record, first_sample = self._first_record, self._first_sample
        if not records.flags.writeable:
            # A read-only array is another type to the compiler: copy what is read of it.
            _, _, n_records, width = self._weight.shape
            records = records[
                :, first_record : first_record + n_records, first_sample : first_sample + width
            ].copy()
            first_record = first_sample = 0
        samples = np.empty((self.n_looks, n_pulses), np.complex64)
        arguments = (records, first_record, first_sample, self._weight, samples)
        if data.dtype == np.int16:
            gate_sum_int16(*arguments)
            return samples
        (gate_sum_iq if data.dtype == np.complex64 else gate_sum_rf)(*arguments)
        if not np.all(np.isfinite(samples)):
            pulse = int(np.argwhere(~np.isfinite(samples))[0][1])
            raise ArgumentError(
                f"samples near the gate are NaN or infinite, the first at frame "
                f"{pulse // self.n_pulses_per_frame}: replace them (0 is silence)"
            )
        return samples

    def _pulses_behind(self, high_prf: bool) -> int:
        far_m = self.depth_m + self.sample_volume.length_m / 2
        if not high_prf:
            if far_m > self.ambiguity.spacing_m:
                raise ArgumentError(
                    f"at a PRF of {self.ambiguity.prf_hz:g} Hz the gate, down to "
                    f"{far_m * 1e3:.4g} mm, lies deeper than the "
                    f"{self.ambiguity.spacing_m * 1e3:.4g} mm that are heard unambiguously: lower "
                    "the PRF, or take high_prf=True"
                )
            return 0
        self.ambiguity.require_heard(self.depth_m, self.sample_volume.length_m)
        return self.ambiguity.n_pulses_behind(self.depth_m)


def _depth_m(acquisition: Acquisition, gate: SampleVolume) -> float:
    """Return half the way of the gate's echo: what pulses behind each other are told apart by."""
    centre_m, probe = np.array(gate.centre_m), acquisition.probe
    speed_m_s = acquisition.receive.sound_speed_m_s
    there_s = float(acquisition.sequence.transmits[0].arrival_time_s(centre_m, probe, speed_m_s))
    back_m = float(np.linalg.norm(probe.element_positions_m - centre_m, axis=1).min())
    depth_m = (there_s * speed_m_s + back_m) / 2
    if not (math.isfinite(depth_m) and depth_m > gate.length_m / 2):
        raise ArgumentError("the gate lies on the probe's face or behind it: move it deeper")
    return depth_m
