"""usdk driver for the Pulser: ``pulser:HOST:PORT``."""

from usdk_pulser.front_end import PulserFrontEnd

__all__ = ["PulserFrontEnd"]
