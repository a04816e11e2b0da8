"""The image of a job, as its role and its request need it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import aws_cdk as cdk
from constructs import IDependable

from shardyard.core.arns import ACCOUNT_ID, REGION, URL_SUFFIX, arn
from shardyard.core.project import Project
from shardyard.images.job_source import launcher_bundle
from shardyard.spec.catalogue.builtin import BUILTIN_REGISTRIES, Algorithm, builtin_name, builtin_of
from shardyard.spec.catalogue.images import DLC_ACCOUNTS, content_tag, image_name, parse_uri
from shardyard.spec.catalogue.variants import read_bases
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.names import repository_name

_MAPPING = "DlcAccounts"
folder_tag = cache(content_tag)
"""The tag of a folder of containers/: in one synth forty jobs and endpoints of one image hash its folder once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobImage:
    """An image in a repository."""

    uri: str
    """The whole address with tag or digest; tokens are welcome."""
    repository_arn: str | None
    """The repository that the job's role may pull from; None where the image is no ECR image."""
    folder: str | None = None
    """The folder of containers/ that it is built from, for the message when it is missing."""
    bases: Mapping[str, str] = field(default_factory=dict)
    """What each of its variants is built on, where the tag is followed by a hyphen and the variant."""
    launcher: bytes | None = None
    """The launcher's zip, for an image that does not hold it."""
    built: IDependable | None = None
    """What a deploy must have made before a job may run it; None for an image that is there."""

    @classmethod
    def of(cls, stack: cdk.Stack, spec: LaunchedSpec, *, project: Project, root: Path) -> "JobImage | None":
        """The image that a job names; None for a job that names an algorithm."""
        image = spec.image
        if image.algorithm is not None:
            return None
        if image.folder is not None:
            repository = repository_name(project.name, project.stage, image.folder)
            name = f"{repository}:{folder_tag(root, image.folder)}"
            bases = read_bases(root / "containers" / image.folder)
            return replace(cls._in_account(ACCOUNT_ID, name), folder=image.folder, bases=bases)
        name = image_name(spec, project=project.name, stage=project.stage, root=root)
        if image.framework is not None:
            launcher = None if image.entrypoint else launcher_bundle(root)
            return replace(cls.deep_learning_container(stack, name), launcher=launcher)
        algorithm = builtin_of(spec)
        if algorithm is not None:
            return cls.built_in(stack, algorithm, image.version)
        return cls.from_repository(str(image.repository), tag=image.tag, digest=image.digest)

    @classmethod
    def from_repository(cls, name: str, *, tag: str | None = None, digest: str | None = None) -> "JobImage":
        """An image of a repository of this account, or of `registry/repository`."""
        if (tag is None) == (digest is None):
            raise ValueError(f"{name}: give a tag or a digest, and not both")
        if tag == "latest":
            raise ValueError(f"{name}:latest is not allowed: it moves (give a tag that stays, or a digest)")
        whole = f"{name}:{tag}" if digest is None else f"{name}@{digest}"
        return cls._elsewhere(whole) if "." in name.split("/")[0] else cls._in_account(ACCOUNT_ID, whole)

    @classmethod
    def deep_learning_container(cls, stack: cdk.Stack, name: str) -> "JobImage":
        """AWS's container, as `repository:tag`, in the account that publishes it where the stack is deployed."""
        return cls._in_account(dlc_account(stack), name)

    @classmethod
    def built_in(cls, stack: cdk.Stack, algorithm: Algorithm, version: str | None) -> "JobImage":
        """The image of a built-in algorithm, in the account that publishes it where the stack is deployed."""
        return cls._in_account(_builtin_account(stack, algorithm.registry), builtin_name(algorithm, version))

    @classmethod
    def _in_account(cls, account: str, name: str) -> "JobImage":
        repository = name.split("@")[0].split(":")[0]
        return cls(
            uri=f"{account}.dkr.ecr.{REGION}.{URL_SUFFIX}/{name}",
            repository_arn=arn("ecr", f"repository/{repository}", account=account),
        )

    @classmethod
    def _elsewhere(cls, name: str) -> "JobImage":
        """A registry that the job names in full."""
        parts = parse_uri(name)
        if parts.account is None:
            return cls(uri=name, repository_arn=None)
        assert parts.region is not None
        repository = arn("ecr", f"repository/{parts.repository}", region=parts.region, account=parts.account)
        return cls(uri=name, repository_arn=repository)


def _builtin_account(stack: cdk.Stack, registry: str) -> str:
    """The account that publishes a built-in algorithm where the stack is deployed."""
    name = "".join(word.capitalize() for word in ["builtin", *registry.split("-"), "accounts"])
    return _account(stack, name, BUILTIN_REGISTRIES[registry])


def dlc_account(stack: cdk.Stack) -> str:
    """The account that publishes Deep Learning Containers where the stack is deployed."""
    return _account(stack, _MAPPING, DLC_ACCOUNTS)


def _account(stack: cdk.Stack, name: str, accounts: Mapping[str, str]) -> str:
    """What a mapping of the stack, made with the first job that needs it, says of the region."""
    if stack.node.try_find_child(name) is None:
        cdk.CfnMapping(stack, name, mapping={region: {"account": account} for region, account in accounts.items()})
    return cdk.Fn.find_in_map(name, REGION, "account")
