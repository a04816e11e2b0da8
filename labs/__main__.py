"""The labs from the command line: `python -m labs list|run|write|check|clean`."""

import argparse
import sys
import time
from collections.abc import Sequence

from labs.frame import pages
from labs.frame.errors import LabError
from labs.frame.lab import clean
from labs.frame.notebooks import notebook
from labs.frame.places import Place, all_labs, find
from labs.frame.running import run


def main(words: Sequence[str] | None = None) -> int:
    """Run a verb; 1 where something failed, with its words."""
    parser = argparse.ArgumentParser(prog="python -m labs", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("list", help="name the labs")
    running = verbs.add_parser("run", help="run labs from top to bottom")
    running.add_argument("names", nargs="+", metavar="NAME", help="a lab's name or number, or all")
    running.add_argument("--keep", action="store_true", help="write results, pictures and tables into labs/")
    running.add_argument("--within-minutes", type=float, help="fail where they take longer")
    verbs.add_parser("write", help="write each notebook from its script, and each page's tables from its results")
    verbs.add_parser("check", help="say what `write` would change, and which pictures are missing")
    cleaning = verbs.add_parser("clean", help="clean up after a lab that failed")
    cleaning.add_argument("names", nargs="+", metavar="NAME")
    given = parser.parse_args(words)
    try:
        return _do(given)
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _do(given: argparse.Namespace) -> int:
    if given.verb == "list":
        for place in all_labs():
            print(f"{place.name:<24}{place.title}")
    elif given.verb == "run":
        chosen = all_labs() if given.names == ["all"] else [find(name) for name in given.names]
        _run(chosen, keep=given.keep, within_minutes=given.within_minutes)
    elif given.verb == "clean":
        for name in given.names:
            clean(find(name).name)
    elif given.verb == "write":
        for place in all_labs():
            script = (place.folder / "lab.py").read_text(encoding="utf-8")
            (place.folder / "lab.ipynb").write_text(notebook(script), encoding="utf-8")
            (place.folder / "README.md").write_text(pages.written(place), encoding="utf-8")
    else:
        problems = [problem for place in all_labs() for problem in differing(place)]
        for problem in problems:
            print(problem, file=sys.stderr)
        return int(bool(problems))
    return 0


def _run(chosen: Sequence[Place], *, keep: bool, within_minutes: float | None) -> None:
    """Run the labs one after the other, to the last even where one fails."""
    began, failed = time.monotonic(), []
    for place in chosen:
        print(f"\n==== {place.name}", flush=True)
        try:
            seconds = run(place, keep=keep)
            print(f"==== {place.name}: {seconds:.0f} s", flush=True)
        except LabError as error:
            failed.append(f"{place.name}: {error}")
    minutes = (time.monotonic() - began) / 60
    if within_minutes is not None and minutes > within_minutes:
        failed.append(f"The labs took {minutes:.1f} minutes, and may take {within_minutes:g}.")
    if failed:
        raise LabError("\n".join(failed))


def differing(place: Place) -> list[str]:
    """What of a lab's committed files does not follow from its script and its results."""
    folder, problems = place.folder, []
    made = folder / "lab.ipynb"
    if not made.is_file() or made.read_text(encoding="utf-8") != notebook((folder / "lab.py").read_text("utf-8")):
        problems.append(f"{place.name}/lab.ipynb differs from lab.py: python -m labs write")
    try:
        if pages.written(place) != (folder / "README.md").read_text(encoding="utf-8"):
            problems.append(f"{place.name}/README.md differs from results.json: python -m labs write")
    except LabError as error:
        problems.append(str(error))
    for picture in pages.pictures(place):
        if not (folder / picture).is_file():
            problems.append(f"{place.name}/README.md shows {picture}, which is missing: python -m labs run --keep")
    return problems


if __name__ == "__main__":
    sys.exit(main())
