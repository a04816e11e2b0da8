"""TrainingImage: what jobs run, built in the cloud, taken from a repository, from AWS, or built by the CDK command."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from constructs import Construct

from contract.zips import files_of, make_zip
from shardyard.core.arns import ACCOUNT_ID, REGION, URL_SUFFIX
from shardyard.core.assets import add_file
from shardyard.core.function import CustomResource
from shardyard.images.image_builder import ImageBuilder
from shardyard.images.job_image import JobImage, dlc_account
from shardyard.spec.catalogue.images import WHEELS, content_tag, dlc_name
from shardyard.spec.catalogue.variants import Variant, base_uri, platform, read_variants
from shardyard.spec.product import IMAGE_ROOMS, image_sources

_MOST_SECONDS = 3600
"""CloudFormation waits for no custom resource longer."""


class TrainingImage(Construct):
    """A folder of containers/ as an image in a repository, built in the cloud when its content is new.

    The tag is the hash of all that goes in, so a deploy of an unchanged folder builds nothing. `image` is for jobs.
    """

    image: JobImage

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        builder: ImageBuilder,
        repository: ecr.CfnRepository,
        folder: str,
        root: Path,
        variants: Sequence[str] = (),
    ) -> None:
        """`root` holds containers/; `variants` are those of the folder's variants.toml to build, by default all."""
        super().__init__(scope, construct_id)
        self._builder, self._repository, self._folder = builder, repository, folder
        there = read_variants(root / "containers" / folder)
        content = content_tag(root, folder)
        self._source = _source(root, folder)
        uri = f"{ACCOUNT_ID}.dkr.ecr.{REGION}.{URL_SUFFIX}/{repository.ref}:{content}"
        if there:
            wanted = {name: there[name] for name in (variants or there)}
            for name, variant in wanted.items():
                self._build(name, content=content, uri=f"{uri}-{name}", variant=variant)
        else:
            self._build("image", content=content, uri=uri, variant=None)
        self.image = JobImage(
            uri=uri,
            repository_arn=repository.attr_arn,
            folder=folder,
            bases={name: one.base for name, one in there.items()},
            built=self,
        )

    @staticmethod
    def from_repository(name: str, *, tag: str | None = None, digest: str | None = None) -> JobImage:
        """An image of a repository of the account, or of `registry/repository`, by a tag that stays or a digest."""
        return JobImage.from_repository(name, tag=tag, digest=digest)

    @staticmethod
    def deep_learning_container(stack: cdk.Stack, framework: str, version: str, *, gpu: bool) -> JobImage:
        """AWS's container of a framework, such as `pytorch`, `2.13`, in the region's account."""
        return JobImage.deep_learning_container(stack, dlc_name(framework, version, gpu=gpu))

    @staticmethod
    def from_asset(scope: Construct, construct_id: str, folder: Path, *, arm64: bool = False) -> JobImage:
        """A folder with a Dockerfile that the CDK command builds with this machine's docker; its tag is a hash."""
        from aws_cdk import aws_ecr_assets as assets  # a module that no other image needs

        made = assets.DockerImageAsset(
            scope,
            construct_id,
            directory=str(folder),
            platform=assets.Platform.LINUX_ARM64 if arm64 else assets.Platform.LINUX_AMD64,
        )
        return JobImage(uri=made.image_uri, repository_arn=made.repository.repository_arn)

    def _build(self, name: str, *, content: str, uri: str, variant: Variant | None) -> None:
        bucket, key = self._asset()
        where = "linux/amd64" if variant is None else platform(name)
        base = "" if variant is None else self._base(name, variant)
        resource = CustomResource(
            self,
            "".join(word.capitalize() for word in name.split("-")),
            kind="ImageBuild",
            function=self._builder.start,
            properties={
                "Project": self._builder.project_of(where).ref,
                "Repository": self._repository.ref,
                "Tag": content if variant is None else f"{content}-{name}",
                "Source": f"{bucket}/{key}",
                "Variables": {
                    "URI": uri,
                    "FOLDER": self._folder,
                    "PLATFORM": where,
                    "VARIANT": "" if variant is None else name,
                    "BASE_IMAGE": base,
                    "BASE_REGISTRY": base.partition("/")[0] if ".dkr.ecr." in base else "",
                    "INDEX": "" if variant is None else variant.index,
                    "CONTENT": content,
                },
            },
            wait_seconds=_MOST_SECONDS,
        )
        # A build that ended before anybody listened would keep the stack waiting for an hour
        for before in (self._builder.rule, self._builder.permission):
            resource.add_resource_dependency(before)

    def _base(self, name: str, variant: Variant) -> str:
        if not variant.base.startswith("aws:"):
            return variant.base
        known = base_uri(variant.base, name, region="us-east-1")
        return f"{dlc_account(cdk.Stack.of(self))}.dkr.ecr.{REGION}.{URL_SUFFIX}/{known.partition('/')[2]}"

    def _asset(self) -> tuple[str, str]:
        digest = hashlib.sha256(self._source).hexdigest()
        name = f"source of the image {self._folder}"
        return add_file(self, digest=digest, content=lambda: self._source, display_name=name)


def _source(root: Path, folder: str) -> bytes:
    """What docker builds from, as a zip."""
    return make_zip({name: path.read_bytes() for name, path in _files(root, folder)})


def _files(root: Path, folder: str) -> Iterator[tuple[str, Path]]:
    ours = image_sources(root)
    for above, part in ((root, f"containers/{folder}"), *((ours, room) for room in IMAGE_ROOMS)):
        for path in files_of(above / part):
            name = path.relative_to(above).as_posix()
            if not name.startswith(f"containers/{folder}/{WHEELS}/"):
                yield name, path
