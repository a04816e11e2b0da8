"""Which image of a folder each variant of an endpoint needs, by its instances."""

from collections.abc import Mapping

from shardyard.spec.catalogue.instances import INSTANCES
from shardyard.spec.catalogue.variants import hardware
from shardyard.spec.endpoints.endpoint import EndpointSpec
from shardyard.spec.errors import Problem, SpecError


def hardware_of(spec: EndpointSpec, bases: Mapping[str, str]) -> dict[str, str]:
    """What the tag of each variant ends with; nothing for a folder of one image. That for GPUs runs without any too."""
    if not bases:
        return {}
    found, problems = dict[str, str](), list[Problem]()
    for name, one in spec.variants.items():
        kind = str(one.instance_type)
        needed = hardware(INSTANCES[kind]) if kind in INSTANCES else "cpu"
        chosen = next((there for there in (needed, needed.replace("cpu", "gpu")) if there in bases), None)
        if chosen is not None:
            found[name] = chosen
            continue
        said = f"containers/{spec.image.folder} has no image for {needed}, and its variants.toml has "
        way = "take another type, or add a base for that hardware there"
        problems.append(Problem(f"variants.{name}", f"{said}{', '.join(sorted(bases))} ({way})"))
    if problems:
        raise SpecError(problems)
    return found
