"""Colours: from flow maps to pictures, with the velocities kept beside them."""

from usdk.doppler.colours.colour_map import ColourMap
from usdk.doppler.colours.colour_vision import Deficiency, seen_with
from usdk.doppler.colours.composer import ColourComposer
from usdk.doppler.colours.maps import COLOUR_MAPS, colour_map
from usdk.doppler.colours.thresholds import FlowThresholds
from usdk.doppler.colours.velocity_scale import VelocityScale

__all__ = [
    "COLOUR_MAPS",
    "ColourComposer",
    "ColourMap",
    "Deficiency",
    "FlowThresholds",
    "VelocityScale",
    "colour_map",
    "seen_with",
]
