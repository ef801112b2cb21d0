"""The wire protocol over a serial line: frames, port, transport, front-end."""

from usdk_drivers.serial_line.front_end import SerialFrontEnd

__all__ = ["SerialFrontEnd"]
