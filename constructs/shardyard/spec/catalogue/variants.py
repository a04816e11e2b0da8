"""What an image of containers/ is built for: its file variants.toml names a base for each kind of hardware.

A folder without that file makes one image, for whatever its Dockerfile says. With it, the instance types of a job
decide, of each attempt anew: a fallback onto other machines gets the image for those.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shardyard.spec.catalogue.images import DLC_ACCOUNTS, dlc_name
from shardyard.spec.catalogue.instances import INSTANCES, Instance
from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.files import read_text
from shardyard.spec.jobs.launched import LaunchedSpec

FILE = "variants.toml"
VARIANTS = ("cpu", "gpu", "cpu-arm64", "gpu-arm64", "neuron")
"""The kinds of hardware, as they end an image's tag."""

_AWS_BASE = re.compile(r"aws:(?P<framework>[a-z]+)/(?P<version>\d+\.\d+)")
_BASE = r"(aws:[a-z]+/\d+\.\d+|[a-z0-9][\w./:@-]{0,254})"
_BASE_SAYS = 'an image such as "python:3.11-slim-bookworm", or "aws:pytorch/2.13" for AWS\'s container of that version'


_INDEX = r"https?://[^\s@]{1,500}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """One image of a folder."""

    base: str
    """What it is built on, as the file says it."""
    index: str = ""
    """An index of packages besides pip's own."""


def read_bases(folder: Path) -> dict[str, str]:
    """Each variant's base; empty for a folder of one image."""
    return {name: one.base for name, one in read_variants(folder).items()}


def read_variants(folder: Path) -> dict[str, Variant]:
    """The variants that a folder's file names; empty for a folder of one image."""
    path = folder / FILE
    if not path.is_file():
        return {}
    where = f"containers/{folder.name}/{FILE}"
    try:
        tables: dict[str, Any] = tomllib.loads(read_text(path))
    except (OSError, ValueError, RecursionError) as error:
        raise SpecError([Problem(where, f"cannot be read: {error}")]) from None
    problems = [problem for name, table in tables.items() for problem in _problems(where, name, table)]
    if not tables:
        problems.append(Problem(where, f"names no variant (one or more of {', '.join(VARIANTS)})"))
    if problems:
        raise SpecError(problems)
    return {name: Variant(**table) for name, table in tables.items()}


def _problems(where: str, name: str, table: object) -> Iterable[Problem]:
    if name not in VARIANTS:
        yield Problem(f"{where}: {name}", f"is no variant (known: {', '.join(VARIANTS)})")
    elif not isinstance(table, dict) or "base" not in table or set(table) - {"base", "index"}:
        yield Problem(f"{where}: {name}", f"is a table of base, {_BASE_SAYS}, and where needed of index")
    elif not isinstance(table.get("index", ""), str) or not re.fullmatch(_INDEX, table.get("index", "https://none")):
        # a password here would stand in a file, and in the image's history
        yield Problem(f"{where}: {name}.index", "is an address https://... without a user and a password in it")
    elif not isinstance(table["base"], str) or re.fullmatch(_BASE, table["base"]) is None:
        yield Problem(f"{where}: {name}.base", f"{str(table['base'])[:80]!r} is not allowed ({_BASE_SAYS})")
    else:
        yield from _unknown_container(f"{where}: {name}.base", name, table["base"])


def _unknown_container(where: str, name: str, base: str) -> Iterable[Problem]:
    if base.startswith("aws:"):
        try:
            base_uri(base, name, region="us-east-1")
        except SpecError as error:
            yield from (Problem(where, problem.message) for problem in error.problems)


def base_container(base: str) -> tuple[str, str] | None:
    """Framework and version of AWS's container that a base is; None for any other base."""
    match = _AWS_BASE.fullmatch(base)
    return None if match is None else (match["framework"], match["version"])


def base_uri(base: str, variant: str, *, region: str, account: str | None = None) -> str:
    """What docker is told to build on. AWS's own containers lie in an account of each region.

    `account` takes the place of the known one where a template looks it up.
    """
    container = base_container(base)
    if container is None:
        return base
    owner = DLC_ACCOUNTS.get(region) if account is None else account
    if owner is None:
        raise SpecError([Problem("region", f"no account is known that publishes AWS's containers in {region}")])
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    name = dlc_name(*container, gpu=variant.startswith("gpu"))
    return f"{owner}.dkr.ecr.{region}.{suffix}/{name}"


def platform(variant: str) -> str:
    """The platform that docker builds a variant for, whatever the machine that it builds on."""
    return "linux/arm64" if variant.endswith("arm64") else "linux/amd64"


def hardware(instance: Instance) -> str:
    """The variant that an instance type needs."""
    if instance.neuron_cores:
        return "neuron"
    kind = "gpu" if instance.gpus else "cpu"
    return kind if instance.architecture == "x86_64" else f"{kind}-{instance.architecture}"


def choose(spec: LaunchedSpec, bases: Mapping[str, str] | Iterable[str]) -> str | None:
    """The variant that runs on all of a job's instances; None if the image has no such.

    Heterogeneous clusters have one image for all: that for GPUs, which runs without any too.
    """
    there, needed = set(bases), {_needed(kind) for kind in spec.compute.instance_types}
    if spec.without_gpus and not there & needed:
        needed = {one.replace("gpu", "cpu") for one in needed}
    if needed in ({"cpu", "gpu"}, {"cpu-arm64", "gpu-arm64"}):
        needed = {one for one in needed if one.startswith("gpu")}
    if len(needed) != 1:
        return None
    (one,) = needed
    return next((name for name in (one, one.replace("cpu", "gpu")) if name in there), None)


def _needed(kind: str) -> str:
    """A type that is newer than the catalogue may have GPUs, and the image for them runs without any too."""
    return hardware(INSTANCES[kind]) if kind in INSTANCES else "gpu"


def misfit(spec: LaunchedSpec, bases: Mapping[str, str] | Iterable[str], folder: str) -> str | None:
    """Why no variant of a folder runs a job; None where one does, and for a folder of one image."""
    there = sorted(bases)
    if not there or choose(spec, there) is not None:
        return None
    types = dict.fromkeys(spec.compute.instance_types)
    needs = ", ".join(f"{kind} needs {_needed(kind)}" for kind in types)
    return (
        f"containers/{folder} has no image for these instances: {needs}, and its {FILE} has {', '.join(there)} "
        "(take other types, or add a base for that hardware there)"
    )
