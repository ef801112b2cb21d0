"""The methods that are compared: one line each, the options of `usdk.Beamformer`."""

from __future__ import annotations

from typing import Any

from usdk.beamform import CoherenceFactor

Methods = dict[str, dict[str, Any]]
# Not of the beamformer, but of the demodulation before it: keep one of so many samples.
DECIMATION = "decimation"

# Each row changes one thing of the first, which is the default.
APERTURES: Methods = {
    "default": {},
    "boxcar": {"window": "boxcar"},
    "Tukey 0.25": {"window": "tukey", "taper": 0.25},
    "Hann": {"window": "hann"},
    "Hamming": {"window": "hamming"},
    "Blackman": {"window": "blackman"},
    "F-number 0 (open)": {"f_number": 0.0},
    "F-number 0.7": {"f_number": 0.7},
    "F-number 1.5": {"f_number": 1.5},
    "F-number 2.5": {"f_number": 2.5},
    "F-number by directivity": {"f_number": "directivity"},
    "directivity": {"directivity": True},
}
INTERPOLATIONS: Methods = {
    "nearest": {"interpolation": "nearest"},
    "cubic": {"interpolation": "cubic"},
    "band-limited": {"interpolation": "band-limited"},
    "nearest, IQ at fs / 3": {"interpolation": "nearest", DECIMATION: 3},
    "linear, IQ at fs / 3": {"interpolation": "linear", DECIMATION: 3},
    "cubic, IQ at fs / 3": {"interpolation": "cubic", DECIMATION: 3},
    "band-limited, IQ at fs / 3": {"interpolation": "band-limited", DECIMATION: 3},
}
COMPOUNDING: Methods = {
    "incoherent": {"compounding": "incoherent"},
}
COHERENCE: Methods = {
    "coherence factor": {"combination": "coherence factor"},
    "coherence factor of transmits": {"combination": CoherenceFactor(across="transmits")},
}


def in_groups(n_transmits: int, n_groups: int) -> Methods:
    """Return spatial compounding: neighbours add up coherently, and the groups' envelopes do."""
    groups = [t * n_groups // n_transmits for t in range(n_transmits)]
    return {
        f"{n_groups} groups, incoherent": {
            "compounding": "incoherent",
            "compounding_groups": groups,
        }
    }


# Open, since an aperture by F-number is blind to one side; windows go across such an aperture.
OF_PHASED: Methods = {
    "default (open)": {},
    "F-number 0.7": {"f_number": 0.7},
    "F-number 0.7, boxcar": {"f_number": 0.7, "window": "boxcar"},
    "F-number 0.7, Hann": {"f_number": 0.7, "window": "hann"},
    "F-number 1": {"f_number": 1.0},
    "directivity": {"directivity": True},
}
OF_FOCUSED: Methods = {
    "nearest two beams (default)": {},
    "retrospective": {"weighting": "retrospective"},
    "all beams alike": {"weighting": "compound"},
}

ROWS: dict[str, Methods] = {
    "linear": APERTURES | INTERPOLATIONS | COMPOUNDING | in_groups(15, 3) | COHERENCE,
    "focused": OF_FOCUSED | {"coherence factor": COHERENCE["coherence factor"]},
    "convex": APERTURES | INTERPOLATIONS | COMPOUNDING | in_groups(11, 3) | COHERENCE,
    "phased": OF_PHASED | INTERPOLATIONS | COMPOUNDING | in_groups(11, 3) | COHERENCE,
    "pymust": OF_PHASED | INTERPOLATIONS | COMPOUNDING | COHERENCE,
    "pybf": APERTURES | INTERPOLATIONS | COMPOUNDING | COHERENCE,
}
