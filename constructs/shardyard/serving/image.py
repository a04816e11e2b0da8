"""The image of an endpoint, as its models and its role need it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import aws_cdk as cdk
from constructs import IDependable

from shardyard.core.project import Project
from shardyard.images.job_image import JobImage, folder_tag
from shardyard.spec.catalogue.builtin import BUILTIN
from shardyard.spec.catalogue.hosting import CONTAINERS
from shardyard.spec.catalogue.instances import INSTANCES
from shardyard.spec.catalogue.variants import read_bases
from shardyard.spec.endpoints.endpoint import EndpointSpec, Variant
from shardyard.spec.endpoints.hardware import hardware_of
from shardyard.spec.names import repository_name


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointImage:
    """An image in a repository of ECR: SageMaker hosts no other."""

    uris: Mapping[str, str]
    """The whole address of what each of the endpoint's variants runs."""
    repository_arn: str
    built: IDependable | None = None
    """What a deploy must have made before; None for an image that is there."""

    @classmethod
    def of(
        cls, stack: cdk.Stack, spec: EndpointSpec, *, project: Project, root: Path, built: IDependable | None = None
    ) -> Self:
        """The image that an endpoint names; `root` is the project, with containers/."""
        image = spec.image
        if image.framework is not None:
            return cls._of_framework(stack, spec, image.framework)
        if image.builtin is not None:
            found = JobImage.built_in(stack, BUILTIN[image.builtin], image.version)
            return cls._of(found, dict.fromkeys(spec.variants, found.uri))
        if image.folder is None:
            found = JobImage.from_repository(str(image.repository), tag=image.tag, digest=image.digest)
            return cls._of(found, dict.fromkeys(spec.variants, found.uri))
        tag, name = folder_tag(root, image.folder), repository_name(project.name, project.stage, image.folder)
        found = JobImage.from_repository(name, tag=tag)
        suffixes = hardware_of(spec, read_bases(root / "containers" / image.folder))
        uris = {one: f"{found.uri}-{suffixes[one]}" if one in suffixes else found.uri for one in spec.variants}
        return cls._of(found, uris, built)

    @classmethod
    def _of_framework(cls, stack: cdk.Stack, spec: EndpointSpec, framework: str) -> Self:
        """AWS's container in the account that publishes it where the stack is deployed."""
        known = CONTAINERS[framework][str(spec.image.version)]

        def container(one: Variant) -> JobImage:
            kind = INSTANCES.get(str(one.instance_type))
            tag = known["gpu" if kind is not None and kind.gpus else "cpu"]
            return JobImage.deep_learning_container(stack, f"{known['repository']}:{tag}")

        images = {name: container(one) for name, one in spec.variants.items()}
        return cls._of(next(iter(images.values())), {name: one.uri for name, one in images.items()})

    @classmethod
    def _of(cls, image: JobImage, uris: Mapping[str, str], built: IDependable | None = None) -> Self:
        assert image.repository_arn is not None, "its pattern takes repositories of ECR alone"
        return cls(uris=uris, repository_arn=image.repository_arn, built=built)
