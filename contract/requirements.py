"""Packages that a user's code brings a list of, and what pip says when it cannot have them."""

import hashlib
import re
from pathlib import Path

FILE = "requirements.txt"
WHEELS_CHANNEL = "wheels"
"""Packages for a node that reaches no index: a folder of wheels in S3, and no data of the program's."""
_ERROR = re.compile(r"\s*(?:ERROR|error): ?(.+)")
_NO_WAY = re.compile(r"Retrying|NewConnectionError|ConnectTimeout|Temporary failure in name resolution")
_SAID_LETTERS_MOST = 700


WHEELS_ALONE = ("--only-binary", ":all:")
"""Packages that are built already: what comes as source runs its setup.py where it is installed."""
_BUILDS = re.compile(
    r"-e\b|--editable\b|--no-binary\b|--only-binary[ =]:none:|(git|hg|svn|bzr)\+|(?!-)\S*\.(tar\.\w+|tgz|zip)(\s|#|;|$)"
    r"|(\.{0,2}/|file:)(?!\S*\.whl\b)",
)
_NAMED = re.compile(r"(?:-r|--requirement|-c|--constraint)[ =]*(\S+)")


def source_lines(path: Path) -> list[str]:
    """The lines of a list, and of the lists that it names, with which pip would run somebody's code to build it."""
    return _source_lines(path.resolve(), set())


def _source_lines(path: Path, seen: set[Path]) -> list[str]:
    if path in seen or not path.is_file():
        return []
    seen.add(path)
    found: list[str] = []
    text = path.read_text(encoding="utf-8", errors="replace").replace("\\\n", " ")
    for line in map(str.strip, names_packages(text.encode()).decode().splitlines()):
        place = line.partition(" @ ")[2].strip() or line
        if _BUILDS.match(line) or _BUILDS.match(place) or _is_folder(path.parent, place):
            found.append(line)
        named = _NAMED.match(line)
        if named is not None:
            found += _source_lines((path.parent / named[1]).resolve(), seen)
    return found


def _is_folder(beside: Path, place: str) -> bool:
    """Whether pip would take a word for a folder: it needs a slash for that, or to be the dot."""
    return not place.startswith("-") and ("/" in place or place == ".") and (beside / place.split("[")[0]).is_dir()


def pip_command(python: str, path: str, *options: str) -> list[str]:
    """What installs a list of requirements into the environment of `python`."""
    quietly = ["--quiet", "--no-input", "--disable-pip-version-check", "--root-user-action=ignore"]
    # -I: the folder in which it runs may hold a module of the name of one of pip's
    return [python, "-I", "-m", "pip", "install", *quietly, *options, "--requirement", path]


def pip_errors(output: str) -> str:
    """pip's own error lines; the end of its output where it has none."""
    lines = [match[1].strip() for match in map(_ERROR.fullmatch, output.splitlines()) if match is not None]
    said = "; ".join(dict.fromkeys(lines))[:_SAID_LETTERS_MOST] if lines else output.strip()[-_SAID_LETTERS_MOST:]
    if _NO_WAY.search(output):
        said += " (the package index cannot be reached from here)"
    return said


def names_packages(content: bytes) -> bytes:
    """The lines that name packages: neither blank lines nor comments change what is installed."""
    lines = (line.split(b" #")[0].strip() for line in content.splitlines())
    return b"\n".join(line for line in lines if line and not line.startswith(b"#"))


def digest(content: bytes) -> str:
    """What tells one list from another."""
    return hashlib.sha256(names_packages(content)).hexdigest()
