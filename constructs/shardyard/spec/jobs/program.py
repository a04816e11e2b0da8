"""The parts of a job definition about its image, its code and its network access."""

from dataclasses import dataclass
from typing import Literal

from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.tree import setting

ENTRY = r"(?=.{1,200}\Z)(?:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*|(?!/)[\w./-]+\.py)"


Builtin = Literal["xgboost", "linear-learner", "kmeans", "factorization-machines", "deepar", "blazingtext"]
_SOURCES = ("folder", "repository", "framework", "algorithm", "builtin")


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """The image is a folder of containers/, a repository, a container of AWS's, or an algorithm."""

    folder: str | None = setting(
        None,
        "A folder of containers/; its content's hash is the tag.",
        pattern=r"[a-z0-9][a-z0-9_-]{0,99}",
        says="a folder's name of up to 100 letters",
    )
    repository: str | None = setting(
        None, "A repository of this account, or registry/repository.", pattern=r"[a-z0-9][a-z0-9._/-]*"
    )
    tag: str | None = setting(
        None, "The repository's tag.", pattern=r"[\w][\w.-]{0,127}", says="up to 128 letters, digits and ._-"
    )
    digest: str | None = setting(
        None, "The image's digest, safer than a tag.", pattern=r"sha256:[0-9a-f]{64}", says="sha256: and 64 hex digits"
    )
    framework: Literal["pytorch", "tensorflow"] | None = setting(None, "An AWS Deep Learning Container.")
    builtin: Builtin | None = setting(None, "One of SageMaker's built-in algorithms.")
    version: str | None = setting(
        None,
        "The framework's version, `2.13`, or the built-in algorithm's, by default the newest: `1.7-1`.",
        pattern=r"\d+(\.\d+)?(-\d+)?",
        says='a text such as "2.13"',
    )
    algorithm: str | None = setting(
        None, "Your algorithm or one of the marketplace, by name or ARN.", pattern=r".{1,170}"
    )
    cpu_only: bool = setting(False, "The image has no CUDA: refuse instance types with GPUs.")
    entrypoint: tuple[str, ...] = setting((), "Replaces the image's entry point.")
    arguments: tuple[str, ...] = setting((), "Replaces the argument `train`.")
    access: Literal["Platform", "Vpc"] | None = setting(None, "`Vpc` pulls from a private registry through the VPC.")
    credentials_function: str | None = setting(
        None,
        "The Lambda function that returns a private registry's credentials.",
        pattern=r"arn:[\w-]+:lambda:.+:function:.+",
    )

    def __post_init__(self) -> None:
        given = [name for name in _SOURCES if getattr(self, name) is not None]
        problems = []
        if len(given) != 1:
            said = f"{' and '.join(given)} exclude each other" if given else "no image is given"
            problems.append(Problem("", f"{said} (exactly one of folder, repository, framework, algorithm, builtin)"))
        if self.repository is not None and (self.tag is None) == (self.digest is None):
            problems.append(Problem("repository", "it needs a tag or a digest, and not both"))
        if self.tag == "latest":
            problems.append(Problem("tag", "'latest' is not allowed: it moves (give a tag that stays, or a digest)"))
        if self.framework is not None and self.version is None:
            problems.append(Problem("version", f"missing; give the version of {self.framework}, such as 2.13"))
        if problems:
            raise SpecError(problems)


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """The job's own code travels beside the image, as the channel `code`.

    What tools leave behind stays here (`.git`, environments, caches, `cdk.out`, `.yard`), and so does what the
    project's `.gitignore` and `.yardignore` name. Changed code travels with the next `yard train`, without a deploy.
    """

    dir: str = setting(
        doc="A folder of it, or `.`.",
        pattern=r"(?!/)(?!(.*/)?\.\.(/|$))(?!.*[^/]{201}).{1,1000}",
        says="a folder inside the repository",
    )
    sha256: str | None = setting(
        None,
        "The bundle's hash; set by synth and the execution's input.",
        pattern=r"[0-9a-f]{64}",
        says="64 hex digits",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """The launcher starts the program once for each rank."""

    entry: str = setting(
        doc="A module (`training.pytorch.programs.mnist`) or a script (`train.py`).",
        pattern=ENTRY,
        says="a module such as training.pytorch.programs.mnist, or a script such as train.py",
    )
    launcher: Literal["torchrun", "mpirun", "plain", "tensorflow"] = setting(
        "torchrun",
        "How the ranks start; `plain` starts one process per node, `tensorflow` the tasks of a cluster with TF_CONFIG.",
    )
    processes_per_node: int | None = setting(
        None,
        "How many ranks on each node; by default one per GPU, or one without a GPU. A worker of `tensorflow` uses all "
        "GPUs of its node by itself.",
        least=1,
    )
    parameter_servers: int | None = setting(
        None,
        "With `tensorflow`: how many parameter servers; by default none, or one per host of `server_group`.",
        least=1,
    )
    server_group: str | None = setting(
        None,
        "With `tensorflow`: the instance group whose hosts run parameter servers and no worker.",
        pattern=r"[A-Za-z0-9._-]{1,64}",
        says="the name of one of compute.groups",
    )
    without_gpus: bool = setting(
        False, "Train on the processors where an instance type's GPUs are not visible; otherwise the launcher refuses."
    )
    arguments: tuple[str, ...] = setting(
        (), "Words before the hyperparameters, as they are: `--fast`, `--key=value`, a position.", unit="words"
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """The job reaches what its network lets it reach."""

    vpc: bool = setting(True, "Run in the project's private subnets.")
    isolation: bool = setting(False, "Cut the container off from every network except the job's other instances.")
    encrypt_traffic: bool = setting(False, "Encrypt traffic between the instances; it costs speed.")
