"""An endpoint's definition: everything that its file in endpoints/ can set, as frozen dataclasses."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from shardyard.spec.endpoints.model import ModelSource, MultiModel, Serverless, ServingImage
from shardyard.spec.endpoints.rollout import (
    Alarms,
    Asynchronous,
    Capture,
    Deployment,
    Encryption,
    MonthlyCost,
    Network,
)
from shardyard.spec.endpoints.scaling import Scaling
from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.jobs.compute import INSTANCE_TYPE
from shardyard.spec.owners import OWNER, OWNER_SAYS
from shardyard.spec.tree import Definition, setting

ENDPOINT_NAME = r"[a-z][a-z0-9-]{0,27}[a-z0-9]"
ENDPOINT_NAME_SAYS = "2 to 29 small letters, digits and hyphens, a letter first"
VARIANT_NAME = r"[a-z][a-z0-9]{0,30}"
VARIANT_NAME_SAYS = "up to 31 small letters and digits, a letter first"


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """A variant is a model on instances, or on none; several share the requests by their weights."""

    instance_type: str | None = setting(
        None, "The instance type.", pattern=INSTANCE_TYPE, says="an instance type such as ml.m5.large"
    )
    count: int = setting(1, "How many instances it begins with.", least=1, most=1000)
    weight: float = setting(1.0, "Its share of the requests, over the sum of all weights.", least=0, most=1000)
    shadow: bool = setting(False, "It gets copies of requests, and its answers go nowhere.")
    volume_gb: int | None = setting(
        None, "The disk of each instance.", least=1, most=512, unit="gigabytes", key="volume"
    )
    startup_seconds: int | None = setting(
        None,
        "How long the container may take until it answers /ping.",
        least=60,
        most=3600,
        unit="seconds",
        key="startup",
    )
    download_seconds: int | None = setting(
        None, "How long the model may take from S3.", least=60, most=3600, unit="seconds", key="download"
    )
    routing: Literal["least-outstanding-requests", "random"] | None = setting(
        None, "Which instance gets the next request; by default any."
    )
    model: ModelSource | None = setting(None, "A model of its own, in place of the endpoint's.")
    environment: dict[str, str] = setting(doc="Environment variables, laid over the endpoint's.", factory=dict)
    serverless: Serverless | None = setting(None, "No instances: memory and concurrency.")
    scaling: Scaling | None = setting(None, "How it grows and shrinks.")


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointSpec(Definition):
    """One endpoint, as its author defined it."""

    name: str = setting(doc="The file's name.", pattern=ENDPOINT_NAME, says=ENDPOINT_NAME_SAYS, internal=True)
    from_stage: tuple[str, ...] = setting((), "Values from [overrides.<stage>], as dotted names.", internal=True)
    kind: Literal["realtime", "serverless", "asynchronous", "multi-model"] = setting("realtime", "How it is hosted.")
    description: str = setting("", "A one-line description.", pattern=r".{0,500}", says="one line, at most 500 letters")
    owner: str | None = setting(
        None,
        "Who answers for the endpoint: the tag `owner`; by default the setting `owner`.",
        pattern=OWNER,
        says=OWNER_SAYS,
    )
    model: ModelSource = setting(doc="The model: [model] with a run, a registry's group, an address or a file.")
    image: ServingImage = setting(doc="The container: [image] with a folder or a repository.")
    variants: dict[str, Variant] = setting(doc="The variants by name: [variants.main] with an instance_type.")
    environment: dict[str, str] = setting(doc="Environment variables of the containers.", factory=dict)
    multi_model: MultiModel = setting(doc="Loading of models.", factory=MultiModel)
    asynchronous: Asynchronous | None = setting(None, "The queue of an asynchronous endpoint.")
    deployment: Deployment = setting(doc="How changes arrive.", factory=Deployment)
    alarms: Alarms = setting(doc="What is watched.", factory=Alarms)
    capture: Capture | None = setting(None, "Data capture.")
    network: Network = setting(doc="Network access.", factory=Network)
    encryption: Encryption = setting(doc="Keys of your own.", factory=Encryption)
    cost: MonthlyCost = setting(doc="The cost limit.", factory=MonthlyCost)
    tags: dict[str, str] = setting(doc="Further tags of model, configuration and endpoint.", factory=dict)

    def __post_init__(self) -> None:
        problems = list(_bad_names(self.variants))
        if not self.variants:
            problems.append(Problem("variants", "holds no variant (write a table [variants.main])"))
        if problems:
            raise SpecError(problems)

    @property
    def production(self) -> dict[str, Variant]:
        """The variants whose answers reach callers."""
        return {name: one for name, one in self.variants.items() if not one.shadow}

    @property
    def shadows(self) -> dict[str, Variant]:
        """The variants whose answers go nowhere."""
        return {name: one for name, one in self.variants.items() if one.shadow}

    @property
    def scaled(self) -> dict[str, Scaling]:
        """How each variant scales that does."""
        return {name: one.scaling for name, one in self.variants.items() if one.scaling is not None}

    @property
    def in_network(self) -> bool:
        """Whether it runs in the project's subnets."""
        return self.network.vpc and self.kind != "serverless"

    def model_of(self, variant: str) -> ModelSource:
        """What a variant serves."""
        own = self.variants[variant].model
        return self.model if own is None else own


def _bad_names(variants: Mapping[str, Variant]) -> Iterator[Problem]:
    for name in variants:
        if re.fullmatch(VARIANT_NAME, name) is None:
            yield Problem(f"variants.{name}", f"{name!r} is not allowed as a name ({VARIANT_NAME_SAYS})")
