"""The parts of an endpoint's definition about what it serves: the model and the container."""

from dataclasses import dataclass
from typing import Literal

from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.jobs.launched import JOB_NAME
from shardyard.spec.jobs.program import Builtin
from shardyard.spec.run_ids import RUN_ID
from shardyard.spec.tree import setting

_SOURCES = ("run", "registry", "s3", "file")
_IMAGES = ("folder", "repository", "framework", "builtin")
LATEST = "latest"
"""In place of a run's id: the newest run that succeeded."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelSource:
    """The model comes from a run, from the registry, from S3, or from a file of the project.

    Only a model in S3 is known when the template is made. Any other is looked up by the command `yard`, which hands its
    address to the stack; until then the stack has no endpoint, and nothing bills.
    """

    run: str | None = setting(
        None,
        "The model of a run: `JOB:latest` for the newest that succeeded, or `JOB:RUN`.",
        pattern=rf"{JOB_NAME}:({LATEST}|{RUN_ID})",
        says="a job and a run, such as mnist-ddp:latest",
    )
    registry: str | None = setting(
        None,
        "The newest approved model of a model package group.",
        pattern=r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
        says="a model package group's name",
    )
    s3: str | None = setting(
        None,
        "An archive `.tar.gz`, or a prefix that ends with a slash: a key of the artifact bucket, or s3://BUCKET/KEY.",
        pattern=r"(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/)?(?!s3:)[^/\s*?$][^\s*?$]{0,900}(\.tar\.gz|/)",
        says="an address that ends with .tar.gz or with a slash, without blanks, *, ? and $",
    )
    file: str | None = setting(
        None,
        "An archive in the project, which the command `yard` uploads.",
        pattern=r"(?!/)(?!(.*/)?\.\.(/|$)).{1,200}\.tar\.gz",
        says="a file inside the project that ends with .tar.gz",
    )

    def __post_init__(self) -> None:
        given = [name for name in _SOURCES if getattr(self, name) is not None]
        if len(given) != 1:
            said = f"{' and '.join(given)} exclude each other" if given else "no model is given"
            raise SpecError([Problem("", f"{said} (exactly one of {', '.join(_SOURCES)})")])

    @property
    def is_prefix(self) -> bool:
        """Whether it is files under a prefix and no archive."""
        return self.s3 is not None and self.s3.endswith("/")

    @property
    def said(self) -> str:
        """The source as its file has it."""
        name = next(name for name in _SOURCES if getattr(self, name) is not None)
        return f"{name} {getattr(self, name)}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ServingImage:
    """The container is a folder of containers/, an image of a repository, one of AWS's, or a built-in algorithm's."""

    folder: str | None = setting(
        None,
        "A folder of containers/; its content's hash is the tag.",
        pattern=r"[a-z0-9][a-z0-9_-]{0,99}",
        says="a folder's name of up to 100 letters",
    )
    repository: str | None = setting(
        None,
        "A repository of this account, or registry/repository of ECR.",
        pattern=r"([0-9]{12}\.dkr\.ecr\.[a-z0-9.-]+/)?[a-z0-9][a-z0-9._/-]*",
        says="a repository of ECR, such as team/model or 123456789012.dkr.ecr.us-east-1.amazonaws.com/team/model",
    )
    tag: str | None = setting(
        None, "The repository's tag.", pattern=r"[\w][\w.-]{0,127}", says="up to 128 letters, digits and ._-"
    )
    digest: str | None = setting(
        None, "The image's digest, safer than a tag.", pattern=r"sha256:[0-9a-f]{64}", says="sha256: and 64 hex digits"
    )

    framework: Literal["pytorch", "tensorflow"] | None = setting(None, "AWS's own container for inference.")
    builtin: Builtin | None = setting(None, "The built-in algorithm of SageMaker's that has trained the model.")
    version: str | None = setting(
        None,
        "The framework's version, `2.6`, or the built-in algorithm's, by default the newest: `1.7-1`.",
        pattern=r"\d+(\.\d+)?(-\d+)?",
        says='a text such as "2.6"',
    )

    def __post_init__(self) -> None:
        problems = []
        given = [name for name in _IMAGES if getattr(self, name) is not None]
        if len(given) != 1:
            said = f"{' and '.join(given)} exclude each other" if given else "no image is given"
            problems.append(Problem("", f"{said} (exactly one of folder, repository, framework, builtin)"))
        if (self.framework is None) != (self.version is None) and self.builtin is None:
            problems.append(Problem("version", "it belongs to a framework: give both, or neither"))
        if self.repository is not None and (self.tag is None) == (self.digest is None):
            problems.append(Problem("repository", "it needs a tag or a digest, and not both"))
        if self.tag == "latest":
            problems.append(Problem("tag", "'latest' is not allowed: it moves (give a tag that stays, or a digest)"))
        if problems:
            raise SpecError(problems)


@dataclass(frozen=True, kw_only=True, slots=True)
class MultiModel:
    """A multi-model endpoint loads the models below its prefix as they are asked for."""

    cache: bool = setting(True, "Keep models in memory after a request; without it each request loads its model.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Serverless:
    """A serverless variant has no instances: it bills for the time of its requests alone."""

    memory_mb: Literal[1024, 2048, 3072, 4096, 5120, 6144] = setting(2048, "The memory, in MB.")
    concurrency: int = setting(5, "How many requests at once; more are refused.", least=1, most=200)
    provisioned: int | None = setting(
        None, "How many of these are kept warm; they bill while they wait.", least=1, most=200
    )
