"""The list of packages that a job's code brings along, found in the zip of its channel `code`."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

from contract.requirements import FILE, names_packages
from contract.variables import SOURCE_SHA256


def find(job_environment: Mapping[str, str], ml: Path, into: Path) -> Path | None:
    """Unpack the code for whom it names packages, and return its list; None if it names none.

    A real image has a package index; a node here has no way out, so the packages are installed for it beforehand.
    """
    archives = sorted((ml / "input" / "data" / "code").glob("**/*.zip"))
    if SOURCE_SHA256 not in job_environment or len(archives) != 1:
        return None
    try:
        with zipfile.ZipFile(archives[0]) as archive:
            if FILE not in archive.namelist() or not names_packages(archive.read(FILE)):
                return None
            archive.extractall(into)
    except zipfile.BadZipFile:  # the launcher says so
        return None
    return into / FILE
