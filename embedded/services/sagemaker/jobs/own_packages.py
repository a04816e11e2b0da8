"""The list of packages that a job's code brings along: in the zip of our launcher, or in the archive of the SDK."""

import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from contract.requirements import FILE, names_packages
from contract.variables import SOURCE_SHA256

_CODE_FOLDERS = ("input/data/code", "processing/input/code")
"""Where a training job has its code, and where a processing job has it."""
_SDK_ARCHIVE = "processing/input/code/sourcedir.tar.gz"
"""How the SDK's FrameworkProcessor brings a folder of code; its start script installs the list with pip."""


def find(job_environment: Mapping[str, str], ml: Path, into: Path) -> Path | None:
    """Unpack the code for whom it names packages, and return its list; None if it names none.

    A real image has a package index; a node here has no way out, so the packages are installed for it beforehand.
    """
    archives = sorted(path for folder in _CODE_FOLDERS for path in (ml / folder).glob("**/*.zip"))
    if SOURCE_SHA256 in job_environment and len(archives) == 1:
        return _of_zip(archives[0], into)
    return _of_tar(ml / _SDK_ARCHIVE, into)


def _of_zip(path: Path, into: Path) -> Path | None:
    try:
        with zipfile.ZipFile(path) as archive:
            if FILE not in archive.namelist() or not names_packages(archive.read(FILE)):
                return None
            archive.extractall(into)
    except zipfile.BadZipFile:  # the launcher says so
        return None
    return into / FILE


def _of_tar(path: Path, into: Path) -> Path | None:
    if not path.is_file():
        return None
    try:
        with tarfile.open(path) as archive:
            names = [name for name in archive.getnames() if name.removeprefix("./") == FILE]
            listed = archive.extractfile(names[0]) if names else None
            if listed is None or not names_packages(listed.read()):
                return None
            archive.extractall(into, filter="data")
    except (tarfile.TarError, OSError):  # the start script says so
        return None
    return into / FILE
