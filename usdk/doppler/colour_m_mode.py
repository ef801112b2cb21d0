"""ColourMMode: velocities along a line over time, in colour on M-mode."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import Acquisition, require_acquisition, require_finite, require_like
from usdk.arguments import count, finite, positive
from usdk.demodulation import Demodulator
from usdk.doppler.autocorrelation import Autocorrelator
from usdk.doppler.averaging import Averaging, average
from usdk.doppler.clutter import ClutterFilter, MeanFilter
from usdk.doppler.colours import ColourMap, VelocityScale, colour_map
from usdk.doppler.correlations import Correlations
from usdk.doppler.picture_rate import PictureRate
from usdk.doppler.pulse_train import PulseTrain
from usdk.doppler.slow_time import SlowTime
from usdk.doppler.velocity import flow_values
from usdk.errors import ArgumentError
from usdk.flow_overlay import FlowKind, FlowOverlay
from usdk.m_mode import MMode, MModeFrame
from usdk.m_mode.sweep import Sweep
from usdk.scan import LineScan

__all__ = ["MAX_PACKET", "ColourMMode"]

MAX_PACKET = 256
_MEAN = MeanFilter()
_MAX_PULSES = 2**62


class ColourMMode:
    """One line, in packets of pulses: grey echoes and Doppler velocities over time.

    Packet k is the pulses from k ``packet_size`` on, by their numbers; one of which pulses were
    lost is left out. Each is filtered and correlated as colour flow is; correlations of packets
    that fall into one column are averaged. Nothing depends on how pulses are cut into blocks.

    Parameters
    ----------
    acquisition : Acquisition
        Data of the kind that will come, a pulse a frame, or several that are alike; it is read
        only for its description.
    line : LineScan
        Where to look.
    packet_size : int
        Pulses of a packet, 2 to `MAX_PACKET`.
    prf_hz : float, optional
        Rate of the pulses, Hz; what the sequence says when absent.
    clutter : ClutterFilter, optional
        What is taken away first: the mean of each packet unless said otherwise, None for nothing.
    n_samples : int
        Depths over which correlations are averaged, odd.
    threshold_db : float
        Power of flow, below the reference, down to which there is colour, dB.
    reference_power : float, optional
        Mean power of a filtered packet from which the threshold counts; the greatest of the first
        picture when absent.
    least_velocity_m_s : float
        Least speed along the beam that is coloured, m/s.
    grey_limit : int
        Greys as light as this stay grey.
    colours : ColourMap or str
        Colour map of velocities.
    scale : VelocityScale, optional
        Limits, baseline, direction and angle of the scale.
    sweep_s, n_columns
        As for `usdk.MMode`.
    m_mode : mapping, optional
        Other options of `usdk.MMode`: ``dynamic_range_db``, ``gain_db``, ``time_gain`` …
    picture_rate_hz : float, optional
        Pictures that a call returns in a second of the pulses' time, at most: for a live stream;
        no limit when absent.
    **beamformer
        Options of `Beamformer`.
    """

    def __init__(
        self,
        acquisition: Acquisition,
        line: LineScan,
        *,
        packet_size: int = 12,
        prf_hz: float | None = None,
        clutter: ClutterFilter | None = _MEAN,
        n_samples: int = 5,
        threshold_db: float = 30.0,
        reference_power: float | None = None,
        least_velocity_m_s: float = 0.0,
        grey_limit: int = 200,
        colours: ColourMap | str = "red-blue",
        scale: VelocityScale | None = None,
        sweep_s: float = 4.0,
        n_columns: int = 512,
        m_mode: Mapping[str, Any] | None = None,
        picture_rate_hz: float | None = None,
        **beamformer: Any,
    ) -> None:
        require_acquisition(acquisition)
        self.packet_size = count(packet_size, "packet_size", least=2, most=MAX_PACKET)
        self.pulses = PulseTrain.of(acquisition, prf_hz)
        self._pictures = PictureRate(picture_rate_hz, self.pulses.prf_hz)
        self.threshold_db = finite(threshold_db, "threshold_db")
        self.least_velocity_m_s = finite(least_velocity_m_s, "least_velocity_m_s")
        self.grey_limit = count(grey_limit, "grey_limit", least=0, most=256)
        self.colours, self.scale = colour_map(colours), scale or VelocityScale()
        if self.colours.kind is not FlowKind.VELOCITY:
            raise ArgumentError(f"colour M-mode shows velocities: {self.colours.name!r} does not")
        self._averaging = Averaging(n_samples=n_samples)
        pulse = self.pulses.pulse
        self._m_mode = MMode(
            pulse,
            line,
            sweep_s=sweep_s,
            n_columns=n_columns,
            frame_period_s=1 / self.pulses.prf_hz,
            **dict(m_mode or {}),
            **beamformer,
        )
        self.line = line
        self._demodulator = None if pulse.is_iq else Demodulator(pulse)
        receive = self._demodulator.receive if self._demodulator else pulse.receive
        self.slow_time = SlowTime(
            prf_hz=self.pulses.prf_hz,
            frequency_hz=receive.demodulation_frequency_hz,
            sound_speed_m_s=receive.sound_speed_m_s,
        )
        self.clutter = clutter
        self._correlate = Autocorrelator((line.n_samples,), self.packet_size, clutter=self.clutter)
        shape = (*pulse.data.shape[1:3], receive.n_samples)
        self._iq = np.empty(shape if self._demodulator else 0, np.complex64)
        self._packet = np.empty((line.n_samples, self.packet_size), np.complex64)
        self._sweep = Sweep(n_columns, 3 * line.n_samples, sweep_s / n_columns)
        self._kind = (acquisition.probe, acquisition.sequence, acquisition.receive)
        self.reference_power = (
            None if reference_power is None else positive(reference_power, "reference_power")
        )
        self.reset()

    @property
    def n_bytes(self) -> int:
        """Memory that the plan holds, however long it runs."""
        demodulator = 0 if self._demodulator is None else self._demodulator.n_bytes
        buffers = self._iq.nbytes + self._packet.nbytes + self._sweep.n_bytes
        return self._m_mode.n_bytes + demodulator + buffers

    def reset(self) -> None:
        """Forget all pulses: the next one begins a new picture."""
        self._m_mode.reset()
        self._sweep.reset()
        self._pictures.reset()
        self._n_kept, self._next_pulse = 0, -1

    def add(self, acquisition: Acquisition) -> None:
        """Take the pulses of an acquisition.

        Raises
        ------
        ArgumentError
            If the acquisition is not of the kind planned for, or its samples are not finite.
        """
        require_like(acquisition, self._kind, "ColourMMode")
        require_finite(acquisition)
        per_frame, prf_hz = self.pulses.n_pulses_per_frame, self.pulses.prf_hz
        for index in range(acquisition.n_frames):
            number = int(acquisition.sequence_numbers[index]) * per_frame
            start_s = float(acquisition.device_timestamps_s[index])
            if not math.isfinite(start_s):
                start_s = number / prf_hz
            frame = acquisition.data[index].reshape(per_frame, -1, *acquisition.data.shape[2:])
            for n in range(per_frame):
                self._add_pulse(frame[n], number + n, start_s + n / prf_hz)

    def add_line(
        self, samples: NDArray[np.complex64], *, time_s: float, sequence_number: int
    ) -> None:
        """Take one pulse that was beamformed elsewhere, from an array for example.

        Parameters
        ----------
        samples : ndarray of complex64, (n_samples,)
            IQ along the line.
        time_s : float
            When the pulse was sent, s.
        sequence_number : int
            Its count, from 0: packets begin at multiples of their size.

        Raises
        ------
        ArgumentError
            If the samples are not finite IQ along the line, or the number is negative.
        """
        if np.shape(samples) != self.line.shape or samples.dtype.kind != "c":
            raise ArgumentError(f"samples must be IQ, complex64, of shape {self.line.shape}")
        if not np.all(np.isfinite(samples)):
            raise ArgumentError("samples must be finite: replace what is not (0 is silence)")
        number = count(sequence_number, "sequence_number", least=0, most=_MAX_PULSES)
        time_s = finite(time_s, "time_s")
        if self._is_wanted(number):
            self._keep(samples, number, time_s)

    def __call__(self, acquisition: Acquisition) -> MModeFrame | None:
        """Take the pulses of an acquisition, and return the picture that ends with them.

        None while no packet is whole yet, and where ``picture_rate_hz`` asks for no picture so
        soon after the last: a live stream goes on with the next pulses.
        """
        self.add(acquisition)
        if self._sweep.is_empty or not self._pictures.is_due(self._next_pulse):
            return None
        return self.frame()

    def frame(self) -> MModeFrame:
        """Return the picture of the last ``sweep_s``, its velocities in the overlay."""
        if self._sweep.is_empty:
            raise ArgumentError("no packet was added yet: it needs more pulses")
        grey = self._m_mode.frame()
        columns, has_flow, _ = self._sweep.columns()
        power, real, imag = np.split(columns, 3, axis=1)
        correlations = Correlations(
            power=np.ascontiguousarray(power),
            lag_one=np.ascontiguousarray(real + 1j * imag, np.complex64),
        )
        correlations = average(correlations, self._averaging)
        velocity_m_s, _ = flow_values(correlations, self.slow_time)
        if self.reference_power is None:
            self.reference_power = float(correlations.power.max()) or None
        with np.errstate(divide="ignore"):
            power_db = 10 * np.log10(correlations.power / (self.reference_power or 1.0))
        is_flow = (power_db >= -self.threshold_db) & has_flow[:, None]
        is_flow &= np.abs(velocity_m_s) >= self.least_velocity_m_s
        is_flow &= self.grey_limit > grey.pixels.T
        velocity_m_s, nyquist_m_s = self._on_scale(velocity_m_s)
        low, high = self.scale.ends_m_s(nyquist_m_s)
        table = self.colours.between(low, high, is_inverted=self.scale.is_inverted)
        share = (velocity_m_s - low) / (high - low) * len(table)
        entry = np.clip(share, 0, len(table) - 1).astype(np.intp)
        pixels = np.repeat(grey.pixels[:, :, None], 3, axis=2)
        pixels[is_flow.T] = table[entry.T[is_flow.T]]
        overlay = FlowOverlay(
            kind=FlowKind.VELOCITY,
            velocity_m_s=_where(is_flow, velocity_m_s),
            power_db=_where(is_flow, power_db),
            scale=(low, high),
            colours=table,
            nyquist_m_s=nyquist_m_s,
            prf_hz=self.pulses.prf_hz,
            frequency_hz=grey.provenance.transmit_frequency_hz,
            box=(0, 0, *grey.pixels.shape),
            steering_rad=self._steering_rad(),
            angle_rad=self.scale.angle_rad,
        )
        processing = (
            *grey.provenance.processing,
            ("packet", f"{self.packet_size} pulses"),
            ("clutter filter", "none" if self.clutter is None else self.clutter.describe()),
            ("colour scale", self.scale.describe()),
        )
        return replace(
            grey,
            pixels=pixels,
            overlay=overlay,
            provenance=replace(grey.provenance, processing=processing),
        )

    def _add_pulse(self, data: NDArray[Any], number: int, time_s: float) -> None:
        if not self._is_wanted(number):
            return
        if self._demodulator is not None:
            data = self._demodulator.frame(data, out=self._iq)
        self._keep(self._m_mode.beamformer(data), number, time_s)

    def _is_wanted(self, number: int) -> bool:
        """Count a pulse; False where the first pulses of its packet were lost."""
        place = number % self.packet_size
        if number != self._next_pulse or place == 0:
            self._n_kept = 0
        self._next_pulse = number + 1
        return place == self._n_kept

    def _keep(self, samples: NDArray[np.complex64], number: int, time_s: float) -> None:
        self._packet[:, number % self.packet_size] = samples
        self._n_kept += 1
        if self._n_kept < self.packet_size:
            return
        found = self._correlate(self._packet)
        level = np.concatenate((found.power, found.lag_one.real, found.lag_one.imag))
        # A packet stands at the time of its middle.
        time_s -= (self.packet_size - 1) / 2 / self.pulses.prf_hz
        index = number // self.packet_size
        self._m_mode.add_line(samples, time_s=time_s, sequence_number=index)
        self._sweep.add(
            level.astype(np.float32), time_s=time_s, sequence_number=index, is_after_gap=False
        )

    def _on_scale(self, velocity_m_s: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
        """Return velocities and Nyquist velocity, corrected, about the scale's baseline."""
        corrected = velocity_m_s * np.float32(self.scale.correction)
        nyquist_m_s = self.slow_time.nyquist_m_s
        turn_m_s = 2 * nyquist_m_s * self.scale.correction
        turns = np.round((corrected - self.scale.baseline_m_s) / turn_m_s)
        return (corrected - np.float32(turn_m_s) * turns).astype(np.float32), nyquist_m_s

    def _steering_rad(self) -> float:
        along_m = np.subtract(self.line.end_m, self.line.start_m)
        return math.atan2(float(along_m[0]), float(along_m[2]))


def _where(is_flow: NDArray[np.bool_], values: NDArray[Any]) -> NDArray[np.float32]:
    """Return (n_columns, n_samples) as rows of depths, NaN where the picture is grey."""
    return np.ascontiguousarray(np.where(is_flow, values, np.nan).T, np.float32)
