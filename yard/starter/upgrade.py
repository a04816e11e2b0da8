"""`yard upgrade`: what changed for a project between the version that made it and the installed one."""

import difflib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from shardyard.spec.product import product_root
from yard.errors import UserError
from yard.starter import files
from yard.starter.begin import write
from yard.starter.files import RECORD, Choices

_HEADING = re.compile(r"^## \[?v?(\S+?)\]?(?: .*)?$", re.MULTILINE)


class State(StrEnum):
    """What is to be done about a file."""

    UNCHANGED = "unchanged"
    """The template is as it was, or the file is as the new one."""
    REWRITE = "rewrite"
    """The template changed and the file was left as it was; a new file is the same."""
    DIFFERS = "differs"
    """The template changed, and so did the file."""
    GONE = "gone"
    """The template changed, and the file was removed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One file of the project."""

    path: str
    """Its path in the project."""
    state: State
    """What is to be done."""
    diff: str
    """From the file to the template of this version, where both changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Upgrade:
    """All that there is to say."""

    made_by: str
    """The version that made the project, or last wrote its files."""
    installed: str
    """The version that runs."""
    news: str
    """The entries of the changelog between the two."""
    changes: tuple[Change, ...]
    """Every file."""


def compare(root: Path) -> Upgrade:
    """Look at a project's files; nothing is written."""
    made_by, choices, sums = _read(root)
    changes = []
    for name, content in files.render(choices).items():
        path = root / name
        here = path.read_bytes() if path.is_file() else None
        changes.append(_change(name, here, content, sums.get(name)))
    installed = files.version()
    changelog = (product_root() / "CHANGELOG.md").read_text(encoding="utf-8")
    return Upgrade(
        made_by=made_by, installed=installed, news=news(changelog, made_by, installed), changes=tuple(changes)
    )


def apply(root: Path, upgrade: Upgrade) -> list[str]:
    """Write the files that the person left as they were, and the record; return what was written."""
    _, choices, _ = _read(root)
    wanted = files.render(choices)
    written = [change.path for change in upgrade.changes if change.state == State.REWRITE]
    for name in written:
        write(root / name, wanted[name])
    write(root / RECORD, files.record(choices, wanted))
    return written


def news(changelog: str, made_by: str, installed: str) -> str:
    """The changelog's sections above the older version's, from the newer one's on; none for the same version.

    What stands under Unreleased belongs to an installed version that has no heading of its own.
    """
    if made_by == installed:
        return ""
    headings = {found[1]: found.start() for found in _HEADING.finditer(changelog)}
    first = min(headings.values(), default=len(changelog))
    begin, end = headings.get(installed, first), headings.get(made_by, len(changelog))
    return changelog[begin:end].strip()


def _change(name: str, here: bytes | None, wanted: bytes, recorded: str | None) -> Change:
    new = files.digest(wanted)
    if new == recorded or (here is not None and files.digest(here) == new):
        state = State.UNCHANGED
    elif here is None:
        state = State.REWRITE if recorded is None else State.GONE
    else:
        state = State.REWRITE if files.digest(here) == recorded else State.DIFFERS
    diff = "" if here is None or state != State.DIFFERS else "".join(_diff(name, here, wanted))
    return Change(path=name, state=state, diff=diff)


def _diff(name: str, here: bytes, wanted: bytes) -> Iterator[str]:
    before, after = (content.decode(errors="replace").splitlines(keepends=True) for content in (here, wanted))
    for line in difflib.unified_diff(before, after, f"{name} (yours)", f"{name} (Shardyard {files.version()})"):
        yield line if line.endswith("\n") else f"{line}\n"


def _read(root: Path) -> tuple[str, Choices, dict[str, str]]:
    try:
        content = json.loads((root / RECORD).read_text(encoding="utf-8"))
        return content["version"], Choices(**content["choices"]), content["files"]
    except FileNotFoundError:
        raise UserError(
            f"{root} has no {RECORD}: it was not made by `yard init`, so nothing is known of what it was made from.",
            "Make a project beside it (yard init DIR) and move your jobs there.",
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{root / RECORD} is damaged ({error}).", "Take it back from version control.") from None
