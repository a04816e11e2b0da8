"""Locks: every package of every environment, with the version and the checksums that are installed.

`make lock` writes them from the requirements; `make check` says, without a network, when the two differ.
"""

import argparse
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from contract.requirements import names_packages

ROOT = Path(__file__).parents[1]
_OLDEST_PYTHON = "3.11"
_NOWHERE = "sys_platform == 'none'"
_INPUTS = "# Of the requirements with the sha256 "


@dataclass(frozen=True, kw_only=True, slots=True)
class Lock:
    """One environment."""

    file: str
    requirements: tuple[str, ...]
    without: tuple[str, ...] = ()
    """Packages that are left out, as patterns."""
    only: tuple[str, ...] = ()
    """The packages that are kept, as patterns; all by default."""
    never: tuple[str, ...] = ()
    """Dependencies that are taken for not there, with what they need themselves."""
    within: str | None = None
    """A lock whose versions this one keeps, since both are installed into one environment."""
    platform: str | None = None
    """The only platform that it is for; all of them otherwise."""


TORCH = ("torch", "triton", r"nvidia-.*", r"cuda-.*")
"""torch comes from whichever index has the build that a machine can use, for processors or for CUDA: builds of one
version differ in their checksums and in what they depend on. Its version is pinned, its checksum is not."""

LOCKS = (
    Lock(file="requirements.lock", requirements=("requirements.txt", "requirements-build.txt")),
    Lock(
        file="requirements-test.lock",
        requirements=("requirements-test.txt",),
        without=TORCH,
        never=("huggingface-hub",),  # tokenizers uses it for nothing but downloads from a hub
        within="requirements.lock",
    ),
    Lock(file="requirements-sdk.lock", requirements=("requirements-sdk.txt",), without=TORCH),
    Lock(
        file="containers/automl/requirements.lock",
        requirements=("containers/automl/requirements.txt",),
        platform="x86_64-manylinux_2_28",
    ),
    Lock(
        file="containers/pytorch/requirements.lock",
        requirements=("containers/pytorch/requirements.txt",),
        without=TORCH,
        platform="x86_64-manylinux_2_28",
    ),
    Lock(
        file="containers/pytorch/cuda.lock",
        requirements=("containers/pytorch/requirements.txt",),
        only=TORCH,
        platform="x86_64-manylinux_2_28",
    ),
    Lock(
        file="containers/tensorflow/requirements.lock",
        requirements=("containers/tensorflow/requirements.txt", "containers/tensorflow/requirements-alone.txt"),
        never=("tensorflow",),  # of tf_keras, which works with tensorflow-cpu as well
        platform="x86_64-manylinux_2_28",
    ),
    Lock(
        file="containers/sklearn/requirements.lock",
        requirements=("containers/sklearn/requirements.txt",),
        platform="x86_64-manylinux_2_28",
    ),
    Lock(
        file="containers/xgboost/requirements.lock",
        requirements=("containers/xgboost/requirements.txt",),
        platform="x86_64-manylinux_2_28",
    ),
    Lock(
        file="containers/spark/requirements.lock",
        requirements=("containers/spark/requirements.txt",),
        platform="x86_64-manylinux_2_28",
    ),
)


def digest(lock: Lock, root: Path = ROOT) -> str:
    """What tells one state of a lock's requirements, and of how it is made, from another."""
    how = (lock.requirements, lock.without, lock.never, lock.within, lock.platform)
    found = hashlib.sha256(repr((*how, lock.only) if lock.only else how).encode())
    for path in _files(root, lock.requirements):
        found.update(names_packages(path.read_bytes()) + b"\0")
    return found.hexdigest()


def _files(root: Path, names: tuple[str, ...]) -> Iterator[Path]:
    """The files of requirements, with those that they name."""
    for name in names:
        yield root / name
        named = re.findall(r"^-r (\S+)", (root / name).read_text(encoding="utf-8"), re.MULTILINE)
        yield from _files((root / name).parent, tuple(named))


def differing(root: Path = ROOT) -> list[str]:
    """The locks whose requirements have changed since they were written."""
    return [
        lock.file
        for lock in LOCKS
        if not (root / lock.file).is_file()
        or f"{_INPUTS}{digest(lock, root)}" not in (root / lock.file).read_text(encoding="utf-8").splitlines()
    ]


def write(lock: Lock) -> None:
    """Resolve the requirements of one lock anew."""
    target = ROOT / lock.file
    where = ["--universal"] if lock.platform is None else ["--python-platform", lock.platform]
    within = [] if lock.within is None else ["--constraints", lock.within]
    options = ["--python-version", _OLDEST_PYTHON, "--generate-hashes", "--no-header", "--no-annotate", "--quiet"]
    command = [
        sys.executable,
        "-m",
        "uv",
        "pip",
        "compile",
        *where,
        *options,
        *within,
        "--overrides",
        "-",
        *lock.requirements,
    ]
    overrides = "".join(f"{name} ; {_NOWHERE}\n" for name in lock.never)
    # Only the index that everybody has: a lock from one machine's own would hold builds that no other finds
    own = {name: value for name, value in os.environ.items() if not name.startswith(("UV_", "PIP_"))}
    done = subprocess.run(command, cwd=ROOT, env=own, check=True, input=overrides, stdout=subprocess.PIPE, text=True)
    text = done.stdout
    found = [(name, entry) for name, entry in _entries(text) if _NOWHERE not in entry]
    left_out = sorted(name for name, _ in found if is_left_out(lock, name))
    kept = [entry for name, entry in found if name not in left_out]
    head = ["# Written by `make lock`; do not edit.", f"{_INPUTS}{digest(lock)}"]
    if left_out:
        head.append(f"# Left out, with the reason in scripts/lock.py: {', '.join(left_out)}")
    target.write_text("\n".join([*head, "", *kept, ""]), encoding="utf-8")


def is_left_out(lock: Lock, name: str) -> bool:
    """Whether a lock leaves a package out."""
    kept = not lock.only or any(re.fullmatch(pattern, name) for pattern in lock.only)
    return not kept or any(re.fullmatch(pattern, name) for pattern in lock.without)


def _entries(text: str) -> Iterator[tuple[str, str]]:
    """Each package of a lock, with its lines."""
    for entry in re.split(r"\n(?=\S)", text.strip()):
        name = re.match(r"([A-Za-z0-9._-]+)==", entry)
        if name is not None:
            yield name[1], entry


def packages(file: Path) -> dict[str, str]:
    """The names and lines of a lock on the disk."""
    text = "\n".join(line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return dict(_entries(text))


def main() -> int:
    """Write the locks, or say which no longer follow from their requirements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="Only say which differ.")
    given = parser.parse_args()
    if given.check:
        wrong = differing()
        for file in wrong:
            print(f"{file} does not follow from its requirements: make lock", file=sys.stderr)
        return 1 if wrong else 0
    for lock in LOCKS:
        write(lock)
    return 0


if __name__ == "__main__":
    sys.exit(main())
