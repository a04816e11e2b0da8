"""Rules about GPUs: processes, number formats, backends, memory."""

from collections.abc import Iterator
from itertools import chain

from contract.hyperparameters import as_switch
from shardyard.spec.advise.layouts import accumulation_of, layout_of, memory_problem, ranks_of_a_node
from shardyard.spec.catalogue.instances import ACCELERATORS
from shardyard.spec.errors import Problem
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.rules.base import Facts, asks_for, known_types, rule, working_types

SMDDP_TYPES = ("ml.p4d.24xlarge", "ml.p4de.24xlarge")
PRECISION_NAMES = ("precision", "dtype", "mixed_precision", "policy")
_BFLOAT16 = ("bf16", "bfloat16", "mixed_bfloat16")
"""The last ones are Keras's words."""


@rule(
    "one-process-a-gpu",
    reason="Fewer leave GPUs idle that bill; more fight for the memory of one.",
    source="the catalogue of instances; the public lab that ran 4 processes on the 8 GPUs of ml.p3.16xlarge",
    by_type=True,
)
def one_process_a_gpu(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """On machines with GPUs or Neuron cores the launcher starts one process for each."""
    if spec.program is None or spec.program.launcher == "plain" or spec.program.processes_per_node is None:
        return
    given = spec.program.processes_per_node
    if spec.program.launcher == "tensorflow" and given == 1:
        # A worker of TensorFlow's uses all of them
        return
    for _, instance in working_types(spec):
        if instance.accelerators and given != instance.processes:
            what = "Neuron core" if instance.neuron_cores else "GPU"
            has = f"{instance.name} has {instance.processes} {what}{'s' if instance.processes > 1 else ''}"
            better = "leave it out for one each"
            if spec.program.launcher == "tensorflow":
                better = f"{instance.processes} for one each; leave it out for one worker with all"
            yield Problem("program.processes_per_node", f"{given} is not allowed: {has} ({better})")


@rule(
    "bf16-where-the-gpu-has-it",
    reason="Older GPUs have no units for bfloat16: the job fails, or crawls.",
    source="the catalogue of instances (NVIDIA: bfloat16 from Ampere on); the public lab that set bf16 on V100",
    by_type=True,
)
def bf16_where_the_gpu_has_it(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A job uses bfloat16 only on GPUs that compute in it."""
    place = asks_for(spec, PRECISION_NAMES, _BFLOAT16) or asks_for(spec, ("bf16",), ("true", "1"))
    if place is None:
        return
    for _, instance in known_types(spec):
        if instance.accelerator is not None and not instance.bf16:
            generation = ACCELERATORS[instance.accelerator].generation
            message = f"the {instance.accelerator} of {instance.name} ({generation}) has no bfloat16 (use fp32 or fp16)"
            yield Problem(place, message)


@rule(
    "fp8-where-the-gpu-has-it",
    reason="Without units for 8-bit floats the job fails at its first matrix.",
    source="the catalogue of instances (NVIDIA: FP8 from Ada and Hopper on)",
    by_type=True,
)
def fp8_where_the_gpu_has_it(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A job uses 8-bit floats only on GPUs that compute in them."""
    place = asks_for(spec, PRECISION_NAMES, ("fp8", "float8")) or asks_for(spec, ("fp8",), ("true", "1"))
    if place is None:
        return
    for _, instance in known_types(spec):
        if not instance.fp8:
            name = instance.accelerator if instance.accelerator is not None else "processor"
            yield Problem(place, f"the {name} of {instance.name} has no 8-bit floats (use bf16 or fp32)")


@rule(
    "smddp-where-it-runs",
    reason="The library supports few types, and falls back or fails on others.",
    source="SageMaker AI developer guide, distributed data parallelism library: ml.p4d.24xlarge and ml.p4de.24xlarge",
    by_type=True,
)
def smddp_where_it_runs(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A job uses the backend smddp only on p4d and p4de."""
    place = asks_for(spec, ("backend",), ("smddp",))
    if place is None:
        return
    for _, instance in known_types(spec):
        if instance.name not in SMDDP_TYPES:
            message = f"smddp does not run on {instance.name} (on {' and '.join(SMDDP_TYPES)}; use nccl elsewhere)"
            yield Problem(place, message)


@rule(
    "plan-fits-memory",
    reason="The job fails with an out-of-memory error minutes after it began to bill.",
    source="shardyard.spec.advise.layouts, whose arithmetic `yard advise` shows",
    by_type=True,
)
def plan_fits_memory(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A job that states its model's size has a plan that fits into its GPUs."""
    message = memory_problem(spec)
    if message is not None:
        yield Problem("model.parameters", message)


@rule(
    "parallelism-divides-the-ranks",
    reason="Every rank stops at start, after the instances began to bill.",
    source="training.pytorch.parallel.plan, which checks the same in the container",
    by_type=True,
)
def parallelism_divides_the_ranks(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """Tensor and pipeline parallel sizes divide the ranks, and tensor parallel stays within a node."""
    layout = layout_of(spec)
    if spec.compute.groups:
        return
    for ((kind, count),) in spec.compute.alternatives:
        node = ranks_of_a_node(spec, kind)
        # A size that is too much for a node says more than that it does not divide all ranks
        wrong = next(chain(layout.node_misfits(node), layout.misfits(node * count)), None)
        if wrong is not None:
            yield Problem(f"hyperparameters.{wrong.option}", f"{wrong.message} (on {count} x {kind})")


@rule(
    "plan-options-go-together",
    reason="Every rank stops at start, after the instances began to bill.",
    source="training.pytorch.parallel.plan, which checks the same in the container",
)
def plan_options_go_together(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """The options of training.pytorch.programs.gpt that say how the model is spread do not contradict each other."""
    if spec.program is None or spec.program.entry != "training.pytorch.programs.gpt":
        return
    given, layout = spec.hyperparameters, layout_of(spec)
    compiled = as_switch(given.get("compile")) is True
    for wrong in layout.contradictions(accumulation=accumulation_of(spec), compiled=compiled):
        yield Problem(f"hyperparameters.{wrong.option}", wrong.message)
