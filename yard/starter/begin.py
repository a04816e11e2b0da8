"""`yard init`: the files of a new project into a folder in which nothing is in the way."""

import re
from pathlib import Path

from shardyard.spec.settings.settings import Settings
from yard.errors import UserError, writing
from yard.starter import files
from yard.starter.files import RECORD, Choices

_WELCOME = frozenset({".git", ".venv", "node_modules"})
"""What people make in a folder before its first file."""
_MOST_NAMED = 5


def begin(folder: Path, choices: Choices) -> list[str]:
    """Write the project; return the paths of its files. Files that are there already, and the same, stay."""
    # The settings' own rules, with their own words, before anything is written
    Settings.from_context({"project": choices.project, "stage": choices.stage, "owner": choices.owner})
    wanted = files.render(choices)
    wanted[RECORD] = files.record(choices, wanted)
    in_the_way = sorted(_strangers(folder, wanted))
    if in_the_way:
        shown = ", ".join(in_the_way[:_MOST_NAMED])
        more = len(in_the_way) - _MOST_NAMED
        raise UserError(
            f"{folder} is not empty: {shown}{f' and {more} more' if more > 0 else ''} would be in the way.",
            "It is a project already: edit its files, or see what is new: yard upgrade"
            if (folder / RECORD).is_file()
            else "Name an empty folder, or one that does not exist yet.",
        )
    for name, content in wanted.items():
        write(folder / name, content)
    return sorted(wanted)


def project_name(folder: Path) -> str:
    """A name made from the folder's, as the settings allow it as far as that goes."""
    return re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")


def write(path: Path, content: bytes) -> None:
    """Write a file and the folders above it."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _strangers(folder: Path, wanted: dict[str, bytes]) -> list[str]:
    """What lies in the folder and is not a file that we would write just so."""
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file.", "Name a folder.")
    found = []
    for path in folder.rglob("*"):
        inside = path.relative_to(folder)
        if inside.parts[0] in _WELCOME or (path.is_dir() and not path.is_symlink()):
            continue
        content = wanted.get(inside.as_posix())
        if content is None or not path.is_file() or files.digest(path.read_bytes()) != files.digest(content):
            found.append(inside.as_posix())
    return found
