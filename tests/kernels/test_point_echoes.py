"""Echoes of point scatterers against the direct sum over pairs of elements, and PyMUST."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from usdk_kernels import point_echoes

C = 1540.0
WIDTH = 0.27e-3


def kernels(kernel):
    """The compiled kernel and its source."""
    return [kernel, getattr(kernel, "py_func", kernel)]


def echoes_reference(
    scatterers, amplitudes, positions, normals, delays, apodization, zero, f0, bandwidth, fs, c,
    width, r0, n_samples,
):  # fmt: skip
    """Float64, every transmitting with every receiving element, each pulse evaluated in place."""
    out = np.zeros((*delays.shape, n_samples))
    sigma = np.sqrt(2 * np.log(2)) / (np.pi * f0 * bandwidth)
    t = np.arange(n_samples) / fs
    for scatterer, amplitude in zip(scatterers.astype(float), amplitudes, strict=True):
        d = scatterer - positions
        r = np.linalg.norm(d, axis=1)
        cosine = (d * normals).sum(1) / r
        sine = np.sqrt(np.maximum(1 - cosine**2, 0))
        gain = np.where(cosine > 0, np.sinc(width * f0 / c * sine) * cosine, 0)
        if r0:
            gain = gain * r0 / np.maximum(r, r0)
        for k, e, i in np.ndindex(len(delays), len(r), len(r)):
            if np.isfinite(delays[k, i]):
                tau = t + zero[k] - delays[k, i] - (r[i] + r[e]) / c
                pulse = np.exp(-0.5 * (tau / sigma) ** 2) * np.cos(2 * np.pi * f0 * tau)
                out[k, e] += amplitude * gain[i] * gain[e] * apodization[k, i] * pulse
    return out


def linear_array(n, pitch=0.3e-3):
    positions = np.zeros((n, 3), np.float32)
    positions[:, 0] = (np.arange(n) - (n - 1) / 2) * pitch
    return positions, np.tile(np.float32([0, 0, 1]), (n, 1))


def curved_array(n, radius=40e-3, pitch=0.5e-3):
    angle = (np.arange(n) - (n - 1) / 2) * pitch / radius
    normals = np.stack([np.sin(angle), 0 * angle, np.cos(angle)], 1)
    return (radius * normals - [0, 0, radius]).astype(np.float32), normals.astype(np.float32)


def case(array=linear_array, n=8):
    positions, normals = array(n)
    scatterers = np.array([[0, 0, 6e-3], [2e-3, 1e-3, 4e-3], [-9e-3, 0, 1e-3]], np.float32)
    amplitudes = np.array([1, -0.5, 2], np.float32)
    steered = positions[:, 0].astype(float) * 0.2 / C
    single = np.where(np.arange(n) == 3, 1e-7, np.nan)
    delays = np.stack([np.zeros(n), steered, single])
    apodization = np.ones((3, n), np.float32)
    apodization[0, :2] = [0, 0.5]
    zero = np.array([2e-6, 3e-6, 4.3e-6])
    return scatterers, amplitudes, positions, normals, delays, apodization, zero


def run(kernel, arguments, f0=5e6, bandwidth=0.6, fs=20e6, width=WIDTH, r0=0.0, n_samples=200,
        parts=None):  # fmt: skip
    n_transmits, n_elements = arguments[4].shape
    out = np.zeros((n_transmits, n_elements, n_samples), np.float32)
    cuts = parts or [0, n_elements]
    for start, stop in itertools.pairwise(cuts):
        kernel(*arguments, f0, bandwidth, fs, C, width, r0, start, stop, out)
    return out


@pytest.mark.parametrize(("f0", "fs"), [(5e6, 20e6), (5e6, 20e6 / 3), (2.5e6, 40e6), (12e6, 50e6)])
@pytest.mark.parametrize("array", [linear_array, curved_array])
def test_echoes_equal_the_sum_over_pairs(array, f0, fs):
    arguments = case(array)
    n_samples = int(9e-6 * fs)
    actual = run(point_echoes.add_point_echoes, arguments, f0=f0, fs=fs, n_samples=n_samples)
    expected = echoes_reference(*arguments, f0, 0.6, fs, C, WIDTH, 0.0, n_samples)
    error = np.linalg.norm(actual - expected) / np.linalg.norm(expected)
    assert error < 3e-3
    assert np.vdot(actual, expected) / np.linalg.norm(actual) / np.linalg.norm(expected) > 0.99999


def test_source_in_the_interpreter_equals_the_sum_over_pairs():
    arguments = case(n=4)
    kernel = kernels(point_echoes.add_point_echoes)[1]
    arguments = (arguments[0][:2], arguments[1][:2], *arguments[2:])
    actual = run(kernel, arguments, r0=3e-3, f0=2.5e6)
    expected = echoes_reference(*arguments, 2.5e6, 0.6, 20e6, C, WIDTH, 3e-3, 200)
    np.testing.assert_allclose(actual, expected, atol=3e-3 * np.abs(expected).max())


def test_spreading_falls_with_distance_on_both_ways():
    scatterers, amplitudes, *rest = case()
    actual = run(point_echoes.add_point_echoes, (scatterers, amplitudes, *rest), r0=2e-3)
    expected = echoes_reference(scatterers, amplitudes, *rest, 5e6, 0.6, 20e6, C, WIDTH, 2e-3, 200)
    np.testing.assert_allclose(actual, expected, atol=3e-3 * np.abs(expected).max())


def test_delay_is_exact_to_a_fiftieth_of_a_sample():
    positions, normals = linear_array(1)
    fs, f0 = 20e6, 5e6
    for depth in np.linspace(4e-3, 4.1e-3, 9):
        scatterer = np.array([[0, 0, depth]], np.float32)
        arguments = (scatterer, np.ones(1, np.float32), positions, normals, np.zeros((1, 1)),
                     np.ones((1, 1), np.float32), np.zeros(1))  # fmt: skip
        rf = run(point_echoes.add_point_echoes, arguments, fs=fs, f0=f0)[0, 0]
        tau = 2 * float(scatterer[0, 2]) / C
        # The carrier's phase, relative to an echo exactly at tau.
        phase = np.angle(rf @ np.exp(2j * np.pi * f0 * (np.arange(200) / fs - tau)))
        assert abs(phase) / (2 * np.pi * f0) * fs < 0.02


def test_tiles_over_elements_give_the_same_bits():
    arguments = case()
    whole = run(point_echoes.add_point_echoes, arguments)
    parts = run(point_echoes.add_point_echoes, arguments, parts=[0, 1, 5, 5, 8])
    np.testing.assert_array_equal(parts, whole)


def test_scatterers_add_up():
    scatterers, amplitudes, *rest = case()
    whole = run(point_echoes.add_point_echoes, (scatterers, amplitudes, *rest))
    parts = sum(
        run(point_echoes.add_point_echoes, (scatterers[k : k + 1], amplitudes[k : k + 1], *rest))
        for k in range(len(scatterers))
    )
    np.testing.assert_allclose(parts, whole, atol=1e-5)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e20])
def test_bad_scatterers_and_delays_are_silent(bad):
    scatterers, amplitudes, positions, normals, delays, apodization, zero = case()
    kernel = point_echoes.add_point_echoes
    expected = run(kernel, (scatterers, amplitudes, positions, normals, delays, apodization, zero))
    more = np.concatenate([scatterers, np.array([[0, 0, bad], [bad, 0, 1e-3]], np.float32)])
    louder = np.concatenate([amplitudes, np.ones(2, np.float32)])
    with np.errstate(all="ignore"):
        rest = (positions, normals, delays, apodization, zero)
        np.testing.assert_array_equal(run(kernel, (more, louder, *rest)), expected)
        late = delays.copy()
        late[0, 0] = bad  # its apodization is 0
        late[2, 5] = bad
        rest = (positions, normals, late, apodization, zero)
        np.testing.assert_array_equal(run(kernel, (scatterers, amplitudes, *rest)), expected)


def test_record_cuts_echoes_and_nothing_is_written_outside():
    arguments = case()
    whole = run(point_echoes.add_point_echoes, arguments, n_samples=300)
    short = run(point_echoes.add_point_echoes, arguments, n_samples=90)
    # A shorter record hears fewer elements of the same wave, whose pulses are then not summed.
    np.testing.assert_allclose(short, whole[:, :, :90], atol=1e-5)
    for n_samples in (0, 1):
        assert run(point_echoes.add_point_echoes, arguments, n_samples=n_samples).shape[2] < 2
    silent = (arguments[0][:0], arguments[1][:0], *arguments[2:])
    assert not run(point_echoes.add_point_echoes, silent).any()


def test_scatterer_behind_the_elements_is_silent():
    scatterers, amplitudes, *rest = case()
    assert not run(point_echoes.add_point_echoes, (-scatterers, amplitudes, *rest)).any()


def test_one_specialisation_serves_all_calls():
    run(point_echoes.add_point_echoes, case())
    run(point_echoes.add_point_echoes, case(curved_array))
    assert len(getattr(point_echoes.add_point_echoes, "signatures", [None])) == 1


def test_delays_and_directivity_agree_with_pymust():
    pymust = pytest.importorskip("pymust")
    param = pymust.getparam("L11-5v")
    param.fs, param.c, param.attenuation, param.Nelements = 4 * param.fc, C, 0, 64
    fc, fs = float(param.fc), float(param.fs)
    scatterer = np.array([[3e-3, 0, 15e-3]], np.float32)
    delays = np.full((1, 64), np.nan)
    delays[0, 20] = 0
    theirs, _ = pymust.simus(scatterer[:, 0], scatterer[:, 2], np.ones(1), delays, param)
    positions, normals = linear_array(64, float(param.pitch))
    arguments = (scatterer, np.ones(1, np.float32), positions, normals, delays,
                 np.ones((1, 64), np.float32), np.zeros(1))  # fmt: skip
    ours = run(
        point_echoes.add_point_echoes, arguments, f0=fc, fs=fs, width=float(param.width),
        n_samples=len(theirs),
    )[0].T  # fmt: skip

    # Off axis PyMUST's directivity follows the frequency and ours the centre frequency alone.
    offset = np.abs(positions[:, 0] - scatterer[0, 0])
    near = np.flatnonzero(offset < np.tan(np.deg2rad(25)) * scatterer[0, 2])
    frequency = np.fft.rfftfreq(len(theirs), 1 / fs)
    band = np.abs(frequency - fc) < 0.2 * fc
    a, b = (np.fft.rfft(x, axis=0)[band][:, near] for x in (ours, theirs))
    cross = a * b.conj()
    for k in range(len(near)):
        phase = np.unwrap(np.angle(cross[:, k]))
        slope = np.polyfit(frequency[band], phase, 1, w=np.sqrt(np.abs(cross[:, k])))[0]
        assert abs(slope / (2 * np.pi) * fs) < 0.05  # samples
    # PyMUST spreads by 1 / sqrt(r) in two dimensions; its pulses have other units.
    distance = np.hypot(offset[near], scatterer[0, 2])
    middle = np.argmin(np.abs(frequency[band] - fc))
    ratio = np.abs(a[middle]) / np.sqrt(distance) / np.abs(b[middle])
    np.testing.assert_allclose(ratio / ratio.mean(), 1, atol=0.02)
