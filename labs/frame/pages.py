"""The tables of a lab's page, made from its results."""

import re
from collections.abc import Callable, Mapping, Sequence

from labs.frame.errors import LabError
from labs.frame.places import Place
from labs.frame.results import Cell, Results, number, read

_PART = re.compile(r"(<!-- results:([\w-]+) -->\n)(.*?)(<!-- /results -->)", re.DOTALL)
_PICTURE = re.compile(r"!\[[^\]]*\]\(([^)]+)\)")


def written(place: Place) -> str:
    """The page as it should stand: each part between `<!-- results:NAME -->` and `<!-- /results -->` made anew."""
    page, results = (place.folder / "README.md").read_text(encoding="utf-8"), read(place.folder)
    parts = [found[2] for found in _PART.finditer(page)]
    if page.count("<!-- results:") != len(parts):
        raise LabError(f"{place.name}/README.md: every <!-- results:NAME --> needs a line <!-- /results --> after it.")
    if not parts:
        raise LabError(f"{place.name}/README.md shows no results: it needs a line <!-- results:figures -->.")
    return _PART.sub(lambda found: f"{found[1]}{table(results, found[2])}{found[4]}", page)


def table(results: Results, name: str) -> str:
    """One part by its name: a table of the lab, `figures` for all numbers, `run` for where they were measured."""
    special: Mapping[str, Callable[[Results], str]] = {"figures": _figures, "run": _run}
    if name in special:
        return special[name](results)
    if name not in results.tables:
        known = ", ".join([*special, *results.tables])
        raise LabError(f"The results have no table {name!r}; there are {known}.")
    return markdown(results.tables[name])


def markdown(rows: Sequence[Mapping[str, Cell]]) -> str:
    """Rows as a table; numbers stand at the right."""
    columns = list(rows[0])
    right = [all(not isinstance(row[column], str) for row in rows) for column in columns]
    lines = [columns, ["---:" if one else "---" for one in right]]
    lines += [[_shown(row[column]) for column in columns] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def pictures(place: Place) -> list[str]:
    """The pictures that the page shows, but those of other places."""
    page = (place.folder / "README.md").read_text(encoding="utf-8")
    return [path for path in _PICTURE.findall(page) if "://" not in path]


def _figures(results: Results) -> str:
    return markdown(
        [
            {
                "what": figure.says,
                "measured": f"{number(figure.value)} {figure.unit}".rstrip(),
                "must be": figure.range,
            }
            for figure in results.figures.values()
        ]
    )


def _run(results: Results) -> str:
    return markdown([{"what": name, "run": _shown(value)} for name, value in results.run.items()])


def _shown(value: Cell) -> str:
    return value if isinstance(value, str) else number(value)
