"""The virtual environment that stands in for an image: made once from its requirements.txt, cached by content."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from embedded.nodes.image import ImageError

_SAID_BYTES_MOST = 1500


def cache_folder() -> Path:
    """The folder of the environments, shared by all clones of the project."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "shardyard" / "environments"


def environment_folder(requirements: Path) -> Path:
    """The environment of these requirements for this Python; it need not exist yet."""
    content = requirements.read_bytes() if requirements.is_file() else b""
    version = f"{sys.implementation.cache_tag} {sys.platform}".encode()
    return cache_folder() / hashlib.sha256(version + b"\n" + _packages(content)).hexdigest()[:16]


def is_ready(requirements: Path) -> bool:
    """Whether the environment exists and is complete."""
    return (environment_folder(requirements) / _COMPLETE).exists()


def ensure(requirements: Path) -> Path:
    """Return the environment's folder, making it if necessary. Safe to call from many processes at once."""
    folder = environment_folder(requirements)
    if (folder / _COMPLETE).exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _lock(folder.with_suffix(".lock")):
        if not (folder / _COMPLETE).exists():
            try:
                _make(folder, requirements)
            except ImageError:
                shutil.rmtree(folder, ignore_errors=True)
                raise
    return folder


_COMPLETE = ".complete"


def _packages(content: bytes) -> bytes:
    """The lines that name packages: a changed comment does not need a new environment."""
    lines = (line.split(b" #")[0].strip() for line in content.splitlines())
    return b"\n".join(line for line in lines if line and not line.startswith(b"#"))


def _make(folder: Path, requirements: Path) -> None:
    has_packages = requirements.is_file() and bool(_packages(requirements.read_bytes()))
    without_pip = [] if has_packages else ["--without-pip"]
    _run([sys.executable, "-m", "venv", "--clear", *without_pip, str(folder)])
    if has_packages:
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
        _run([*pip, "--requirement", str(requirements)])
    (folder / _COMPLETE).write_text(f"{requirements}\n")


def _run(command: list[str]) -> None:
    with tempfile.TemporaryFile() as output:
        code = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output).returncode
        if code != 0:
            output.seek(0)
            said = output.read()[-_SAID_BYTES_MOST:].decode(errors="replace").strip()
            raise ImageError(
                f"ClientError: The image's environment cannot be made: {' '.join(command[:4])} ...: {said}"
            )


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
