"""Which files of a folder are code that travels: not what tools made there, and nothing that the project ignores.

Patterns are those of .gitignore, of which the last match counts. First come `LEFT_OUT`, then the .gitignore and the
.yardignore of every folder from the project's down: a .yardignore may take back what others left out, `!build/`.
"""

import functools
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from shardyard.spec.errors import Problem, SpecError

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILES = (".gitignore", ".yardignore")
NEVER = ("cdk.out*/", ".yard/", ".git/", ".hg/", ".svn/")
"""Folders that no pattern takes back: version control, and what synth and the embedded cloud make of this very code."""
LEFT_OUT = (
    "__pycache__/",
    "*.py[co]",
    "*.egg-info/",
    ".venv*/",
    "node_modules/",
    ".mypy_cache/",
    ".pytest_cache/",
    ".ruff_cache/",
    ".ipynb_checkpoints/",
    ".DS_Store",
    "/build/",
    "/dist/",
    "**/models/[12]???????-??????-????/",
    "**/outputs/[12]???????-??????-????/",
    "**/checkpoints/[12]???????-??????-????/",
)
"""What tools leave behind; the last three are where `yard model get` and its like put what a run left."""
_MARKS = ("pyvenv.cfg", "conda-meta", "CACHEDIR.TAG")
"""What tells an environment or a cache, whatever its folder's name."""
MOST_BYTES = 100_000_000
"""The code is packed at every synth and launch, and unpacked on every node: what is larger is data."""
_SHOWN = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceFiles:
    """A folder's code, and what is not."""

    files: dict[str, Path] = field(default_factory=dict)
    """By the path below the folder, sorted."""
    left_out: tuple[str, ...] = ()
    """Files and whole folders that stay here, sorted; a folder's ends with a slash."""

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(path.stat().st_size for path in self.files.values())

    def __str__(self) -> str:
        """For a person: `3 files, 12 kB; left out: .git/, cdk.out/ and 2 more`."""
        said = f"{len(self.files)} file{'' if len(self.files) == 1 else 's'}, {self.size / 1000:,.0f} kB"
        if not self.left_out:
            return said
        more = len(self.left_out) - _SHOWN
        return f"{said}; left out: {', '.join(self.left_out[:_SHOWN])}{f' and {more} more' if more > 0 else ''}"


def source_files(root: Path, folder: str) -> SourceFiles:
    """Walk a source folder of the project at `root`; refuses links that lead out of it, and what is too large."""
    code = root / folder
    if not code.is_dir():
        raise SpecError([Problem("source.dir", f"{code} is not a folder")])
    walk = _Walk(root=root, code=code)
    walk.enter(code)
    found = SourceFiles(files=dict(sorted(walk.files.items())), left_out=tuple(sorted(walk.left_out)))
    if walk.leaving:
        raise SpecError(_leaves(folder, path) for path in sorted(walk.leaving))
    if found.size > MOST_BYTES:
        raise SpecError([_too_large(folder, found)])
    return found


@dataclass(kw_only=True, slots=True)
class _Walk:
    """One walk through a folder."""

    root: Path
    code: Path
    files: dict[str, Path] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    leaving: list[str] = field(default_factory=list)
    patterns: dict[Path, "GitIgnoreSpec | None"] = field(default_factory=dict)

    def enter(self, folder: Path) -> None:
        """Sort everything in a folder, and below it, into files, left out and leaving."""
        for entry in os.scandir(folder):
            path = Path(entry.path)
            is_folder = entry.is_dir(follow_symlinks=False)
            name = _name(path, self.code, is_folder=is_folder)
            if self._is_ignored(path, is_folder=is_folder):
                self.left_out.append(name)
            elif entry.is_symlink() and not path.resolve().is_relative_to(self.code.resolve()):
                self.leaving.append(name)
            elif is_folder:
                self.enter(path)
            elif entry.is_file():
                self.files[name] = path
            else:  # a linked folder, a link to nothing, a pipe
                self.left_out.append(name)

    def _is_ignored(self, path: Path, *, is_folder: bool) -> bool:
        if is_folder and (_never().match_file(f"{path.name}/") or any((path / mark).exists() for mark in _MARKS)):
            return True
        for folder in path.parents:  # the nearest patterns count most
            verdict = _verdict(self._patterns_of(folder), _name(path, folder, is_folder=is_folder))
            if verdict is not None:
                return verdict
            if folder == self.root:
                break
        return bool(_verdict(_left_out(), _name(path, self.code, is_folder=is_folder)))

    def _patterns_of(self, folder: Path) -> "GitIgnoreSpec | None":
        if folder not in self.patterns:
            paths = [folder / name for name in IGNORE_FILES]
            lines = [line for path in paths if path.is_file() for line in path.read_text().splitlines()]
            self.patterns[folder] = _compiled(tuple(lines)) if lines else None
        return self.patterns[folder]


def _name(path: Path, above: Path, *, is_folder: bool) -> str:
    """The path as patterns know it: a folder ends with a slash."""
    return path.relative_to(above).as_posix() + ("/" if is_folder else "")


def _verdict(patterns: "GitIgnoreSpec | None", name: str) -> bool | None:
    """Whether patterns leave a path out; None if none of them is about it."""
    return None if patterns is None else patterns.check_file(name).include


def _never() -> "GitIgnoreSpec":
    return _compiled(NEVER)


def _left_out() -> "GitIgnoreSpec":
    return _compiled(LEFT_OUT)


@functools.cache
def _compiled(lines: tuple[str, ...]) -> "GitIgnoreSpec":
    from pathspec import GitIgnoreSpec  # no command needs it but those that pack code

    return GitIgnoreSpec.from_lines(lines)


def _leaves(folder: str, name: str) -> Problem:
    return Problem(
        "source.dir",
        f"{name} in {folder!r} is a link that leads out of the folder, and what it points to would be uploaded "
        "(copy it, make it a channel, or name it in .yardignore)",
    )


def _too_large(folder: str, found: SourceFiles) -> Problem:
    largest = sorted(found.files.items(), key=lambda item: -item[1].stat().st_size)[:_SHOWN]
    shown = ", ".join(f"{name} {path.stat().st_size / 1e6:,.1f} MB" for name, path in largest)
    return Problem(
        "source.dir",
        f"{folder!r} has {found.size / 1e6:,.0f} MB in {len(found.files)} files, and code may have "
        f"{MOST_BYTES / 1e6:,.0f} MB (the largest: {shown}; name in .yardignore what is no code, and give data a "
        "channel: yard data put)",
    )
