"""Packages that a user's code brings a list of, and what pip says when it cannot have them."""

import hashlib
import re

FILE = "requirements.txt"
_ERROR = re.compile(r"\s*(?:ERROR|error): ?(.+)")
_NO_WAY = re.compile(r"Retrying|NewConnectionError|ConnectTimeout|Temporary failure in name resolution")
_SAID_LETTERS_MOST = 700


def pip_command(python: str, path: str) -> list[str]:
    """What installs a list of requirements into the environment of `python`."""
    quietly = ["--quiet", "--no-input", "--disable-pip-version-check", "--root-user-action=ignore"]
    # -I: the folder in which it runs may hold a module of the name of one of pip's
    return [python, "-I", "-m", "pip", "install", *quietly, "--requirement", path]


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
