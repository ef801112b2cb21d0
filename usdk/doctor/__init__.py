"""The doctor: what is wrong with an installation, a machine or a device, and what to do."""

from usdk.doctor.drivers import udev_rules
from usdk.doctor.examination import Examination, examine

__all__ = ["Examination", "examine", "udev_rules"]
