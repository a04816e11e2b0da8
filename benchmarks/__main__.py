"""`make bench`: run every benchmark, or those named, one after the other; then write docs/reference/benchmarks.md.

python -m benchmarks                 all of them
python -m benchmarks launch data     these
python -m benchmarks --page          only write the page from the results that are there
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks._report import RESULTS

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "reference" / "benchmarks.md"


def main(arguments: Sequence[str]) -> int:
    """Run, write the page, and return 1 when a benchmark broke or missed a limit."""
    folders = {path.parent.name for path in HERE.glob("*/__main__.py")}
    known = sorted({path.stem for path in HERE.glob("[!_]*.py")} | folders)
    wanted = [name for name in arguments if name != "--page"]
    unknown = [name for name in wanted if name not in known]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    missed = []
    if "--page" not in arguments:
        for name in wanted or known:
            print(f"\n== {name}", flush=True)
            if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=HERE.parent).returncode:
                missed.append(name)
    PAGE.write_text(page(read_results()))
    if missed:
        print(f"\nbroken or beyond a limit: {', '.join(missed)}")
    return 1 if missed else 0


def read_results() -> list[dict[str, Any]]:
    """Every result that was ever written, by name."""
    return [json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))]


def page(results: Sequence[dict[str, Any]]) -> str:
    """The page: a section for each benchmark, a row for each figure."""
    lines = [
        "# What was measured",
        "",
        "Written by `make bench` from `benchmarks/results/*.json`. Each comparison was made side by side in one run;",
        "ratios travel between machines, seconds do not. The load is the machine's own, averaged over 1 minute, when",
        "the run ended: figures taken at a load above the number of processors are worse than the machine can do.",
    ]
    for result in results:
        machine = result["machine"]
        lines += [
            "",
            f"## {result['name']}",
            "",
            f"{result['taken']}, {machine['processors']} processors, Python {machine['python']}, "
            f"load {machine['load'][0]:.1f}.",
            "",
            "| figure | value | unit | limit | |",
            "| --- | ---: | --- | --- | --- |",
            *(_row(figure) for figure in result["figures"]),
        ]
        if result["notes"]:
            lines += ["", result["notes"]]
    return "\n".join(lines) + "\n"


def _row(figure: dict[str, Any]) -> str:
    limit = ""
    if figure["at_most"] is not None:
        limit = f"at most {figure['at_most']:g}"
    elif figure["at_least"] is not None:
        limit = f"at least {figure['at_least']:g}"
    verdict = "" if not limit else ("met" if figure["is_met"] else "**missed**")
    return f"| {figure['name']} | {figure['value']:.4g} | {figure['unit']} | {limit} | {verdict} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
