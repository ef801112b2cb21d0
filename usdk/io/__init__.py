"""Recordings and frames on disk: usdk's own lossless recording, and foreign formats to read."""

from usdk.io.description import RecordingDescription
from usdk.io.formats import describe_recording, is_own_recording, load_recording
from usdk.io.frame_file import load_frames, save_frames
from usdk.io.frame_reader import FrameReader
from usdk.io.recorder import Recorder
from usdk.io.recording_reader import RecordingReader
from usdk.io.recording_writer import RecordingWriter, save_recording

__all__ = [
    "FrameReader",
    "Recorder",
    "RecordingDescription",
    "RecordingReader",
    "RecordingWriter",
    "describe_recording",
    "is_own_recording",
    "load_frames",
    "load_recording",
    "save_frames",
    "save_recording",
]
