"""Pages written by hand but for their tables, between `<!-- table: name -->` and `<!-- end -->`."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

_TABLE = re.compile(r"(<!-- table: (?P<name>[a-z0-9_-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def rewritten(page: Path, tables: Mapping[str, Callable[[], str]]) -> str:
    """The page as it stands, with its tables written anew."""
    return _TABLE.sub(lambda found: found[1] + tables[found["name"]]() + "\n" + found[3], page.read_text())
