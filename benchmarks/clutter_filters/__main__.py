"""Compare clutter filters and write docs/explanation/clutter-filters.md's table and pictures.

python benchmarks/clutter_filters [--no-pictures]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from clutter_pictures import draw_all
from clutter_tables import table

PAGE = Path(__file__).parents[2] / "docs/explanation/clutter-filters.md"
BEGIN, END = "<!-- table: filters -->\n", "<!-- end: filters -->"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-pictures", action="store_true")
    chosen = parser.parse_args()
    page = PAGE.read_text(encoding="utf-8")
    head, _, rest = page.partition(BEGIN)
    _, found, tail = rest.partition(END)
    if not found:
        sys.exit(f"{PAGE} has no place for the table")
    PAGE.write_text(f"{head}{BEGIN}\n{table()}\n\n{END}{tail}", encoding="utf-8")
    if not chosen.no_pictures:
        for path in draw_all():
            sys.stdout.write(f"{path} {path.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
