"""Finds the folder in containers/ that an image was built from, and reads from its Dockerfile how to run it."""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from contract.builtin import Algorithm, algorithm_of
from shardyard.spec.catalogue.builtin import BUILTIN_ACCOUNTS
from shardyard.spec.catalogue.images import framework_of
from shardyard.spec.product import IMAGE_ROOMS, image_sources, product_root

_URI = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.[a-z0-9.-]+/(?P<repository>[^:@]+)"
    r"(?::(?P<tag>[^@]+))?(?:@(?P<digest>sha256:[0-9a-f]+))?"
)
STAND_IN_ACCOUNT = "000000000000"
"""The registry of our images that stand in for what AWS keeps to itself: no account of AWS has this number."""
_STANDS_IN = {"deepar": "pytorch"}
"""The folder in containers/ of the image that stands in for a built-in algorithm, by the packages that it needs."""
_MOST_STAND_IN = "automl"
"""The folder for every other algorithm."""
_CONTAINER_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class ImageError(Exception):
    """The image cannot be pulled or run; the message becomes the job's FailureReason."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageName:
    """The parts of an ECR image's URI."""

    account: str
    """The account of the registry."""
    region: str
    """The region of the registry."""
    repository: str
    """The repository's full path."""
    tag: str | None
    """The tag, if it has one."""
    digest: str | None
    """The digest, if it has one."""

    @property
    def folder(self) -> str:
        """The folder in containers/ with the repository's name; for AWS's own images, the framework's."""
        framework = framework_of(self.account, self.repository)
        return self.repository.rpartition("/")[2] if framework is None else framework


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """What a node needs to know about an image."""

    requirements: Path
    """Its list of Python packages."""
    entrypoint: tuple[str, ...]
    """The exec form of ENTRYPOINT."""
    environment: dict[str, str]
    """Its ENV."""
    work_folder: str
    """Its WORKDIR."""
    copies: tuple[tuple[Path, str], ...]
    """What COPY copies from the repository, and where."""
    labels: dict[str, str] = field(default_factory=dict)
    """Its LABELs."""
    arguments: tuple[str, ...] = ()
    """CMD, for jobs that give no arguments of their own."""


def parse_name(uri: str) -> ImageName:
    """Parse an ECR URI."""
    match = _URI.fullmatch(uri)
    if match is None:
        raise ImageError(
            f"ClientError: Cannot pull the image {uri!r}: the embedded cloud knows images of Amazon ECR only, "
            "<account>.dkr.ecr.<region>.amazonaws.com/<repository>:<tag>"
        )
    return ImageName(**match.groupdict())


def load(uri: str, project_root: Path) -> Image:
    """Find the image's folder and read its Dockerfile."""
    name = parse_name(uri)
    folder = project_root / "containers" / name.folder
    algorithm = built_in(uri)
    if algorithm is not None:
        home = product_root() / "containers" / _STANDS_IN.get(algorithm.name, _MOST_STAND_IN)
        found = read(home / "Dockerfile", product_root())
        return replace(found, entrypoint=("python", "-m", "training.builtin", algorithm.name))
    is_foreign = name.account == STAND_IN_ACCOUNT or framework_of(name.account, name.repository) is not None
    if is_foreign and not folder.is_dir():
        # AWS's own image: our folder of that framework stands in for it, with all that it is made from
        project_root = product_root()
        folder = project_root / "containers" / name.folder
    dockerfile = folder / "Dockerfile"
    if not dockerfile.is_file():
        known = sorted(path.parent.name for path in (project_root / "containers").glob("*/Dockerfile"))
        raise ImageError(
            f"ClientError: Cannot pull the image {uri!r}: no containers/{folder.name}/Dockerfile in this project; "
            f"there are: {', '.join(known) if known else 'none'}"
        )
    return read(dockerfile, project_root)


def built_in(uri: str) -> Algorithm | None:
    """The built-in algorithm whose image this is, if a stand-in of ours knows it."""
    match = _URI.fullmatch(uri)
    if match is None or match["account"] not in BUILTIN_ACCOUNTS:
        return None
    return algorithm_of(match["repository"])


def read(
    dockerfile: Path,
    project_root: Path,
    arguments: Mapping[str, str] = MappingProxyType({}),
    *,
    sources: Path | None = None,
) -> Image:
    """What a Dockerfile says of its image, built with these arguments.

    `sources` is the folder that holds IMAGE_ROOMS; by default the product's, or the project's own.
    """
    environment: dict[str, str] = {"PATH": _CONTAINER_PATH}
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    work_folder = "/"
    labels: dict[str, str] = {}
    given: dict[str, str] = {}
    copies: list[tuple[Path, str]] = []
    stages: dict[str, list[tuple[Path, str]]] = {}
    for instruction, rest in _instructions(dockerfile.read_text()):
        if instruction == "FROM":
            # only the last stage is the image; what others copy is its own where it copies it on
            copies = stages.setdefault(rest.split()[-1], [])
            command = ()
        elif instruction == "ARG":
            name, _, otherwise = rest.partition("=")
            if name in arguments or name not in given:
                given[name] = arguments.get(name, _expand(otherwise, given))
        elif instruction == "LABEL":
            labels.update(_assignments(rest, {**given, **environment}))
        elif instruction == "ENV":
            environment.update(_assignments(rest, environment))
        elif instruction == "WORKDIR":
            work_folder = _expand(rest, environment)
        elif instruction == "ENTRYPOINT":
            entrypoint = _exec_form(instruction, rest, dockerfile)
        elif instruction == "CMD":
            command = _exec_form(instruction, rest, dockerfile) if rest.startswith("[") else ("/bin/sh", "-c", rest)
        elif instruction == "COPY" and rest.startswith("--from="):
            copies += _copied_on(rest, stages)
        elif instruction == "COPY":
            copies += _copies(rest, project_root, work_folder, sources)
    return Image(
        requirements=dockerfile.parent / "requirements.txt",
        entrypoint=entrypoint,
        arguments=command,
        environment=environment,
        work_folder=work_folder,
        copies=tuple(copies),
        labels=labels,
    )


def _copied_on(rest: str, stages: Mapping[str, list[tuple[Path, str]]]) -> list[tuple[Path, str]]:
    """What another stage has from the repository, at its place in this one."""
    stage, *sources, target = shlex.split(rest)
    found = []
    for path, at in stages.get(stage.removeprefix("--from="), ()):
        for source in sources:
            if Path(at).is_relative_to(source):
                found.append((path, str(Path(target) / Path(at).relative_to(source))))
    return found


def _instructions(text: str) -> list[tuple[str, str]]:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [(word.upper(), rest.strip()) for word, _, rest in (line.partition(" ") for line in joined.splitlines())]


def _assignments(rest: str, known: dict[str, str]) -> dict[str, str]:
    words = shlex.split(rest)
    if "=" not in words[0]:
        return {words[0]: _expand(" ".join(words[1:]), known)}
    return {name: _expand(value, known) for name, _, value in (word.partition("=") for word in words)}


def _expand(text: str, known: dict[str, str]) -> str:
    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda match: known.get(match[1] or match[2], ""), text)


def _exec_form(instruction: str, rest: str, dockerfile: Path) -> tuple[str, ...]:
    try:
        words = json.loads(rest)
    except json.JSONDecodeError:
        raise ImageError(
            f"ClientError: {dockerfile.parent.name}/Dockerfile: {instruction} {rest!r} is not in exec form: "
            'write it as a JSON list, ["python", "-m", "program"], or SIGTERM ends in a shell'
        ) from None
    return tuple(str(word) for word in words)


def _copies(rest: str, project_root: Path, work_folder: str, ours: Path | None) -> list[tuple[Path, str]]:
    *sources, target = [word for word in shlex.split(rest) if not word.startswith("--")]
    target = str(Path(work_folder) / target) if not target.startswith("/") else target
    found = []
    for source in sources:
        is_ours = Path(source).parts[0] in IMAGE_ROOMS
        above = project_root if not is_ours else image_sources(project_root) if ours is None else ours
        path = above / source
        into = path.is_file() and (target.endswith("/") or len(sources) > 1)
        found.append((path, str(Path(target) / path.name) if into else str(Path(target))))
    return found
