"""The program: words in, exit status out; errors become one line."""

from __future__ import annotations

import argparse
import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from usdk.cli.audit import VERB as AUDIT
from usdk.cli.check import VERB as CHECK
from usdk.cli.conformance import VERB as CONFORMANCE
from usdk.cli.deliver import VERB as DELIVER
from usdk.cli.demo import VERB as DEMO
from usdk.cli.doctor import VERB as DOCTOR
from usdk.cli.exit_codes import BROKEN_PIPE, EXIT_CODES, INTERRUPTED, exit_code
from usdk.cli.export import VERB as EXPORT
from usdk.cli.outbox import VERB as OUTBOX
from usdk.cli.probes import VERB as PROBES
from usdk.cli.record import VERB as RECORD
from usdk.cli.scan import VERB as SCAN
from usdk.cli.show import VERB as SHOW
from usdk.cli.sign import VERB as SIGN
from usdk.cli.simulate import VERB as SIMULATE
from usdk.cli.terminal import abandon_output, remark
from usdk.cli.verb import Verb
from usdk.cli.verify import VERB as VERIFY
from usdk.cli.warm_up import VERB as WARM_UP
from usdk.distribution import sdk_version
from usdk.errors import UsdkError

__all__ = ["VERBS", "main"]

VERBS: tuple[Verb, ...] = (
    PROBES,
    SCAN,
    RECORD,
    EXPORT,
    SIGN,
    VERIFY,
    CHECK,
    SHOW,
    DEMO,
    DELIVER,
    OUTBOX,
    AUDIT,
    SIMULATE,
    DOCTOR,
    CONFORMANCE,
    WARM_UP,
)

_NEGATIVE_LIST = re.compile(r"-[\d.]+(,[^,]*)+")


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``usdk`` and return its exit status.

    Parameters
    ----------
    argv : sequence of str, optional
        The words after ``usdk``; those of this process when absent.
    """
    try:
        status = _run(argv)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        abandon_output()
        return BROKEN_PIPE
    except KeyboardInterrupt:
        remark("stopped")
        return INTERRUPTED
    return status


def _run(argv: Sequence[str] | None) -> int:
    debug = False
    try:
        arguments = _parse(argv)
        debug = arguments.debug
        with _own_warnings_only():
            status: int = arguments.run(arguments)
    except SystemExit as stop:  # how argparse ends after --help, --version and wrong use
        return stop.code if isinstance(stop.code, int) else 1
    except UsdkError as error:
        if debug:
            raise
        remark(str(error))
        return exit_code(error)
    return status


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    words = _joined(sys.argv[1:] if argv is None else argv)
    arguments, rest = _parser().parse_known_args(words)
    if rest:
        # The word after a misspelt --patient-name is a name: it must not reach a log.
        options = [word.partition("=")[0] for word in rest if word.startswith("-")]
        arguments.parser.error(f"not understood: {' '.join(options) or 'a word too many'}")
    return arguments


def _joined(words: Sequence[str]) -> list[str]:
    """Make ``--angles -10,0,10`` one word, as argparse takes the list for an option otherwise."""
    joined: list[str] = []
    for word in words:
        if joined and joined[-1].startswith("--") and _NEGATIVE_LIST.fullmatch(word):
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def _parser() -> argparse.ArgumentParser:
    codes = sorted((entry.code, entry.meaning) for entry in EXIT_CODES)
    parser = argparse.ArgumentParser(
        prog="usdk",
        description="From an ultrasound probe to a signed DICOM object.",
        epilog="exit status:\n"
        + "\n".join(f"  {code:>3}  {meaning}" for code, meaning in codes)
        + "\n\n'usdk VERB --help' explains a verb and gives examples.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"usdk {sdk_version()}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    for verb in VERBS:
        sub = verbs.add_parser(
            verb.name,
            help=verb.summary,
            description=verb.description,
            epilog="examples:\n" + "\n".join(f"  {example}" for example in verb.examples),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        verb.add_arguments(sub)
        sub.add_argument("-q", "--quiet", action="store_true", help="no progress on stderr")
        sub.add_argument("--debug", action="store_true", help="show an error's traceback")
        sub.set_defaults(run=verb.run, parser=sub)
    return parser


@contextmanager
def _own_warnings_only() -> Iterator[None]:
    """Say usdk's own warnings in one line each; a library's may hold values of a patient."""

    def say(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
        if category.__module__.startswith("usdk"):
            remark(str(message))

    with warnings.catch_warnings():
        warnings.simplefilter("default", UserWarning)
        warnings.showwarning = say
        yield
