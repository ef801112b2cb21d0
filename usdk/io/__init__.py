"""Recordings and frames on disk: usdk's own lossless recording, and foreign formats to read."""

from usdk.io.description import RecordingDescription
from usdk.io.formats import describe_recording, load_recording

__all__ = ["RecordingDescription", "describe_recording", "load_recording"]
