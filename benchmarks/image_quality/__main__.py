"""Measure picture quality by method and write docs/explanation/image-quality.md's tables.

python benchmarks/image_quality [subject ...] [--no-pictures]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from quality_methods import ROWS
from quality_pictures import draw_all
from quality_tables import table

PAGE = Path(__file__).parents[2] / "docs/explanation/image-quality.md"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("subjects", nargs="*", default=list(ROWS), metavar="subject")
    parser.add_argument("--no-pictures", action="store_true")
    chosen = parser.parse_args()
    page = PAGE.read_text(encoding="utf-8")
    for name in chosen.subjects:
        begin, end = f"<!-- table: {name} -->\n", f"<!-- end: {name} -->"
        head, _, rest = page.partition(begin)
        _, found, tail = rest.partition(end)
        if not found:
            sys.exit(f"{PAGE} has no place for a table {name!r}")
        page = f"{head}{begin}\n{table(name, ROWS[name])}\n\n{end}{tail}"
        PAGE.write_text(page, encoding="utf-8")
        sys.stdout.write(f"{name}\n")
    if not chosen.no_pictures:
        for path in draw_all():
            sys.stdout.write(f"{path} {path.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
