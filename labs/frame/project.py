"""The project that a lab deploys: what `yard init` makes, with the lab's jobs, code and settings."""

import json
import shutil
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from labs.frame.commands import yard
from labs.frame.errors import LabError
from labs.frame.places import ROOT, Place

_OWN_FOLDERS = ("code", "endpoints")
"""Folders of a lab that travel into its project as they are."""
_FIRST_JOB = ("jobs/hello.toml", "train")
"""What `yard init` writes as an example, and a lab has jobs of its own for."""


def make(place: Place, *, shipped: Sequence[str], settings: Mapping[str, Any]) -> None:
    """Write the project anew, but for the cloud that may run in it. `shipped` names jobs of the repository."""
    project = place.project
    project.mkdir(parents=True, exist_ok=True)
    for path in project.iterdir():
        if path.name != ".yard":
            _remove(path)
    fresh = place.work / "fresh"
    _remove(fresh)
    fresh.mkdir()
    yard(["init", ".", "--project", place.project_name, "--owner", "labs"], folder=fresh, show=False)
    for name in _FIRST_JOB:
        _remove(fresh / name)
    shutil.copytree(fresh, project, dirs_exist_ok=True)
    _remove(fresh)
    for job in _job_files(place, shipped):
        shutil.copy(job, project / "jobs" / job.name)
    for name in _OWN_FOLDERS:
        if (place.folder / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(place.folder / name, project / name, ignore=ignored, dirs_exist_ok=True)
    for image in images(project):
        shutil.copytree(ROOT / "containers" / image, project / "containers" / image)
    _write_settings(project, settings)
    if (ROOT / "node_modules").is_dir():
        (project / "node_modules").symlink_to(ROOT / "node_modules")


def edit(path: Path, words: Mapping[str, str]) -> None:
    """Replace words of a file; each must be there."""
    text = path.read_text(encoding="utf-8")
    missing = [word for word in words if word not in text]
    if missing:
        raise LabError(f"{path.name} has no {', '.join(map(repr, missing))}: it was not edited.")
    for before, after in words.items():
        text = text.replace(before, after)
    path.write_text(text, encoding="utf-8")


def images(project: Path) -> list[str]:
    """The folders of containers/ that the project's jobs name."""
    found = set()
    for path in (project / "jobs").glob("*.toml"):
        folder = tomllib.loads(path.read_text(encoding="utf-8")).get("image", {}).get("folder")
        if folder is not None:
            found.add(str(folder))
    return sorted(found)


def _job_files(place: Place, shipped: Sequence[str]) -> list[Path]:
    own = sorted((place.folder / "jobs").glob("*.toml"))
    files = [*own, *(ROOT / "jobs" / f"{name}.toml" for name in shipped)]
    missing = [str(path) for path in files if not path.is_file()]
    if missing:
        raise LabError(f"There is no job file {', '.join(missing)}.")
    if not files:
        raise LabError(f"{place.name} has no job: put one into {place.folder / 'jobs'}, or name jobs that ship.")
    return files


def _write_settings(project: Path, settings: Mapping[str, Any]) -> None:
    path = project / "cdk.json"
    content = json.loads(path.read_text())
    # The interpreter of this process has the packages; a notebook instance has no .venv beside the project
    content["app"] = f"{sys.executable} app.py"
    content["context"] |= settings
    path.write_text(json.dumps(content, indent=2) + "\n")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
