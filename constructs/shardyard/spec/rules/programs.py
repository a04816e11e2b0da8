"""Rules about images and programs."""

from collections.abc import Iterator

from shardyard.spec.catalogue.images import DLC_DATE, DLC_IMAGES, dlc_name
from shardyard.spec.catalogue.variants import misfit
from shardyard.spec.errors import Problem
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.rules.base import API, Facts, known_types, rule, working_types


@rule(
    "image-has-program",
    reason="The launcher in such an image would have nothing to start.",
    source="Shardyard's container contract",
)
def image_has_program(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A job with an image of containers/ or a Deep Learning Container says what to run."""
    own = spec.image.folder is not None or (spec.image.framework is not None and not spec.image.entrypoint)
    if own and spec.program is None:
        yield Problem("program", 'missing; say what to run: [program] entry = "training.pytorch.programs.mnist"')


@rule(
    "script-has-source",
    reason="A script that is nowhere in the image cannot be found in the container.",
    source="Shardyard's container contract",
)
def script_has_source(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A script comes with the folder that holds it."""
    if spec.program is not None and spec.program.entry.endswith(".py") and spec.source is None:
        message = f"{spec.program.entry} is a script, and no [source] dir holds it (or name a module of the image)"
        yield Problem("program.entry", message)


@rule(
    "algorithm-brings-its-own",
    reason="SageMaker refuses metrics, entry points and images beside an algorithm.",
    source=f"{API}: AlgorithmName is `mutually exclusive with the TrainingImage parameter`",
)
def algorithm_brings_its_own(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A marketplace algorithm takes no program, metrics, code or entry point of Shardyard's."""
    if spec.image.algorithm is None:
        return
    given = {
        "program": spec.program is not None,
        "source": spec.source is not None,
        "metrics": bool(spec.metrics),
        "image.entrypoint": bool(spec.image.entrypoint),
        "image.arguments": bool(spec.image.arguments),
    }
    for where, is_given in given.items():
        if is_given:
            yield Problem(where, f"the algorithm {spec.image.algorithm} brings its own (remove it)")


@rule(
    "private-registry-in-vpc",
    reason="A registry of your own is reached through the VPC only.",
    source=f"{API}: TrainingImageConfig",
)
def private_registry_in_vpc(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A private registry needs the VPC, and its password function needs the private registry."""
    if spec.image.access == "Vpc" and not spec.network.vpc:
        yield Problem("network.vpc", 'image.access = "Vpc" reaches the registry through the VPC (set it to true)')
    if spec.image.credentials_function is not None and spec.image.access != "Vpc":
        yield Problem("image.credentials_function", 'it is for a private registry (image.access = "Vpc")')


@rule(
    "known-deep-learning-container",
    of=LaunchedSpec,
    reason="The image would not be found when the job starts.",
    source="constructs/shardyard/spec/catalogue/data/dlc.json, dated",
)
def known_deep_learning_container(spec: LaunchedSpec, facts: Facts) -> Iterator[Problem]:
    """A Deep Learning Container is one that the dated list knows."""
    framework, version = spec.image.framework, spec.image.version
    if framework is not None and version is not None and version not in DLC_IMAGES[framework]:
        known = ", ".join(DLC_IMAGES[framework])
        message = f"{framework} {version} is not on the list of {DLC_DATE} ({known})"
        yield Problem("image.version", message)


@rule(
    "container-fits-machines",
    of=LaunchedSpec,
    reason="The container for processors leaves GPUs idle, which bill; neither holds what Neuron devices need.",
    source="constructs/shardyard/spec/catalogue/data/dlc.json, dated: one tag for GPUs, one for processors",
    by_type=True,
)
def container_fits_machines(spec: LaunchedSpec, facts: Facts) -> Iterator[Problem]:
    """A Deep Learning Container for GPUs runs where the workers have GPUs, the other where they have no accelerator."""
    framework, version = spec.image.framework, str(spec.image.version)
    if framework is None or facts.container is None or version not in DLC_IMAGES[framework]:
        return
    for where, instance in working_types(spec):
        if instance.neuron_cores:
            message = f"{instance.name} has Neuron devices, which {facts.container} is not built for"
            yield Problem(where, f"{message} (use image.repository)")
        elif dlc_name(framework, version, gpu=instance.gpus > 0) != facts.container:
            has = "GPUs" if instance.gpus else "no GPU"
            message = f"{instance.name} has {has}, and the deploy chose {facts.container} by the job's first type"
            yield Problem(where, f"{message} (take types of one kind, or change the first and deploy)")


@rule(
    "image-for-gpus",
    of=LaunchedSpec,
    reason="The launcher refuses to train on the processors of a machine whose GPUs bill.",
    source="the job's own image.cpu_only",
    by_type=True,
)
def image_for_gpus(spec: LaunchedSpec, facts: Facts) -> Iterator[Problem]:
    """An image without CUDA runs on machines without GPUs, unless the job trains on their processors."""
    if spec.without_gpus:
        return
    for where, instance in known_types(spec):
        if spec.image.cpu_only and instance.gpus:
            yield Problem(where, f"{instance.name} has GPUs, and image.cpu_only says that the image has no CUDA")


@rule(
    "image-variant",
    of=LaunchedSpec,
    reason="The GPUs bill while the processors train, or the container fails with `exec format error`.",
    source="the folder's own variants.toml; the catalogue of instances",
    by_type=True,
)
def image_variant(spec: LaunchedSpec, facts: Facts) -> Iterator[Problem]:
    """A folder of containers/ that names variants has one that runs on all of the job's instances."""
    if spec.image.folder is not None and facts.image_variants:
        message = misfit(spec, facts.image_variants, spec.image.folder)
        if message is not None:
            yield Problem("image.folder", message)


@rule(
    "image-architecture",
    of=LaunchedSpec,
    reason="The container fails with `exec format error`.",
    source="the catalogue of instances; aws-cdk issues 25362 and 28517",
    by_type=True,
)
def image_architecture(spec: LaunchedSpec, facts: Facts) -> Iterator[Problem]:
    """Deep Learning Containers, and folders that name no variants, are built for x86_64 and run on such machines."""
    of_one = spec.image.folder is not None and not facts.image_variants
    if not of_one and spec.image.framework is None:
        return
    for where, instance in known_types(spec):
        if instance.architecture != "x86_64":
            message = f"{instance.name} is {instance.architecture}, and the image is x86_64 (use image.repository)"
            yield Problem(where, message)


@rule(
    "slow-rank-compares-ranks",
    reason="The launcher refuses to compare what it does not start as ranks of one group.",
    source="training.launcher.guards.slow, which checks the same in the container",
)
def slow_rank_compares_ranks(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """`guards.slow_rank` is for the ranks of torchrun."""
    if spec.guards.slow_rank == "ignore":
        return
    launcher = None if spec.program is None else spec.program.launcher
    if launcher != "torchrun":
        has = "no launcher of Shardyard's" if launcher is None else f'launcher = "{launcher}"'
        yield Problem("guards.slow_rank", f"only ranks of torchrun are compared, and this job has {has} (leave it out)")
