"""The virtual environment that stands in for an image: made once from its requirements.txt, cached by content.

A requirements-alone.txt beside it lists what is installed without its dependencies, as the image's Dockerfile does.

What a job's own code needs besides is laid over a copy of it, which shares the files of the first.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from contract.requirements import WHEELS_ALONE, names_packages, pip_command, pip_errors, source_lines
from contract.zips import files_of
from embedded.nodes.image import ImageError
from shardyard.spec.product import product_root


def cache_folder() -> Path:
    """The folder of the environments, shared by all clones of the project."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "shardyard" / "environments"


def environment_folder(requirements: Path) -> Path:
    """The environment of these requirements for this Python; it need not exist yet."""
    content = requirements.read_bytes() if requirements.is_file() else b""
    version = f"{sys.implementation.cache_tag} {sys.platform}".encode()
    key = hashlib.sha256(version + b"\n" + names_packages(content))
    for besides in (_alone(requirements), _built(requirements)):
        if besides.is_file():
            key.update(b"\0" + besides.name.encode() + b"\0" + names_packages(besides.read_bytes()))
    return cache_folder() / key.hexdigest()[:16]


def _alone(requirements: Path) -> Path:
    """The list of packages that are installed without what they need; most images have none."""
    return requirements.with_name("requirements-alone.txt")


def _built(requirements: Path) -> Path:
    """The list of packages that exist as source alone, each with its checksum; most images have none."""
    return requirements.with_name("built.lock")


def is_ready(requirements: Path) -> bool:
    """Whether the environment exists and is complete."""
    return (environment_folder(requirements) / _COMPLETE).exists()


def ensure(requirements: Path) -> Path:
    """Return the environment's folder, making it if necessary. Safe to call from many processes at once."""
    return _once(environment_folder(requirements), lambda folder: _make(folder, requirements))


def extend(base: Path, requirements: Path) -> Path:
    """The environment `base` with the packages of one more list, likewise made once for its content."""
    content = names_packages(requirements.read_bytes())
    key = hashlib.sha256(base.name.encode() + b"\n" + content)
    if any(line.startswith((b"-", b".", b"/")) for line in content.splitlines()):  # it refers to files beside it
        for path in files_of(requirements.parent):
            key.update(path.relative_to(requirements.parent).as_posix().encode() + b"\0" + path.read_bytes())
    return _once(base.parent / key.hexdigest()[:16], lambda folder: _lay_over(folder, base, requirements))


def _once(folder: Path, make: Callable[[Path], None]) -> Path:
    if (folder / _COMPLETE).exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _lock(folder.with_suffix(".lock")):
        if not (folder / _COMPLETE).exists():
            try:
                make(folder)
            except ImageError:
                shutil.rmtree(folder, ignore_errors=True)
                raise
    return folder


_COMPLETE = ".complete"


def _make(folder: Path, requirements: Path) -> None:
    failed = f"ClientError: The image's environment cannot be made of {requirements.parent.name}/{requirements.name}"
    _refuse_to_build(requirements, failed)
    has_packages = requirements.is_file() and bool(names_packages(requirements.read_bytes()))
    alone = _alone(requirements)
    without_pip = [] if has_packages or alone.is_file() else ["--without-pip"]
    _run(
        [sys.executable, "-m", "venv", "--clear", *without_pip, str(folder)],
        "ClientError: The image's environment cannot be made",
    )
    if has_packages:
        _install(str(folder / "bin" / "python"), str(requirements), failed)
    if alone.is_file():
        _refuse_to_build(alone, failed)
        _install(str(folder / "bin" / "python"), str(alone), failed, options=("--no-deps",))
    if _built(requirements).is_file():
        _build(str(folder / "bin" / "python"), _built(requirements), failed)
    (folder / _COMPLETE).write_text(f"{requirements}\n")


def _build(python: str, sources: Path, failed: str) -> None:
    """Build what has no wheel: our own list, whose every byte we have named, or whatever the person trusts."""
    ours = product_root() / "containers" / sources.parent.name / sources.name
    if not _may_build() and not (ours.is_file() and ours.read_bytes() == sources.read_bytes()):
        raise ImageError(f"{failed}: {sources.parent.name}/{sources.name} would be built here. {_BUILT_ALONE}")
    options = ("--no-deps", "--require-hashes", "--no-build-isolation", "--use-pep517")
    _run(pip_command(python, str(sources), *options), failed)


def _lay_over(folder: Path, base: Path, requirements: Path) -> None:
    """Copy by links, which takes a second and no room: pip replaces files and writes into none."""
    failed = f"AlgorithmError: {requirements.name} of the code cannot be installed"
    _refuse_to_build(requirements, failed)
    shutil.rmtree(folder, ignore_errors=True)
    # Without its mark: whoever sees one here takes the folder as it is
    without = shutil.ignore_patterns(_COMPLETE)
    shutil.copytree(base, folder, symlinks=True, copy_function=os.link, ignore=without)
    python = str(folder / "bin" / "python")
    if not (base / "bin" / "pip").exists():
        _run([python, "-m", "ensurepip"], failed)
    _install(python, requirements.name, failed, cwd=requirements.parent)
    for script in (folder / "bin").iterdir():
        _point_at(script, base, folder)
    (folder / _COMPLETE).write_text(f"{requirements}\n")


def _point_at(script: Path, base: Path, folder: Path) -> None:
    """A script names the Python that it was installed for in its first line, or below it where the path is too long."""
    if script.is_symlink() or not script.is_file():
        return
    before, after = f"{base}/bin/python".encode(), f"{folder}/bin/python".encode()
    content = script.read_bytes()
    head = b"".join(content.splitlines(keepends=True)[:2])
    if content.startswith(b"#!") and before in head:
        mode = script.stat().st_mode
        script.unlink()  # its other name is base's own
        script.write_bytes(head.replace(before, after) + content.removeprefix(head))
        script.chmod(mode)


def _may_build() -> bool:
    return os.environ.get(BUILD_PACKAGES) == "1"


def _refuse_to_build(requirements: Path, failed: str) -> None:
    """What must be built runs its author's code, on this machine and as this person."""
    building = [] if _may_build() else source_lines(requirements)
    if building:
        raise ImageError(f"{failed}: {', '.join(building[:3])} would be built here. {_BUILT_ALONE}")


def _install(python: str, named: str, failed: str, *, options: Sequence[str] = (), cwd: Path | None = None) -> None:
    if _may_build():
        _run(pip_command(python, named, *options), failed, cwd=cwd)
        return
    try:
        _run(pip_command(python, named, *options, *WHEELS_ALONE), failed, cwd=cwd)
    except ImageError as error:
        if "No matching distribution" not in str(error):
            raise
        raise ImageError(f"{error}. {_BUILT_ALONE}") from None


BUILD_PACKAGES = "YARD_BUILD_PACKAGES"
_BUILT_ALONE = (
    "Only packages that are built already are installed here, since building one runs its author's code outside of any "
    f"node; where you trust them: {BUILD_PACKAGES}=1 yard cloud up, or before yard image push"
)


def _run(command: list[str], failed: str, *, cwd: Path | None = None) -> None:
    with tempfile.TemporaryFile() as output:
        code = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output).returncode
        if code != 0:
            output.seek(0)
            raise ImageError(f"{failed}: {pip_errors(output.read().decode(errors='replace'))}")


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
