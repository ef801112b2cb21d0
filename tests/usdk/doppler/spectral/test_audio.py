from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from usdk.doppler import SlowTime
from usdk.doppler.clutter import IirFilter, IirKind
from usdk.doppler.spectral import DopplerAudio, SlowTimeSignal, write_wav
from usdk.errors import ArgumentError

PRF, RATE = 5000.0, 12_000
CLOCK = SlowTime(prf_hz=PRF, frequency_hz=5e6)


def tone(frequency_hz: float, n_pulses: int = 2000, prf_hz: float = PRF) -> Any:
    turns = frequency_hz / prf_hz * np.arange(n_pulses)
    return np.exp(2j * np.pi * turns).astype(np.complex64)


def rms(sound: Any) -> Any:
    return np.sqrt(np.mean(sound[:, RATE // 10 :] ** 2, axis=1))


@pytest.mark.parametrize("frequency_hz", [110.0, 400.0, 1250.0, 2390.0])
@pytest.mark.parametrize("direction", [1, -1])
def test_a_tone_is_heard_on_one_channel_at_its_frequency(
    frequency_hz: float, direction: int
) -> None:
    audio = DopplerAudio(CLOCK, rate_hz=RATE, reference=1.0)
    sound = audio.add(tone(direction * frequency_hz))
    on, off = sound[::direction]
    assert rms(sound)[::direction][0] == pytest.approx(np.sqrt(0.5), rel=0.01)
    crosstalk_db = 20 * np.log10(rms(sound)[::direction][1] / rms(sound)[::direction][0])
    assert crosstalk_db < -60
    spectrum = np.abs(np.fft.rfft(on[RATE // 10 :] * np.hanning(on.size - RATE // 10)))
    found_hz = spectrum.argmax() * RATE / (on.size - RATE // 10)
    assert found_hz == pytest.approx(frequency_hz, abs=4)
    assert off.dtype == np.float32


@pytest.mark.parametrize("prf_hz", [1001.0, 4321.5, 10_000.0])
def test_any_prf_comes_to_the_rate_of_the_card(prf_hz: float) -> None:
    clock = SlowTime(prf_hz=prf_hz, frequency_hz=5e6)
    sound = DopplerAudio(clock, rate_hz=RATE, reference=1.0).add(tone(0.2 * prf_hz, 2000, prf_hz))
    assert sound.shape[1] == pytest.approx(2000 * RATE / prf_hz, rel=2e-3)
    spectrum = np.abs(np.fft.rfft(sound[0] * np.hanning(sound.shape[1])))
    found_hz = spectrum.argmax() * RATE / sound.shape[1]
    assert found_hz == pytest.approx(0.2 * prf_hz, rel=5e-3)


@pytest.mark.parametrize("size", [1, 37, 1024])
def test_blocks_of_any_size_give_the_same_bits(size: int) -> None:
    random = np.random.default_rng(3)
    signal = (random.standard_normal(2000) + 1j * random.standard_normal(2000) + 50).astype("c8")
    wall = IirFilter(0.02, 4, kind=IirKind.BUTTERWORTH)
    whole = DopplerAudio(CLOCK, rate_hz=RATE, reference=3.0, wall_filter=wall).add(signal)
    audio = DopplerAudio(CLOCK, rate_hz=RATE, reference=3.0, wall_filter=wall)
    parts = [audio.add(signal[n : n + size]) for n in range(0, 2000, size)]
    assert np.concatenate(parts, axis=1).tobytes() == whole.tobytes()


def test_lost_pulses_are_silence_of_their_length() -> None:
    audio = DopplerAudio(CLOCK, rate_hz=RATE, reference=1.0)
    x = tone(500.0, 3000)[None]
    first = audio.add(SlowTimeSignal(samples=x[:, :1000], first_pulse=0))
    second = audio.add(SlowTimeSignal(samples=x[:, 2000:], first_pulse=2000))
    sound = np.concatenate((first, second), axis=1)
    assert sound.shape[1] == pytest.approx(3000 * RATE / PRF, abs=1)
    middle = sound[:, int(1.2 * 0.2 * RATE) : int(1.9 * 0.2 * RATE)]
    assert np.abs(middle).max() < 1e-3
    marked = x[0].copy()
    marked[1000:2000] = np.nan
    audio.reset()
    np.testing.assert_array_equal(audio.add(marked), sound)


def test_the_wall_filter_takes_the_thump_away() -> None:
    wall = IirFilter(0.02, 4, kind=IirKind.BUTTERWORTH)
    sound = DopplerAudio(CLOCK, rate_hz=RATE, reference=1.0, wall_filter=wall).add(
        tone(500.0) + 1000
    )
    assert np.abs(sound[1, RATE // 10 :]).max() < 0.01


def test_the_first_block_sets_the_level() -> None:
    audio = DopplerAudio(CLOCK, rate_hz=RATE)
    sound = audio.add(1234 * tone(500.0))
    assert audio.reference == pytest.approx(4 * 1234, rel=1e-3)
    assert np.abs(sound).max() == pytest.approx(0.25, rel=0.05)


def test_a_wav_file_holds_the_sound(tmp_path: Path) -> None:
    sound = np.array([[0.0, 0.5, 2.0], [-1.0, 0.25, -2.0]])
    path = write_wav(tmp_path / "flow.wav", sound, rate_hz=44_100)
    with wave.open(str(path)) as file:
        assert file.getparams()[:4] == (2, 2, 44_100, 3)
        samples = np.frombuffer(file.readframes(3), "<i2").reshape(3, 2).T
    assert samples.tolist() == [[0, 16384, 32767], [-32767, 8192, -32767]]


@pytest.mark.parametrize(
    ("bad", "match"),
    [
        (lambda: DopplerAudio(CLOCK, rate_hz=100), "rate_hz"),
        (lambda: DopplerAudio(SlowTime(prf_hz=1e4, frequency_hz=5e6), rate_hz=8000), "at least"),
        (lambda: DopplerAudio(SlowTime(prf_hz=5.0, frequency_hz=5e6)), "lower one"),
        (lambda: write_wav("x.wav", np.zeros((3, 5))), "sound must be"),
        (lambda: write_wav("x.wav", np.full(5, np.nan)), "NaN"),
    ],
)
def test_what_is_no_sound_is_refused(bad: Any, match: str) -> None:
    with pytest.raises(ArgumentError, match=match):
        bad()
