"""Rules about TensorFlow: its launcher, its parameter servers, and what it no longer has."""

from collections.abc import Iterator

from shardyard.spec.catalogue.instances import INSTANCES
from shardyard.spec.errors import Problem
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.rules.base import GUIDE, Facts, asks_for, rule, working_types

_OURS = "training.tensorflow"


def is_tensorflow(spec: JobSpec) -> bool:
    """Whether a job says that it runs TensorFlow."""
    return spec.image.framework == "tensorflow" or _launches(spec)


def _launches(spec: JobSpec) -> bool:
    return spec.program is not None and spec.program.launcher == "tensorflow"


@rule(
    "launcher-fits-framework",
    reason="Its process would not find the framework that it imports, after the instances began to bill.",
    source="training.launcher; the contents of AWS's containers",
)
def launcher_fits_framework(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A Deep Learning Container's programs are started by a launcher of its own framework, or by plain or mpirun."""
    if spec.program is None:
        return
    launcher, framework = spec.program.launcher, spec.image.framework
    wrong = {"pytorch": "tensorflow", "tensorflow": "torchrun"}
    if framework is not None and wrong[framework] == launcher:
        right = "tensorflow" if framework == "tensorflow" else "torchrun"
        message = f"{launcher} does not work in AWS's container of {framework} (use {right}, or plain)"
        yield Problem("program.launcher", message)


@rule(
    "parameter-servers-need-tensorflow",
    reason="No other launcher starts any, and the group's instances would run as workers.",
    source="training.launcher.tensorflow.placement",
)
def parameter_servers_need_tensorflow(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """Only a job with the launcher tensorflow has parameter servers."""
    if spec.program is None or _launches(spec):
        return
    for name in ("parameter_servers", "server_group"):
        if getattr(spec.program, name) is not None:
            yield Problem(f"program.{name}", f'it is for launcher = "tensorflow", not {spec.program.launcher}')


@rule(
    "server-group-serves",
    reason="Every node stops at start, or instances bill that do nothing.",
    source="training.launcher.tensorflow.placement, which checks the same in the container",
)
def server_group_serves(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """The group of parameter servers is one of several, its instances all have a server, and none has a GPU."""
    if spec.program is None or spec.program.server_group is None:
        return
    name, groups = spec.program.server_group, {group.name: group for group in spec.compute.groups}
    if name not in groups:
        known = f"compute.groups has {', '.join(groups)}" if groups else "the job has no compute.groups"
        yield Problem("program.server_group", f"no group is named {name!r} ({known})")
        return
    if len(groups) == 1:
        yield Problem("program.server_group", f"{name} is the only group: none is left for the workers")
    group, servers = groups[name], spec.program.parameter_servers
    if servers is not None and servers < group.count:
        yield Problem(
            "program.parameter_servers",
            f"{servers} leaves {group.count - servers} of the {group.count} instances of {name} without a server "
            "(leave it out for one each)",
        )
    kind = INSTANCES.get(group.instance_type)
    if kind is not None and kind.accelerators:
        message = f"{kind.name} has GPUs, and servers compute on processors (take a group without)"
        yield Problem("program.server_group", message)


@rule(
    "a-gpu-a-worker-beside-servers",
    reason="All GPUs of a worker would learn from the one batch that a step has: the program refuses to start.",
    source="training.tensorflow.parallel.handing, which checks the same in the container",
    by_type=True,
)
def a_gpu_a_worker_beside_servers(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """Beside parameter servers a program of training.tensorflow has a worker for each GPU."""
    program = spec.program
    if program is None or not _launches(spec) or not program.entry.startswith(f"{_OURS}."):
        return
    if program.server_group is None and not program.parameter_servers:
        return
    for _, instance in working_types(spec):
        if instance.accelerators > 1 and program.processes_per_node != instance.processes:
            yield Problem(
                "program.processes_per_node",
                f"{instance.name} has {instance.accelerators} GPUs, and beside parameter servers a worker of {_OURS} "
                f"computes on one (set {instance.processes})",
            )


@rule(
    "no-smddp-with-tensorflow",
    reason="The library is not there: the import fails on every node.",
    source=f"{GUIDE}, distributed data parallelism library: its support of TensorFlow ended at 2.11",
)
def no_smddp_with_tensorflow(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A TensorFlow job does not use SageMaker's own data-parallel library."""
    place = asks_for(spec, ("backend", "distribution"), ("smddp", "smdistributed"))
    if place is not None and is_tensorflow(spec):
        message = 'smddp ended with TensorFlow 2.11 (remove it: launcher = "tensorflow" and a tf.distribute strategy)'
        yield Problem(place, message)
