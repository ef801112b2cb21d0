"""Conformance: whether a front-end keeps the contract, by running it.

`run_checks` opens a front-end again and again, one check after the other, and returns a `Report`;
`junit_xml` writes it for a build server. The command is ``usdk conformance ADDRESS``.
"""

from usdk.conformance.bench import Bench, Settings
from usdk.conformance.catalogue import CHECKS, chosen_checks
from usdk.conformance.check import Check, check
from usdk.conformance.expect import DeviationError, NotApplicableError, require
from usdk.conformance.junit import junit_xml, write_junit
from usdk.conformance.operator import Operator
from usdk.conformance.report import Outcome, Report, Verdict
from usdk.conformance.runner import run_checks

__all__ = [
    "CHECKS",
    "Bench",
    "Check",
    "DeviationError",
    "NotApplicableError",
    "Operator",
    "Outcome",
    "Report",
    "Settings",
    "Verdict",
    "check",
    "chosen_checks",
    "junit_xml",
    "require",
    "run_checks",
    "write_junit",
]
