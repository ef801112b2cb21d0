"""After a stop, a close or an error it can be used again, from the beginning."""

from __future__ import annotations

from usdk.conformance.bench import Bench
from usdk.conformance.check import check
from usdk.conformance.expect import require

__all__ = ["CHECKS"]

N_FRAMES = 4

_RECOVERY = "Recovery"


@check("recovery.restart", "after a stop and a start numbers begin anew", requires=_RECOVERY)
def restart(bench: Bench) -> str | None:
    """Expect the later runs to begin with the frame that the first began with."""
    front_end, _ = bench.ready()
    begun = []
    n_read = 0
    for _ in range(3):
        n_read = 0
        firsts = []
        for acquisition in bench.frames(front_end, N_FRAMES):
            gaps = [gap.first_sequence_number for gap in acquisition.gaps]
            firsts.append(min([int(acquisition.sequence_numbers[0]), *gaps]))
            n_read += acquisition.n_frames
        begun.append(min(firsts))
        count = front_end.status().n_frames_received
        require(
            count == n_read,
            f"status counts {count} frames in a run of which {n_read} were read",
            expected="counts from 0 at each start",
            advice="set all counts to 0 in _start",
        )
        front_end.stop()
    expected = begun[0] if front_end.capabilities.sequence_is_fixed else 0
    require(
        all(first == expected for first in begun),
        f"the runs began with frames {', '.join(map(str, begun))}",
        expected=f"frame {expected} each time",
        advice="begin with frame 0 in _start, and drop what is left of the run before",
    )
    return f"{len(begun)} runs"


@check("recovery.reopen", "closed while it runs, it can be opened again", requires=_RECOVERY)
def reopen(bench: Bench) -> str | None:
    """Call ``close`` without ``stop``, and expect a device that can be opened again."""
    for _ in range(2):
        front_end, _program = bench.ready()
        bench.read(front_end)
        front_end.close()
    return None


@check(
    "recovery.reconfigure", "stopped, it can be configured and started again", requires=_RECOVERY
)
def reconfigure(bench: Bench) -> str | None:
    """Set the same program after each run, and expect data of the same shape."""
    front_end, program = bench.ready()
    shapes = []
    for _ in range(3):
        shapes.append(bench.read(front_end).data.shape)
        front_end.stop()
        program.set_on(front_end)
    require(
        len(set(shapes)) == 1,
        f"the same program gave data of shapes {shapes}",
        expected="one shape",
        advice="let configure set everything, whatever was set before",
    )
    return None


CHECKS = (restart, reopen, reconfigure)
