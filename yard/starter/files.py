"""The files of a new project, as this version writes them."""

import hashlib
import importlib.metadata
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from string import Template
from typing import Any

from shardyard.spec.product import product_root

RECORD = ".shardyard.json"
"""Which version made the project, by which choices, and what its files were then."""
_TEMPLATE = Path(__file__).parent / "template"
_PLACES = {
    "app.py.txt": "app.py",
    "hello.toml": "jobs/hello.toml",
    "hello.py.txt": "train/hello.py",
    "gitignore": ".gitignore",
    "check.yml": ".github/workflows/check.yml",
    "README.md": "README.md",
}
_IMAGE = "pytorch"
ON_AWS_IMAGE = '[image]\nframework = "pytorch"\nversion = "2.13"            # an AWS Deep Learning Container'
TENSORFLOW_ON_AWS_IMAGE = ON_AWS_IMAGE.replace('"pytorch"', '"tensorflow"').replace("2.13", "2.21")
_OWN_IMAGE = f'[image]\nfolder = "{_IMAGE}"          # containers/{_IMAGE}'


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """What a person chooses for a new project."""

    project: str
    """The first part of every name."""
    stage: str
    """`dev` or `prod`."""
    owner: str
    """The tag `owner`."""
    containers: bool
    """Whether the project has an image of its own."""
    requirement: str
    """How pip is told to install this product; without a version the installed one is meant."""


def version() -> str:
    """The version of this product."""
    return importlib.metadata.version("shardyard")


def came_from() -> str | None:
    """Where pip got the installed version, as requirements.txt would name it; None if from an index."""
    try:
        told = json.loads(importlib.metadata.distribution("shardyard").read_text("direct_url.json") or "{}")
    except ValueError:
        return None
    url, repository = told.get("url"), told.get("vcs_info")
    return url if repository is None else f"{repository['vcs']}+{url}@{repository['commit_id']}"


def render(choices: Choices) -> dict[str, bytes]:
    """Every file by its path in the project."""
    words = {
        "project": choices.project,
        "image": _OWN_IMAGE if choices.containers else ON_AWS_IMAGE,
        "push": f"yard image push {_IMAGE}\n" if choices.containers else "",
    }
    files = {}
    for name, place in _PLACES.items():
        text = (_TEMPLATE / name).read_text(encoding="utf-8")
        # Python has braces and dollars of its own
        files[place] = (text if place.endswith(".py") else Template(text).substitute(words)).encode()
    pinned = f"{choices.requirement}=={version()}" if choices.requirement == "shardyard" else choices.requirement
    files["requirements.txt"] = f"{pinned}\n".encode()
    files["cdk.json"] = _json(_settings(choices))
    files["package.json"] = _json(
        {"name": choices.project, "private": True, "devDependencies": _ours("package.json")["devDependencies"]}
    )
    if choices.containers:
        folder = product_root() / "containers" / _IMAGE
        for path in sorted(one for one in folder.iterdir() if one.is_file()):
            files[f"containers/{_IMAGE}/{path.name}"] = path.read_bytes()
    return files


def record(choices: Choices, files: dict[str, bytes]) -> bytes:
    """What RECORD holds once these files are written."""
    sums = {name: digest(content) for name, content in sorted(files.items())}
    return _json({"version": version(), "choices": asdict(choices), "files": sums})


def digest(content: bytes) -> str:
    """By what a file is known again, whatever git makes of its line ends."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()


def _settings(choices: Choices) -> dict[str, Any]:
    ours = _ours("cdk.json")
    own = {"project": choices.project, "stage": choices.stage, "owner": choices.owner}
    return {**ours, "context": {**own, **{key: value for key, value in ours["context"].items() if key[0] == "@"}}}


def _ours(name: str) -> Any:
    return json.loads((product_root() / name).read_text(encoding="utf-8"))


def _json(data: Any) -> bytes:
    return (json.dumps(data, indent=2) + "\n").encode()
