"""The image of a job, as its role and its request need it."""

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import aws_cdk as cdk

from shardyard.core.arns import ACCOUNT_ID, REGION, URL_SUFFIX, arn
from shardyard.core.project import Project
from shardyard.images.job_source import launcher_bundle
from shardyard.spec.catalogue.images import DLC_ACCOUNTS, content_tag, image_name, parse_uri
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.names import repository_name

_MAPPING = "DlcAccounts"
_content_tag = cache(content_tag)  # forty jobs of one image hash its folder once


@dataclass(frozen=True, kw_only=True, slots=True)
class JobImage:
    """An image in a repository."""

    uri: str
    """The whole address with tag or digest; tokens are welcome."""
    repository_arn: str | None
    """The repository that the job's role may pull from; None where the image is no ECR image."""
    folder: str | None = None
    """The folder of containers/ that it is built from, for the message when it is missing."""
    launcher: bytes | None = None
    """The launcher's zip, for an image that does not hold it."""

    @classmethod
    def of(cls, stack: cdk.Stack, spec: JobSpec, *, project: Project, root: Path) -> "JobImage | None":
        """The image that a job names; None for a job that names an algorithm."""
        image = spec.image
        if image.algorithm is not None:
            return None
        if image.folder is not None:
            repository = repository_name(project.name, project.stage, image.folder)
            name = f"{repository}:{_content_tag(root, image.folder)}"
            return cls._in_account(ACCOUNT_ID, name, folder=image.folder)
        name = image_name(spec, project=project.name, stage=project.stage, root=root)
        if image.framework is not None:
            launcher = None if image.entrypoint else launcher_bundle(root)
            return replace(cls._in_account(_dlc_account(stack), name), launcher=launcher)
        if "." in name.split("/")[0]:
            return cls._elsewhere(name)
        return cls._in_account(ACCOUNT_ID, name)

    @classmethod
    def _in_account(cls, account: str, name: str, *, folder: str | None = None) -> "JobImage":
        repository = name.split("@")[0].split(":")[0]
        return cls(
            uri=f"{account}.dkr.ecr.{REGION}.{URL_SUFFIX}/{name}",
            repository_arn=arn("ecr", f"repository/{repository}", account=account),
            folder=folder,
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


def _dlc_account(stack: cdk.Stack) -> str:
    """The account that publishes Deep Learning Containers where the stack is deployed."""
    mapping = stack.node.try_find_child(_MAPPING)
    if mapping is None:
        accounts = {region: {"account": account} for region, account in DLC_ACCOUNTS.items()}
        mapping = cdk.CfnMapping(stack, _MAPPING, mapping=accounts)
    return cdk.Fn.find_in_map(_MAPPING, REGION, "account")
