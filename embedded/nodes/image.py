"""Finds the folder in containers/ that an image was built from, and reads from its Dockerfile how to run it."""

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from shardyard.spec.catalogue.images import framework_of
from shardyard.spec.product import image_sources, product_root

_URI = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.[a-z0-9.-]+/(?P<repository>[^:@]+)"
    r"(?::(?P<tag>[^@]+))?(?:@(?P<digest>sha256:[0-9a-f]+))?"
)
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
    """The exec form of ENTRYPOINT. CMD is ignored: the job gives the arguments."""
    environment: dict[str, str]
    """Its ENV."""
    work_folder: str
    """Its WORKDIR."""
    copies: tuple[tuple[Path, str], ...]
    """What COPY copies from the repository, and where."""


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
    if framework_of(name.account, name.repository) is not None and not folder.is_dir():
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
    return _read(dockerfile, project_root)


def _read(dockerfile: Path, project_root: Path) -> Image:
    environment: dict[str, str] = {"PATH": _CONTAINER_PATH}
    entrypoint: tuple[str, ...] = ()
    work_folder = "/"
    copies: list[tuple[Path, str]] = []
    for instruction, rest in _instructions(dockerfile.read_text()):
        if instruction == "FROM":
            # only the last stage is the image
            copies.clear()
        elif instruction == "ENV":
            environment.update(_assignments(rest, environment))
        elif instruction == "WORKDIR":
            work_folder = _expand(rest, environment)
        elif instruction == "ENTRYPOINT":
            entrypoint = _exec_form(instruction, rest, dockerfile)
        elif instruction == "COPY" and not rest.startswith("--from"):
            copies += _copies(rest, project_root, work_folder)
    return Image(
        requirements=dockerfile.parent / "requirements.txt",
        entrypoint=entrypoint,
        environment=environment,
        work_folder=work_folder,
        copies=tuple(copies),
    )


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


def _copies(rest: str, project_root: Path, work_folder: str) -> list[tuple[Path, str]]:
    *sources, target = [word for word in shlex.split(rest) if not word.startswith("--")]
    target = str(Path(work_folder) / target) if not target.startswith("/") else target
    found = []
    for source in sources:
        ours = Path(source).parts[:1] in (("contract",), ("training",))
        path = (image_sources(project_root) if ours else project_root) / source
        into = path.is_file() and (target.endswith("/") or len(sources) > 1)
        found.append((path, str(Path(target) / path.name) if into else str(Path(target))))
    return found
