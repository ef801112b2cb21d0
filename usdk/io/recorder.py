"""Recorder: a recording that begins with the first acquisition that comes."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from usdk.acquisition import Acquisition, require_acquisition
from usdk.errors import StateError, UsdkError
from usdk.io.recording_writer import RecordingWriter

__all__ = ["Recorder"]


class Recorder:
    """Records every acquisition that it is called with; a consumer of `usdk.Stream`.

    ::

        with usdk.io.Recorder("scan.usrec") as record:
            stream.to(record, name="record", capacity=64, when_full="stop")
            stream.start()
            stream.wait()

    Parameters
    ----------
    path : path-like
        The new file; made when the first acquisition comes.
    overwrite : bool
        Whether an existing file may be replaced.
    """

    def __init__(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        self.path = Path(path)
        self._overwrite = overwrite
        self._writer: RecordingWriter | None = None
        self._is_closed = False

    @property
    def n_frames(self) -> int:
        """Frames recorded so far."""
        return 0 if self._writer is None else self._writer.n_frames

    def __call__(self, acquisition: Acquisition) -> None:
        """Record an acquisition; raises what `RecordingWriter` raises."""
        require_acquisition(acquisition)
        if self._is_closed:
            # A file that is made now would never be closed.
            raise StateError("the recorder is closed: make a new Recorder")
        if self._writer is None:
            self._writer = RecordingWriter(
                self.path,
                acquisition.probe,
                acquisition.sequence,
                acquisition.receive,
                acquisition.device,
                overwrite=self._overwrite,
            )
        self._writer.write(acquisition)

    def close(self) -> None:
        """Have everything on the disk; a second call has no effect."""
        self._is_closed = True
        if self._writer is not None:
            self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except UsdkError:
            # The error that ended the block is the one to report; closing after it may fail too.
            if error is None:
                raise
