"""The rule by which udev on Linux lets users open a front-end on USB, or a serial port of one."""

from __future__ import annotations

from importlib.resources import files

__all__ = ["UDEV_RULE_ADVICE", "UDEV_RULE_PATH", "udev_rule"]

UDEV_RULE_PATH = "/etc/udev/rules.d/60-usdk.rules"
UDEV_RULE_ADVICE = (
    f"usdk doctor --udev-rule | sudo tee {UDEV_RULE_PATH} && sudo udevadm control --reload && "
    "sudo udevadm trigger --subsystem-match=usb --subsystem-match=tty"
)
"""The command that installs it."""


def udev_rule() -> str:
    """Return the text of the rules file."""
    return (files("usdk_drivers") / "data" / "60-usdk.rules").read_text(encoding="ascii")
