"""Interleaved: B-mode transmits and colour packets in one transmit sequence."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import Acquisition, require_acquisition
from usdk.arguments import count, positive, require_instance
from usdk.choice import choice
from usdk.doppler.packet_search import find_packets
from usdk.doppler.packet_split import first_transmits, pulse_frames
from usdk.doppler.slow_time import SlowTime
from usdk.errors import ArgumentError
from usdk.front_end import Capabilities, Configuration
from usdk.transmit import MAX_TRANSMITS, TransmitSequence

__all__ = ["Interleaved", "PulseOrder", "greatest_prf_hz"]

_PRF_TOLERANCE = 1e-9


class PulseOrder(StrEnum):
    """Which pulse follows which, where the colour packets have several beams."""

    PACKET = "packet"
    """All pulses of one beam follow each other; its slow time runs at the sequence's PRF."""
    INTERLEAVED = "interleaved"
    """The beams take turns; slow time runs at the PRF over the number of beams."""


@dataclass(frozen=True, kw_only=True)
class Interleaved:
    """The transmits of one colour frame: those of B-mode, then the pulses of the colour packets.

    Parameters
    ----------
    colour : TransmitSequence
        One pulse of each colour beam: a plane wave, several for compounding, or focused lines.
    b_mode : TransmitSequence, optional
        Transmits of the grey picture; none when absent. A sequence sends one pulse form, so that
        frequency and cycles must be those of ``colour``.
    packet_size : int
        Pulses of a packet, those that settle not counted; 2 or more.
    prf_hz : float, optional
        Rate of all transmits of the sequence, Hz; ``colour``'s when absent.
    order : PulseOrder or str
        ``packet`` or ``interleaved``; one and the same for a single beam.
    n_settling : int
        Pulses that are sent before each packet and dropped, until echoes of the transmits before,
        from beyond the depth looked at, are the same for every pulse that is kept.

    Raises
    ------
    ArgumentError
        If the sequence would have more than `usdk.transmit.MAX_TRANSMITS` transmits, the two parts
        differ in their pulse, or a number is out of range.

    References
    ----------
    J. A. Jensen, "Estimation of Blood Velocities Using Ultrasound", Cambridge University Press,
    1996, section 7.4 (packets and their order).
    """

    colour: TransmitSequence
    b_mode: TransmitSequence | None = None
    packet_size: int = 12
    prf_hz: float | None = None
    order: PulseOrder | str = PulseOrder.PACKET
    n_settling: int = 0

    def __post_init__(self) -> None:
        for name, part in (("colour", self.colour), ("b_mode", self.b_mode)):
            if not isinstance(part, TransmitSequence) and not (name == "b_mode" and part is None):
                raise ArgumentError(f"{name} must be a usdk.TransmitSequence")
        prf_hz = self.colour.prf_hz if self.prf_hz is None else self.prf_hz
        if prf_hz is None:
            raise ArgumentError("give prf_hz: colour Doppler needs to know when pulses are sent")
        settings = {
            "packet_size": count(self.packet_size, "packet_size", least=2, most=MAX_TRANSMITS),
            "n_settling": count(self.n_settling, "n_settling", least=0, most=MAX_TRANSMITS),
            "prf_hz": positive(prf_hz, "prf_hz"),
            "order": choice(PulseOrder, self.order),
            "colour": replace(self.colour, prf_hz=None),
            "b_mode": None if self.b_mode is None else replace(self.b_mode, prf_hz=None),
        }
        for name, value in settings.items():
            object.__setattr__(self, name, value)
        if self.b_mode is not None and (
            (self.b_mode.frequency_hz, self.b_mode.n_cycles)
            != (self.colour.frequency_hz, self.colour.n_cycles)
        ):
            raise ArgumentError(
                "a sequence sends one pulse form: give b_mode and colour the same frequency_hz "
                "and n_cycles"
            )
        if self.n_transmits > MAX_TRANSMITS:
            raise ArgumentError(
                f"{self.n_b_mode} B-mode transmits and {self.n_beams} beams × "
                f"{self.packet_size + self.n_settling} pulses are {self.n_transmits}, at most "
                f"{MAX_TRANSMITS}: take fewer beams or shorter packets"
            )

    @classmethod
    def of(
        cls,
        sequence: TransmitSequence,
        *,
        packet_size: int | None = None,
        order: PulseOrder | str | None = None,
        n_settling: int = 0,
        prf_hz: float | None = None,
    ) -> Interleaved:
        """Recognise packets in a sequence, a recording's for example.

        The packets stand at its end; what precedes them is B-mode.

        Parameters
        ----------
        sequence : TransmitSequence
            As sent.
        packet_size : int, optional
            When absent the longest packets that fit, which is one pulse too many where the last
            B-mode transmit is the same as the first colour beam.
        order : PulseOrder or str, optional
            Either when absent.
        n_settling : int
            Pulses to drop; a sequence does not tell them from those of the packet.
        prf_hz : float, optional
            For a sequence that does not tell its own, Hz.

        Raises
        ------
        ArgumentError
            If there are no packets of that kind, or several readings; the message says what to
            give.
        """
        if not isinstance(sequence, TransmitSequence):
            raise ArgumentError("sequence must be a usdk.TransmitSequence, a recording's .sequence")
        n_settling = count(n_settling, "n_settling", least=0, most=MAX_TRANSMITS)
        if packet_size is not None:
            packet_size = count(packet_size, "packet_size", least=2, most=MAX_TRANSMITS)
        wanted = None if order is None else choice(PulseOrder, order)
        orders = tuple(PulseOrder) if wanted is None else (wanted,)
        n_pulses = None if packet_size is None else packet_size + n_settling
        found = find_packets(
            sequence.transmits,
            n_pulses=n_pulses,
            runs=PulseOrder.PACKET in orders,
            rounds=PulseOrder.INTERLEAVED in orders,
        )
        return cls(
            colour=replace(sequence, transmits=found.beams),
            b_mode=replace(sequence, transmits=found.before) if found.before else None,
            packet_size=found.n_pulses - n_settling,
            prf_hz=sequence.prf_hz if prf_hz is None else prf_hz,
            order=PulseOrder.PACKET if found.is_runs else PulseOrder.INTERLEAVED,
            n_settling=n_settling,
        )

    @property
    def n_b_mode(self) -> int:
        """B-mode transmits."""
        return 0 if self.b_mode is None else len(self.b_mode)

    @property
    def n_beams(self) -> int:
        """Colour beams."""
        return len(self.colour)

    @property
    def n_transmits(self) -> int:
        """Transmits of the whole sequence."""
        return self.n_b_mode + self.n_beams * (self.packet_size + self.n_settling)

    @property
    def sequence(self) -> TransmitSequence:
        """The transmits in firing order, for `usdk.FrontEnd.configure`."""
        beams = np.empty(self.n_transmits, np.intp)
        beams[self._rounds()] = np.arange(self.n_beams)
        b_mode = () if self.b_mode is None else self.b_mode.transmits
        colour = tuple(self.colour.transmits[beam] for beam in beams[self.n_b_mode :])
        return replace(self.colour, transmits=b_mode + colour, prf_hz=self.prf_hz)

    @property
    def pulses(self) -> NDArray[np.intp]:
        """Place in the sequence of each pulse that is kept, (packet_size, n_beams)."""
        return self._rounds()[self.n_settling :]

    @property
    def slow_time_prf_hz(self) -> float:
        """Rate of the pulses of one packet, Hz."""
        return self._prf_hz / (1 if self.order is PulseOrder.PACKET else self.n_beams)

    @property
    def frame_rate_hz(self) -> float:
        """Colour frames per second, before a scan; `usdk.doppler.FrameRate` measures it after."""
        return self._prf_hz / self.n_transmits

    @property
    def frame_period_s(self) -> float:
        """Time from one colour frame to the next, s."""
        return self.n_transmits / self._prf_hz

    def slow_time(self, *, frequency_hz: float, sound_speed_m_s: float = 1540.0) -> SlowTime:
        """Return the clock of a packet and the Nyquist velocity that it leads to.

        Parameters
        ----------
        frequency_hz : float
            Frequency whose phase will be measured, Hz: usually that of the pulse sent.
        sound_speed_m_s : float
            m/s.
        """
        return SlowTime(
            prf_hz=self.slow_time_prf_hz,
            frequency_hz=frequency_hz,
            sound_speed_m_s=sound_speed_m_s,
        )

    def require(
        self,
        capabilities: Capabilities | None = None,
        *,
        depth_m: float | None = None,
        sound_speed_m_s: float = 1540.0,
    ) -> None:
        """Raise `ArgumentError` if a front-end cannot send this, or sound is too slow for it.

        Parameters
        ----------
        capabilities : Capabilities, optional
            The front-end's limits of transmits and PRF.
        depth_m : float, optional
            Depth whose echo must be back before the next transmit, m. `FrontEnd.configure` checks
            the slanting echoes and the pulse's length, too.
        sound_speed_m_s : float
            m/s.
        """
        if capabilities is not None:
            require_instance(capabilities, Capabilities, "capabilities")
            if self.n_transmits > capabilities.max_transmits:
                raise ArgumentError(
                    f"a frame has {self.n_transmits} transmits, the front-end takes "
                    f"{capabilities.max_transmits}: take fewer beams or a shorter packet than "
                    f"{self.packet_size}"
                )
            _require_prf(self._prf_hz, capabilities.max_prf_hz, "the front-end", "")
        if depth_m is not None:
            limit_hz = greatest_prf_hz(depth_m, sound_speed_m_s)
            _require_prf(
                self._prf_hz, limit_hz, f"sound to {depth_m * 1e3:g} mm and back", ", or less depth"
            )

    def as_set(self, configuration: Configuration) -> Interleaved:
        """Return this with the PRF that a front-end really set.

        Raises
        ------
        ArgumentError
            If it set other transmits, or listens longer than from one transmit to the next.
        """
        require_instance(configuration, Configuration, "configuration")
        sent, receive = configuration.sequence, configuration.receive
        self._require_transmits(sent)
        prf_hz = sent.prf_hz or configuration.frame_rate_hz * len(sent)
        listening_hz = receive.sampling_frequency_hz / receive.n_samples
        _require_prf(prf_hz, listening_hz, "the time of listening", ", or less depth")
        return replace(self, prf_hz=prf_hz)

    def split(self, acquisition: Acquisition) -> tuple[Acquisition | None, Acquisition]:
        """Return the B-mode and the packets of an acquisition.

        Parameters
        ----------
        acquisition : Acquisition
            Frames of `sequence`.

        Returns
        -------
        b_mode : Acquisition or None
            As many frames, of the B-mode transmits.
        packets : Acquisition
            One frame for each pulse, ``n_frames * packet_size`` of ``colour``; pulse t of frame n
            has the sequence number ``n * packet_size + t`` and its own time. Its sequence's PRF is
            `slow_time_prf_hz` times the beams, as if they took turns. Both share the memory of an
            acquisition of one frame (``acquisition[:1]``), where the beams take turns or there is
            one; all else is copied.

        Raises
        ------
        ArgumentError
            If the acquisition is of another sequence.
        """
        require_acquisition(acquisition)
        self._require_transmits(acquisition.sequence)
        prf_hz = acquisition.sequence.prf_hz or self._prf_hz
        b_mode = None
        if self.b_mode is not None:
            b_mode = first_transmits(acquisition, replace(self.b_mode, prf_hz=prf_hz))
        # The slow time of the acquisition's own PRF; the beams' number is exact in any float.
        slow_prf_hz = prf_hz if self.order is PulseOrder.PACKET else prf_hz / self.n_beams
        beams = replace(self.colour, prf_hz=slow_prf_hz * self.n_beams)
        return b_mode, pulse_frames(acquisition, beams, self.pulses, prf_hz=prf_hz)

    def describe(self) -> str:
        """Return the sequence in a few words, for provenance."""
        b_mode = "no B-mode" if self.b_mode is None else f"B-mode {self.b_mode.describe()}"
        settling = f" after {self.n_settling} settling" if self.n_settling else ""
        order = f", {self.order} order" if self.n_beams > 1 else ""
        return (
            f"{b_mode}; colour {self.colour.describe()}, packets of {self.packet_size} pulses"
            f"{settling}{order}, PRF {self._prf_hz:g} Hz, slow time {self.slow_time_prf_hz:g} Hz"
        )

    @property
    def _prf_hz(self) -> float:
        assert self.prf_hz is not None
        return self.prf_hz

    def _rounds(self) -> NDArray[np.intp]:
        """Place of every pulse, (n_settling + packet_size, n_beams)."""
        n_pulses = self.packet_size + self.n_settling
        places = np.arange(self.n_b_mode, self.n_transmits, dtype=np.intp)
        if self.order is PulseOrder.PACKET:
            return places.reshape(self.n_beams, n_pulses).T
        return places.reshape(n_pulses, self.n_beams)

    def _require_transmits(self, sequence: TransmitSequence) -> None:
        own = self.sequence
        if sequence.transmits != own.transmits:
            raise ArgumentError(
                f"the sequence ({sequence.describe()}) is not that of these packets "
                f"({own.describe()}): use Interleaved.of(acquisition.sequence, packet_size=...)"
            )


def greatest_prf_hz(depth_m: float, sound_speed_m_s: float = 1540.0) -> float:
    """Return the PRF at which the echo of a depth straight ahead is just back, c / (2 z), Hz."""
    return positive(sound_speed_m_s, "sound_speed_m_s") / (2 * positive(depth_m, "depth_m"))


def _require_prf(prf_hz: float, limit_hz: float, whose: str, way_out: str) -> None:
    if math.isfinite(limit_hz) and prf_hz > limit_hz * (1 + _PRF_TOLERANCE):
        raise ArgumentError(
            f"a PRF of {prf_hz:g} Hz is too fast for {whose}: ask for at most "
            f"{math.floor(limit_hz)} Hz{way_out}"
        )
