"""The live loop: acquisition, processing and consumers with bounded buffers and full accounts."""

from usdk.stream.branch import Branch
from usdk.stream.outlet import Outlet
from usdk.stream.planned import Planned
from usdk.stream.statistics import (
    BranchStatistics,
    SourceStatistics,
    StreamState,
    StreamStatistics,
)
from usdk.stream.stream import Stream
from usdk.stream.when_full import WhenFull

__all__ = [
    "Branch",
    "BranchStatistics",
    "Outlet",
    "Planned",
    "SourceStatistics",
    "Stream",
    "StreamState",
    "StreamStatistics",
    "WhenFull",
]
