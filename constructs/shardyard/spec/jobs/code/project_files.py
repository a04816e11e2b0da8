"""Checks of a job's file against the project: the files that it names, and texts that a state machine misreads."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from shardyard.spec.errors import Problem, nearest
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.jobs.processing.processing import ProcessingSpec
from shardyard.spec.product import image_sources


def missing_files(spec: LaunchedSpec, root: Path) -> Iterator[Problem]:
    """A problem for each file or folder that a job names and the project at `root` lacks."""
    yield from _image_folder(spec, root)
    code = _code(spec, root)
    if spec.source is not None and code is None:
        yield Problem("source.dir", f"there is no folder {spec.source.dir!r} in the project (make it, or correct it)")
    else:
        yield from _entry(spec, root, code)


_MISREAD = {"${": "a CloudFormation placeholder", '.$":': "a path of its own"}


def misread_texts(spec: LaunchedSpec) -> Iterator[Problem]:
    """A problem for each text that means something else in the state machine, which contains the definition."""
    text = json.dumps(spec.to_dict(), separators=(",", ":"))
    for spelling, meaning in _MISREAD.items():
        if spelling in text:
            shown = spelling.rstrip('":')
            yield Problem("", f"{shown!r} is not allowed here: the state machine would take it for {meaning}")


def _image_folder(spec: LaunchedSpec, root: Path) -> Iterator[Problem]:
    folder = spec.image.folder
    if folder is not None and not (root / "containers" / folder / "Dockerfile").is_file():
        known = sorted(path.parent.name for path in root.glob("containers/*/Dockerfile"))
        yield Problem("image.folder", f"there is no containers/{folder}/Dockerfile; {nearest(folder, known)}")
    elif folder is not None:
        yield from _copies_of_another_image(root / "containers" / folder)


_LISTS = re.compile(r"^\s*(?:COPY|RUN)\s.*\bcontainers/([\w-]+)(?:/requirements\.txt|,target)", re.M)


def _copies_of_another_image(folder: Path) -> Iterator[Problem]:
    """A folder copied from another still names it: docker would install the other's packages, and we here its own."""
    for other in sorted({*_LISTS.findall((folder / "Dockerfile").read_text())} - {folder.name}):
        yield Problem(
            "image.folder",
            f"containers/{folder.name}/Dockerfile takes containers/{other}/requirements.txt, another image's list "
            f"(write {folder.name} there and in Dockerfile.dockerignore; yard image new makes such a copy right)",
        )


def _code(spec: LaunchedSpec, root: Path) -> Path | None:
    """The folder of the job's code; None if it names none, or one that is not in the project."""
    if spec.source is None:
        return None
    folder = (root / spec.source.dir).resolve()
    return folder if folder.is_dir() and folder.is_relative_to(root.resolve()) else None


def _entry(spec: LaunchedSpec, root: Path, code: Path | None) -> Iterator[Problem]:
    """A script must be in the code; a module in the code or in our `training`, which every image gets."""
    entry = started(spec)
    if entry is None:
        return
    if entry.endswith((".py", ".jar")):
        if code is not None and not (code / entry).is_file():
            yield Problem("program.entry", f"there is no {entry!r} in the job's code, {_shown(code, root)}")
    elif entry.startswith("training.") and (spec.image.folder is not None or spec.image.framework is not None):
        module = Path(*entry.split("."))
        ours = image_sources(root)
        above = [folder for folder in (ours, code) if folder is not None]
        if not any((folder / module).with_suffix(".py").is_file() or (folder / module).is_dir() for folder in above):
            modules = sorted(".".join(path.relative_to(ours).with_suffix("").parts) for path in ours.glob(_PROGRAMS))
            yield Problem("program.entry", f"there is no module {entry}; {nearest(entry, modules)}")


def started(spec: LaunchedSpec) -> str | None:
    """What the launcher starts."""
    if isinstance(spec, ProcessingSpec) and spec.spark is not None:
        return spec.spark.application
    program = spec.program if isinstance(spec, JobSpec | ProcessingSpec) else None
    return None if program is None else program.entry


_PROGRAMS = "training/*/programs/[a-z]*.py"


def _shown(code: Path, root: Path) -> str:
    return f"{code.relative_to(root.resolve()).as_posix()}/"
