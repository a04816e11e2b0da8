"""Running a lab: its notebook's cells from top to bottom in a process of their own."""

import linecache
import os
import shutil
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from labs.frame import pages
from labs.frame.errors import LabError
from labs.frame.lab import clean
from labs.frame.notebooks import cells_of_notebook
from labs.frame.places import ROOT, Place, is_on_aws
from labs.frame.results import read


def run(place: Place, *, keep: bool) -> float:
    """Run a lab's notebook; its seconds. With `keep` its results and pictures become those of the repository."""
    began = time.monotonic()
    if place.project.is_dir() and not is_on_aws():
        clean(place.name)
        shutil.rmtree(place.project)  # with the state of the cloud that an earlier run left
    shutil.rmtree(place.results, ignore_errors=True)
    command = [sys.executable, "-m", "labs.frame.running", str(place.folder / "lab.ipynb")]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(command, cwd=place.folder, env={**os.environ, "PYTHONPATH": path}, check=False)
    if done.returncode:
        if not is_on_aws():
            clean(place.name)
        after = f" Its stacks are still there: python -m labs clean {place.name}" if is_on_aws() else ""
        raise LabError(f"{place.name} failed; what it said is above.{after}")
    found = read(place.results)
    if keep:
        for name in ("results.json", *found.pictures):
            shutil.copy(place.results / name, place.folder / name)
        (place.folder / "README.md").write_text(pages.written(place), encoding="utf-8")
    return time.monotonic() - began


def run_cells(notebook: Path) -> None:
    """Run the code cells in one namespace; a failure shows its cell's lines."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(cells_of_notebook(notebook), 1):
        if cell.kind == "markdown":
            print(f"\n{cell.source}\n", flush=True)
            continue
        file = f"<{notebook.parent.name}, cell {number}>"
        linecache.cache[file] = (len(cell.source), None, cell.source.splitlines(keepends=True), file)
        exec(compile(cell.source, file, "exec"), names)


def main() -> None:
    """Run one notebook in this process; what it fails with is shown without this module's own lines."""
    try:
        run_cells(Path(sys.argv[1]))
    except Exception as error:
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
            trace = trace.tb_next
        traceback.print_exception(type(error), error, trace)
        sys.exit(1)


if __name__ == "__main__":
    main()
