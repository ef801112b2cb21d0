"""Undo the gain over time (TGC) that a device applied to channel data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from usdk.acquisition import Acquisition, require_acquisition
from usdk.errors import ArgumentError

__all__ = ["remove_gain"]


def remove_gain(acquisition: Acquisition) -> Acquisition:
    """Return the acquisition as it would be with a gain of 0 dB at all times.

    Samples are divided by the factors of `ReceiveSettings.tgc`, which the device told it really
    applied. What it clipped stays clipped, and noise that came in behind the amplifier, of the
    converter for one, is divided, too.

    Parameters
    ----------
    acquisition : Acquisition
        Int16, float32 or complex64; not changed.

    Returns
    -------
    Acquisition
        float32, or complex64 of IQ data, whose ``receive.tgc`` is None.

    Raises
    ------
    ArgumentError
        If it does not tell which gain was applied.
    """
    require_acquisition(acquisition)
    receive = acquisition.receive
    if receive.tgc is None:
        raise ArgumentError(
            "the acquisition does not tell which gain over time was applied (receive.tgc): there "
            "is nothing to undo"
        )
    factors = receive.tgc.factors(receive.n_samples, receive.sampling_frequency_hz)
    dtype = np.complex64 if acquisition.is_iq else np.float32
    data = acquisition.data.astype(dtype)
    data *= (1 / factors).astype(np.float32)
    return replace(acquisition, data=data, receive=replace(receive, tgc=None))
