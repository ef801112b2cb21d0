"""Formulas of the documentation as MathML, which browsers show without a script.

Docstrings write ``.. math::`` and ``:math:``, as tools for Python read them; pages write ``\\[``
and ``\\(``. The first become the second when docstrings are loaded (an extension of griffe), and
these become MathML when a page has been made (a hook of mkdocs).
"""

from __future__ import annotations

import html
import re
from textwrap import dedent
from typing import Any

import griffe
from latex2mathml.converter import convert

_BLOCK = re.compile(
    r"^(?P<indent> *)\.\. math::(?P<body>.*(?:\n(?:(?P=indent) +.*)?)*)", re.MULTILINE
)
_INLINE = re.compile(r":math:`([^`]+)`")
_MADE = re.compile(
    r'<(?P<tag>span|div) class="arithmatex">\\[(\[](?P<latex>.*?)\\[)\]]</(?P=tag)>', re.DOTALL
)


class Formulas(griffe.Extension):
    """Docstrings with formulas as pages write them."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring is not None:
            text = _BLOCK.sub(_block, obj.docstring.value)
            obj.docstring.value = _INLINE.sub(r"\\(\1\\)", text)


def on_page_content(content: str, **_: Any) -> str:
    return _MADE.sub(_mathml, content)


def _block(found: re.Match[str]) -> str:
    indent, (first, _, rest) = found["indent"], found["body"].partition("\n")
    latex = " ".join((first.strip() + "\n" + dedent(rest)).split())
    return f"\n{indent}\\[ {latex} \\]\n\n"


def _mathml(found: re.Match[str]) -> str:
    display = "block" if found["tag"] == "div" else "inline"
    latex = html.unescape(found["latex"]).strip().replace(r"\arg", r"\operatorname{arg}")
    made = str(convert(latex, display=display))
    if "\\" in html.unescape(made):
        # The converter shows commands that it does not know as they were written.
        raise ValueError(f"a formula has a command that is not known: {latex}")
    return made
