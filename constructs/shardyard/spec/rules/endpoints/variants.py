"""Rules about variants: how many, with which weights, on which machines."""

from collections.abc import Iterator

from shardyard.spec.catalogue.builtin import BUILTIN, unknown_version
from shardyard.spec.catalogue.hosting import CONTAINERS, HOSTING_DATE, HOSTING_TYPES
from shardyard.spec.catalogue.instances import INSTANCES, has_local_disk
from shardyard.spec.endpoints.endpoint import EndpointSpec
from shardyard.spec.errors import Problem, nearest
from shardyard.spec.rules.base import GUIDE, Facts, rule

_CONFIG = "CreateEndpointConfig, service model of botocore 1.44.8"
MOST_VARIANTS = 10


@rule(
    "at-most-ten-variants",
    reason="SageMaker refuses the request.",
    source=f"{_CONFIG}: ProductionVariants",
    of=EndpointSpec,
)
def at_most_ten_variants(spec: EndpointSpec, facts: Facts) -> Iterator[Problem]:
    """An endpoint has 10 variants at most."""
    if len(spec.variants) > MOST_VARIANTS:
        yield Problem("variants", f"{len(spec.variants)} are not allowed ({MOST_VARIANTS} or fewer)")


@rule(
    "some-variant-answers",
    reason="With no weight at all no request would reach a model.",
    source=f"{_CONFIG}: InitialVariantWeight, its share of the sum of all weights",
    of=EndpointSpec,
)
def some_variant_answers(spec: EndpointSpec, facts: Facts) -> Iterator[Problem]:
    """Some variant that is no shadow has a weight above 0."""
    if not any(one.weight > 0 for one in spec.production.values()):
        yield Problem("variants", "no variant gets a request (one that is no shadow needs a weight above 0)")


@rule(
    "shadow-beside-one",
    reason="SageMaker takes one shadow beside one variant, and on real-time endpoints alone.",
    source=f"{_CONFIG}: ShadowProductionVariants; {GUIDE}, shadow variants. That a shadow scales is documented nowhere "
    "that we found",
    of=EndpointSpec,
)
def shadow_beside_one(spec: EndpointSpec, facts: Facts) -> Iterator[Problem]:
    """A shadow stands beside one other variant of a real-time endpoint, and does not scale."""
    if not spec.shadows:
        return
    if spec.kind != "realtime":
        yield Problem("variants", f"an endpoint of kind {spec.kind!r} has no shadow (remove it)")
    if len(spec.shadows) > 1 or len(spec.production) > 1:
        beside = f"{len(spec.shadows)} shadows and {len(spec.production)} other variants"
        yield Problem("variants", f"{beside} are not allowed (one of each)")
    for name, one in spec.shadows.items():
        if one.scaling is not None:
            yield Problem(f"variants.{name}.scaling", "a shadow does not scale (remove it)")


@rule(
    "hosting-type",
    reason="SageMaker refuses the request.",
    source=f"{_CONFIG}: ProductionVariantInstanceType",
    of=EndpointSpec,
)
def hosting_type(spec: EndpointSpec, facts: Facts) -> Iterator[Problem]:
    """A variant's instance type is one that endpoints can have."""
    for name, one in spec.variants.items():
        if one.instance_type is not None and one.instance_type not in HOSTING_TYPES:
            meant = nearest(one.instance_type, sorted(HOSTING_TYPES))
            where = f"variants.{name}.instance_type"
            yield Problem(where, f"no endpoint has {one.instance_type!r} (as of {HOSTING_DATE}); {meant}")


@rule(
    "volume-of-the-type",
    reason="SageMaker refuses the request: such an instance brings its own disk.",
    source="SageMaker's own refusal, `VolumeSizeInGB parameter not allowed for the selected Instance type`",
    of=EndpointSpec,
)
def volume_of_the_type(spec: EndpointSpec, facts: Facts) -> Iterator[Problem]:
    """A variant whose instances bring a disk of their own has no volume."""
    for name, one in spec.variants.items():
        if one.volume_gb is not None and has_local_disk((str(one.instance_type),)):
            where = f"variants.{name}.volume"
            yield Problem(where, f"{one.instance_type} brings its own disk (remove the volume)")


@rule(
    "known-inference-container",
    reason="The image would not be found when the endpoint starts.",
    source=f"aws/sagemaker-python-sdk, image_uri_config, scope inference, as of {HOSTING_DATE}",
    of=EndpointSpec,
)
def known_inference_container(spec: EndpointSpec, facts: Facts) -> Iterator[Problem]:
    """AWS's container for inference is one that the dated list knows, and runs on x86_64."""
    image = spec.image
    owner = image.framework if image.builtin is None else image.builtin
    if owner is None:
        return
    if image.framework is not None and image.version not in CONTAINERS[image.framework]:
        known = ", ".join(CONTAINERS[image.framework])
        said = f"{image.framework} {image.version} is not on the list of {HOSTING_DATE}"
        yield Problem("image.version", f"{said} (one of {known}; or a folder of containers/)")
    for name, one in spec.variants.items():
        kind = INSTANCES.get(str(one.instance_type))
        if kind is not None and (kind.architecture != "x86_64" or kind.neuron_cores):
            where = f"variants.{name}.instance_type"
            yield Problem(where, f"{kind.name} does not run AWS's container of {owner} (take one of x86_64)")


@rule(
    "builtin-is-served",
    reason="The image would not be found, or could not load the models that it is asked for.",
    source="constructs/shardyard/spec/catalogue/data/builtin.json, dated, with the pages of the developer guide",
    of=EndpointSpec,
)
def builtin_is_served(spec: EndpointSpec, facts: Facts) -> Iterator[Problem]:
    """A built-in algorithm is served by a version that the dated list knows, many models only where it loads them."""
    if spec.image.builtin is None:
        return
    algorithm = BUILTIN[spec.image.builtin]
    said = unknown_version(algorithm, spec.image.version)
    if said is not None:
        yield Problem("image.version", said)
    if spec.kind == "multi-model" and not algorithm.multi_model:
        loading = ", ".join(name for name, one in BUILTIN.items() if one.multi_model)
        yield Problem("image.builtin", f"{algorithm.name} does not load many models ({loading})")
