"""Image names: the tag made from a folder's content, AWS Deep Learning Containers, and the parts of a URI."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.zips import files_of
from shardyard.spec import names
from shardyard.spec.catalogue.builtin import BUILTIN_REGISTRIES, builtin_name, builtin_of
from shardyard.spec.catalogue.data_files import read_data
from shardyard.spec.catalogue.instances import INSTANCES
from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.product import IMAGE_ROOMS, image_sources

_raw: Any = read_data("dlc.json")

DLC_DATE: str = _raw["date"]
"""When the list of Deep Learning Containers was written."""

DLC_ACCOUNTS: Mapping[str, str] = _raw["accounts"]
"""The account that publishes them, per region."""

DLC_IMAGES: Mapping[str, Mapping[str, Mapping[str, str]]] = _raw["images"]
"""By framework and version: the repository, the tags for CPU and GPU, and when patches end."""

WHEELS = "wheels"
"""A folder of an image's where packages may lie for a build without a network; the requirements say what is taken."""


_spark: Any = read_data("spark_images.json")
_SPARK_ACCOUNTS = frozenset(_spark["accounts"].values())
_SKLEARN_ACCOUNTS = frozenset(BUILTIN_REGISTRIES["xgboost"].values())
"""The SDK's own tables name one registry for both."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageUri:
    """An image's URI, split into its parts."""

    registry: str
    """The host: an account's registry in a region."""

    repository: str
    """The repository, with its path."""

    tag: str | None
    """The tag; None if the URI has a digest."""

    digest: str | None
    """The digest; None if the URI has a tag."""

    @property
    def account(self) -> str | None:
        """The account of an ECR registry; None for any other registry."""
        match = re.match(r"(\d{12})\.dkr[.-]ecr\.", self.registry)
        return match[1] if match else None

    @property
    def region(self) -> str | None:
        """The region of an ECR registry; None for any other registry."""
        match = re.match(r"\d{12}\.dkr[.-]ecr\.([a-z0-9-]+)\.", self.registry)
        return match[1] if match else None


def parse_uri(uri: str) -> ImageUri:
    """Parse `host/repository:tag` or `host/repository@sha256:...`."""
    registry, _, rest = uri.partition("/")
    path, _, digest = rest.partition("@")
    repository, _, tag = path.partition(":")
    if not repository or not (digest or tag):
        raise ValueError(f"{uri!r} is not an image: write registry/repository:tag or registry/repository@sha256:...")
    return ImageUri(registry=registry, repository=repository, tag=tag or None, digest=digest or None)


def content_tag(project_root: Path, folder: str) -> str:
    """The tag of a folder of containers/: 16 hex digits of a hash over everything that goes into the image."""
    digest, ours = hashlib.sha256(), image_sources(project_root)
    for root, part in ((project_root, f"containers/{folder}"), *((ours, room) for room in IMAGE_ROOMS)):
        if not (root / part).is_dir():
            raise SpecError([Problem("image.folder", f"there is no folder {part} in this project")])
        for path in files_of(root / part):
            name = path.relative_to(root).as_posix()
            if name.startswith(f"containers/{folder}/{WHEELS}/"):
                continue
            content = path.read_bytes()
            digest.update(f"{name}\0{len(content)}\0".encode())
            digest.update(content)
            if name == f"containers/{folder}/variants.toml":
                digest.update(_containers_named_in(content))
    return digest.hexdigest()[:16]


def _containers_named_in(bases: bytes) -> bytes:
    """The tags of AWS's containers that an image is built on: a newer list of them makes another image."""
    named = sorted(set(re.findall(r"aws:([a-z]+)/([0-9.]+)", bases.decode("utf-8", "replace"))))
    return json.dumps([DLC_IMAGES.get(framework, {}).get(version) for framework, version in named]).encode()


def image_name(spec: LaunchedSpec, *, project: str, stage: str, root: Path) -> str:
    """`repository:tag` of a job's image, without the registry, unless the job names a registry itself."""
    image = spec.image
    if image.folder is not None:
        return f"{names.repository_name(project, stage, image.folder)}:{content_tag(root, image.folder)}"
    if image.framework is not None:
        return dlc_name(image.framework, str(image.version), gpu=needs_gpu(spec))
    algorithm = builtin_of(spec)
    if algorithm is not None:
        return builtin_name(algorithm, image.version)
    return f"{image.repository}:{image.tag}" if image.digest is None else f"{image.repository}@{image.digest}"


def needs_gpu(spec: LaunchedSpec) -> bool:
    """Whether a job's first instance type has GPUs, and so needs the GPU image."""
    kind = INSTANCES.get(spec.compute.instance_types[0])
    return kind is not None and kind.gpus > 0


def dlc_name(framework: str, version: str, *, gpu: bool) -> str:
    """`repository:tag` of a Deep Learning Container."""
    versions = DLC_IMAGES.get(framework, {})
    if version not in versions:
        known = ", ".join(versions) if versions else "none"
        message = f"no Deep Learning Container of {framework} {version} is known (known: {known}, as of {DLC_DATE})"
        raise SpecError([Problem("image.version", message)])
    return f"{versions[version]['repository']}:{versions[version]['gpu' if gpu else 'cpu']}"


def container_of(spec: LaunchedSpec) -> str | None:
    """`repository:tag` of the Deep Learning Container that a deploy chooses for a job; None for any other image."""
    framework, version = spec.image.framework, str(spec.image.version)
    if framework is None or version not in DLC_IMAGES[framework]:
        return None
    return dlc_name(framework, version, gpu=needs_gpu(spec))


def framework_of(account: str | None, repository: str) -> str | None:
    """The framework of an image of AWS's own, for training, inference or processing; None for any other image."""
    if account in _SPARK_ACCOUNTS and repository == _spark["repository"]:
        return "spark"
    if account in _SKLEARN_ACCOUNTS and repository == "sagemaker-scikit-learn":
        return "sklearn"
    if account not in DLC_ACCOUNTS.values():
        return None
    name = repository.removesuffix("-training").removesuffix("-inference")
    return name if name in DLC_IMAGES else None
