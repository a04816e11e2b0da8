"""The commands that build and push an image: a message shows them, and `yard image push` runs them."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shardyard.spec.catalogue.images import parse_uri
from shardyard.spec.catalogue.variants import Variant, base_uri, platform


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageBuild:
    """One image to be built and pushed."""

    uri: str
    """Its whole address."""
    region: str
    """The region of its registry."""
    folder: str | None = None
    """The folder of containers/; None for an image of the user's own."""
    name: str | None = None
    """The variant; None for a folder of one image."""
    variant: Variant | None = None
    """What the variant is built on."""

    @property
    def build(self) -> list[str]:
        """The words of docker's build, without the context that ends them."""
        words = ["docker", "build", "--platform", "linux/amd64" if self.name is None else platform(self.name)]
        if self.folder is not None:
            words += ["--file", f"containers/{self.folder}/Dockerfile"]
        for argument, value in self.arguments.items():
            words += ["--build-arg", f"{argument}={value}"]
        return [*words, "--tag", self.uri]

    @property
    def arguments(self) -> dict[str, str]:
        """What the Dockerfile is told of the variant."""
        if self.name is None or self.variant is None:
            return {}
        found = {"VARIANT": self.name, "BASE_IMAGE": base_uri(self.variant.base, self.name, region=self.region)}
        return {**found, "INDEX": self.variant.index} if self.variant.index else found

    @property
    def registries(self) -> list[str]:
        """The registries that want a log-in: the image's own, and AWS's where the base comes from there."""
        found = [parse_uri(self.uri).registry]
        base = self.arguments.get("BASE_IMAGE", "")
        return [*found, parse_uri(base).registry] if ".dkr.ecr." in base else found

    @property
    def shown(self) -> list[str]:
        """All commands as a person would type them in the project's folder."""
        return [*self.log_ins, shlex.join([*self.build, "."]), shlex.join(self.push)]

    @property
    def log_ins(self) -> list[str]:
        """The log-ins, each a line for a shell."""
        password = f"aws ecr get-login-password --region {self.region}"
        return [f"{password} | docker login --username AWS --password-stdin {one}" for one in self.registries]

    @property
    def push(self) -> list[str]:
        """The words of the push."""
        return ["docker", "push", self.uri]


def label_arguments(*, content: str, source: Mapping[str, str]) -> Sequence[str]:
    """docker's words for what the image says of where it comes from."""
    told = {"CONTENT": content, **source}
    return [word for name, value in told.items() if value for word in ("--build-arg", f"{name}={value}")]
