"""The parts of a job definition that say what runs, and what it may talk to."""

from dataclasses import dataclass
from typing import Literal

from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.tree import setting

_ENTRY = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*|(?!/)[\w./-]+\.py"


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """What runs: a folder of containers/, a repository, an AWS Deep Learning Container, or a marketplace algorithm."""

    folder: str | None = setting(
        None, "A folder of containers/; its tag is its content.", pattern=r"[a-z0-9][a-z0-9_-]*", says="a folder's name"
    )
    repository: str | None = setting(
        None, "A repository of this account, or a whole registry/repository.", pattern=r"[a-z0-9][a-z0-9._/-]*"
    )
    tag: str | None = setting(
        None, "The repository's tag.", pattern=r"[\w][\w.-]{0,127}", says="up to 128 letters, digits and ._-"
    )
    digest: str | None = setting(
        None, "The image's digest, safer than a tag.", pattern=r"sha256:[0-9a-f]{64}", says="sha256: and 64 hex digits"
    )
    framework: Literal["pytorch", "tensorflow"] | None = setting(None, "An AWS Deep Learning Container.")
    version: str | None = setting(
        None, "The framework's version: `2.13`.", pattern=r"\d+\.\d+", says='a text such as "2.13"'
    )
    algorithm: str | None = setting(
        None, "An algorithm of yours or of the marketplace, by name or ARN.", pattern=r".{1,170}"
    )
    entrypoint: tuple[str, ...] = setting((), "Replaces the image's entry point.")
    arguments: tuple[str, ...] = setting((), "Replaces the argument `train`.")
    access: Literal["Platform", "Vpc"] | None = setting(None, "`Vpc`: a private registry, reached through the VPC.")
    credentials_function: str | None = setting(
        None,
        "The Lambda function that knows a private registry's password.",
        pattern=r"arn:[\w-]+:lambda:.+:function:.+",
    )

    def __post_init__(self) -> None:
        given = [n for n in ("folder", "repository", "framework", "algorithm") if getattr(self, n) is not None]
        problems = []
        if len(given) != 1:
            said = f"{' and '.join(given)} exclude each other" if given else "no image is given"
            problems.append(Problem("", f"{said} (exactly one of folder, repository, framework, algorithm)"))
        if self.repository is not None and (self.tag is None) == (self.digest is None):
            problems.append(Problem("repository", "it needs a tag or a digest, and not both"))
        if self.framework is not None and self.version is None:
            problems.append(Problem("version", f"missing; say which {self.framework} it is, such as 2.13"))
        if problems:
            raise SpecError(problems)


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """The user's own code, mounted as the channel `code`."""

    dir: str = setting(
        doc="A folder of the repository.", pattern=r"(?!/)(?!(.*/)?\.\.(/|$)).+", says="a folder inside the repository"
    )
    sha256: str | None = setting(
        None,
        "The bundle's hash; synth and the execution's input fill it in.",
        pattern=r"[0-9a-f]{64}",
        says="64 hex digits",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """What the launcher starts, and how."""

    entry: str = setting(
        doc="A module (`training.pytorch.programs.mnist`) or a script (`train.py`).",
        pattern=_ENTRY,
        says="a module such as training.pytorch.programs.mnist, or a script such as train.py",
    )
    launcher: Literal["torchrun", "mpirun", "plain"] = setting("torchrun", "`plain` starts one process a node.")
    processes_per_node: int | None = setting(None, "By default one a GPU, or one where there is none.", least=1)
    arguments: tuple[str, ...] = setting((), "Arguments before the hyperparameters.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """What the job may talk to."""

    vpc: bool = setting(True, "Run in the project's private subnets.")
    isolation: bool = setting(False, "No network at all for the container, except to the job's other instances.")
    encrypt_traffic: bool = setting(False, "Encrypt what the instances say to each other; it costs speed.")
