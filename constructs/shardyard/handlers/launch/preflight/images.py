"""Whether the job's images exist, and fit the machines: by what each says of itself, before anything is paid for."""

import json
import re
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from contract.images import VARIANT_LABEL
from shardyard.handlers import aws
from shardyard.handlers.launch.preflight.launch import Launch
from shardyard.spec.catalogue.image_commands import ImageBuild
from shardyard.spec.catalogue.instances import INSTANCES, Instance
from shardyard.spec.catalogue.variants import Variant, choose
from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.jobs.launched import LaunchedSpec

_URI = re.compile(
    r"(?P<registry>(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.[a-z0-9.-]+)/"
    r"(?P<repository>[^:@]+)(?::(?P<tag>[^@]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_ARCHITECTURES = {"amd64": "x86_64", "arm64": "arm64"}
_MOST_BYTES = 1_000_000
_SECONDS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Images:
    """The images of all attempts."""

    digests: Mapping[str, str]
    """Each image's digest; one of another account's registry, which cannot be read, is left out."""
    problems: Sequence[Problem]
    notes: Sequence[str]


def look_at_images(launch: Launch, clients: aws.Clients) -> Images:
    """Look at each image that an attempt may run: most launches have one."""
    used: dict[str, list[LaunchedSpec]] = {}
    for spec in launch.launched_on:
        try:
            uri = launch.deployment.image_for(spec)
        except SpecError:  # no variant fits: a rule says so
            continue
        if uri is not None:
            used.setdefault(uri, []).append(spec)
    seen = aws.in_parallel(lambda uri: _look(uri, used[uri], launch, clients), used)
    return Images(
        digests={uri: one.digest for uri, one in zip(used, seen, strict=True) if one.digest is not None},
        problems=[problem for one in seen for problem in one.problems],
        notes=[note for one in seen for note in one.notes],
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Image:
    digest: str | None
    problems: Sequence[Problem] = ()
    notes: Sequence[str] = ()


def _look(uri: str, specs: Sequence[LaunchedSpec], launch: Launch, clients: aws.Clients) -> _Image:
    match = _URI.fullmatch(uri)
    if match is None or match["account"] != launch.account:
        return _Image(digest=match["digest"] if match else None)
    wanted = {"imageDigest": match["digest"]} if match["digest"] else {"imageTag": match["tag"] or "latest"}
    place = {"registryId": launch.account, "repositoryName": match["repository"]}
    ecr: Any = clients("ecr")
    try:
        answer = ecr.batch_get_image(**place, imageIds=[wanted])
    except ClientError as error:
        if aws.error_code(error) != "RepositoryNotFoundException":
            raise
        answer = {}
    if not answer.get("images"):
        return _Image(digest=None, problems=[Problem("image", missing(_build(uri, launch, specs[0])))])
    found = answer["images"][0]
    digest = str(found["imageId"]["imageDigest"])
    try:
        config = _config(ecr, place, json.loads(found["imageManifest"]))
    except (ClientError, BotoCoreError, HTTPException, OSError, ValueError) as error:
        return _Image(digest=digest, notes=[f"what {uri} says of itself cannot be read: {error}"])
    if config is None:
        return _Image(digest=digest)
    types = [INSTANCES[kind] for spec in specs for kind in spec.compute.instance_types if kind in INSTANCES]
    without = launch.spec.without_gpus
    problems = [*dict.fromkeys(_misfits(uri, config, types, without_gpus=without))]
    return _Image(digest=digest, problems=problems, notes=[*dict.fromkeys(_blind(uri, config, types))])


def _config(ecr: Any, place: Mapping[str, str], manifest: Mapping[str, Any]) -> dict[str, Any] | None:
    """The image's configuration; None for a list of images of several platforms."""
    if "config" not in manifest:
        return None
    layer = ecr.get_download_url_for_layer(**place, layerDigest=manifest["config"]["digest"])
    with urllib.request.urlopen(layer["downloadUrl"], timeout=_SECONDS) as answer:
        config = json.loads(answer.read(_MOST_BYTES))
    if not isinstance(config, dict):
        raise ValueError("its configuration is no table")
    return config


def _misfits(
    uri: str, config: Mapping[str, Any], types: Sequence[Instance], *, without_gpus: bool
) -> Iterator[Problem]:
    """Why the image cannot run on these machines."""
    built_for = _ARCHITECTURES.get(str(config.get("architecture")))
    variant = _labels(config).get(VARIANT_LABEL, "")
    for instance in types:
        if built_for is not None and built_for != instance.architecture:
            message = f"{uri} is built for {built_for}, and {instance.name} is {instance.architecture}"
            yield Problem("image", f"{message} (push it for that platform, or take another type)")
        if variant.startswith("cpu") and instance.gpus and not without_gpus:
            has = f"{instance.name} has {instance.gpus} GPU{'s' if instance.gpus > 1 else ''}"
            text = f"{uri} is built for processors, by its label {VARIANT_LABEL}={variant}, and {has}"
            yield Problem("image", f"{text} (push one for GPUs, or take another type)")


def _blind(uri: str, config: Mapping[str, Any], types: Sequence[Instance]) -> Iterator[str]:
    """A warning about an image that asks for no GPUs, on machines that have some."""
    variables = (config.get("config") or {}).get("Env") or ()
    asks = any(str(one).startswith("NVIDIA_VISIBLE_DEVICES=") for one in variables)
    for instance in types:
        if instance.gpus and not asks:
            yield f"{uri} does not set NVIDIA_VISIBLE_DEVICES, so it may see none of the GPUs of {instance.name}"


def _labels(config: Mapping[str, Any]) -> Mapping[str, str]:
    return (config.get("config") or {}).get("Labels") or {}


def _build(uri: str, launch: Launch, spec: LaunchedSpec) -> ImageBuild:
    bases = launch.deployment.image_bases
    name = choose(spec, bases) if bases else None
    variant = None if name is None else Variant(base=bases[name])
    return ImageBuild(uri=uri, region=launch.region, folder=launch.folder, name=name, variant=variant)


def missing(build: ImageBuild) -> str:
    """The message about an image that is not in its repository, with the commands that put it there."""
    by_yard = "these commands" if build.folder is None else f"yard image push {build.folder}"
    if build.name is not None:
        by_yard += f" --variant {build.name}"
    either = ", or" if build.folder is not None else ""
    lines = "\n  ".join(build.shown)
    return f"{build.uri} is not in its repository. Build and push it with {by_yard}{either}:\n  {lines}"
