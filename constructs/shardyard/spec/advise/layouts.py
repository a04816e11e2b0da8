"""The advisor: which way of spreading a model fits into which instances, how fast it may go, with the arithmetic."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from contract.hyperparameters import as_switch
from contract.plan import Layout
from shardyard.spec.advise.memory import GB, Memory, Workload, memory, workload
from shardyard.spec.catalogue.instances import ACCELERATORS, INSTANCES, Instance
from shardyard.spec.catalogue.prices import hourly_usd
from shardyard.spec.errors import Problem, SpecError, nearest
from shardyard.spec.jobs.job import JobSpec

EFFICIENCY = 0.35
"""The share of the peak that dense decoders reach (torchtitan on H100: 33 to 39 percent)."""

COUNTS = (1, 2, 4, 8, 16)
"""The numbers of instances that are tried when nothing fits."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """What to do with a model on given machines."""

    best: Memory | None
    """The simplest layout that fits; None when none does."""

    tried: tuple[Memory, ...]
    """Every layout that was looked at, simplest first."""

    lines: tuple[str, ...]
    """The whole answer, for people."""


def advise(work: Workload, instance_type: str, count: int, *, region: str = "us-east-1") -> Advice:
    """Say which layout fits a model into `count` instances of a type, and how fast it may go."""
    instance = instance_of(instance_type)
    tried = tuple(candidates(work, instance, count))
    best = next((one for one in tried if one.fits), None)
    room = f"{_devices(instance, count)}, each with {tried[0].usable_gb:.1f} GB to give"
    lines = [f"{work.parameters:.3g} parameters on {count} x {instance_type}: {room}"]
    lines += [f"  {one.name}: {_says(one)}" for one in tried]
    if work.precision == "bf16" and not instance.bf16 and instance.accelerator is not None:
        generation = ACCELERATORS[instance.accelerator].generation
        lines.append(
            f"the {instance.accelerator} of {instance_type} ({generation}) has no bfloat16: it fails or crawls; "
            "with fp32: --precision fp32"
        )
    if best is None:
        lines += ["nothing fits; what would:", *_larger(work, region)]
    else:
        lines += [f"take {best.name}:", *(f"  {line}" for line in (*best.lines, *speed(best, instance, count)))]
    return Advice(best=best, tried=tried, lines=tuple(lines))


def _says(one: Memory) -> str:
    too_much = one.needed_gb - one.usable_gb
    return f"needs {one.needed_gb:.1f} GB, {'fits' if one.fits else f'{too_much:.1f} GB too much'}"


def candidates(work: Workload, instance: Instance, count: int) -> Iterator[Memory]:
    """What is worth trying, least traffic first; splitting matrices comes after computing activations twice."""
    again = replace(work, activation_checkpointing=True)
    works = (work,) if work.activation_checkpointing else (work, again)
    for kind in (data_layouts, model_layouts):
        for one in works:
            for layout in kind(instance, count):
                # A pipeline needs a sample for each part of a batch
                enough = replace(one, batch_size=max(one.batch_size, layout.batch_parts))
                yield memory(enough, layout, instance, instance.processes * count)


def data_layouts(instance: Instance, count: int) -> Iterator[Layout]:
    """Layouts that divide the data and the state."""
    yield Layout()
    if count > 1 and instance.processes > 1:
        yield Layout(data="hsdp", shard_size=instance.processes)
    if count * instance.processes > 1:
        yield Layout(data="fsdp")


def model_layouts(instance: Instance, count: int) -> Iterator[Layout]:
    """Layouts that divide the model's matrices within a node, and its layers between nodes."""
    if instance.processes > 1:
        yield Layout(data="fsdp", tensor_parallel=instance.processes)
    if count > 1:
        yield Layout(tensor_parallel=instance.processes, pipeline_parallel=count)


def speed(one: Memory, instance: Instance, count: int) -> tuple[str, ...]:
    """How fast a step may go: computing against communication, as lines of arithmetic."""
    peak = None if instance.accelerator is None else ACCELERATORS[instance.accelerator].tflops
    if peak is None:
        return (f"no trusted peak is known of {instance.accelerator}, so no speed is given",)
    work, layout, ranks = one.work, one.layout, instance.processes * count
    replicas = max(ranks // layout.model_parts, 1)
    tokens = work.batch_size * work.sequence * replicas
    operations = 8 if work.activation_checkpointing else 6
    flops = operations * work.parameters * tokens
    devices = instance.accelerators * count
    computing = flops / (devices * peak * 1e12 * EFFICIENCY)
    lines = [
        f"a step: {tokens} tokens x {operations} x {work.parameters:.3g} = {flops:.3g} operations; {devices} x {peak:g}"
        f" TFLOPS at {EFFICIENCY:.0%} = {computing:.2f} s, {tokens / computing:.0f} tokens per second"
    ]
    gbps = instance.network_baseline_gbps
    if count > 1 and gbps is not None:
        moved = _between_nodes(work, layout, count)
        communicating = moved * 8 / (gbps * 1e9)
        verdict = "the network sets the pace" if communicating > computing else "it hides behind computing"
        lines.append(f"a node sends {moved / GB:.2f} GB per step at {gbps:g} Gbps = {communicating:.2f} s; {verdict}")
    return tuple(lines)


def _between_nodes(work: Workload, layout: Layout, count: int) -> float:
    if layout.pipeline_parallel == count:
        # Activations and their gradients in fp32, by every tensor-parallel rank to its like
        return work.batch_size * work.sequence * work.hidden * 8.0 * layout.tensor_parallel
    # A ring all-reduce of fp32 gradients, or weights gathered twice in bfloat16 and gradients scattered in fp32.
    return work.parameters * 8 * (count - 1) / count / layout.pipeline_parallel


def memory_problem(spec: JobSpec) -> str | None:
    """Why a job's model does not fit into its GPUs; None when it does, or when its size is not stated."""
    if spec.model is None or spec.compute.groups:
        return None
    if spec.model.preset not in (None, spec.hyperparameters.get("preset")):
        return None
    work, layout = workload_of(spec), layout_of(spec)
    for ((kind, count),) in spec.compute.alternatives:
        instance = INSTANCES.get(kind)
        if instance is None or not instance.accelerators:
            continue
        one = memory(work, layout, instance, ranks_of_a_node(spec, kind) * count)
        if not one.fits:
            return (
                f"{work.parameters:.3g} parameters with {layout} need {one.needed_gb:.1f} GB of each GPU, and the "
                f"{instance.accelerator} of {kind} has {one.usable_gb:.1f} GB to give "
                f"(yard advise --params {work.parameters:.3g} --instance {kind} --count {count})"
            )
    return None


def ranks_of_a_node(spec: JobSpec, kind: str) -> int:
    """How many processes a job runs on each instance of a type."""
    # A worker of TensorFlow's has a replica on each GPU of its node
    if (
        spec.program is not None
        and spec.program.launcher != "tensorflow"
        and spec.program.processes_per_node is not None
    ):
        return spec.program.processes_per_node
    return INSTANCES[kind].processes if kind in INSTANCES else 1


def workload_of(spec: JobSpec) -> Workload:
    """The workload that a job with a [model] describes, batch and precision from its hyperparameters."""
    if spec.model is None:
        raise SpecError([Problem("model", "missing; say how large it is: [model] parameters = 7e9")])
    given = spec.hyperparameters
    return workload(
        spec.model.parameters,
        layers=spec.model.layers,
        hidden=spec.model.hidden,
        sequence=_size(spec, "context", spec.model.sequence),
        batch_size=_size(spec, "batch_size", 1),
        precision="bf16" if str(given.get("precision", "fp32")).lower() in ("bf16", "bfloat16") else "fp32",
        activation_checkpointing=as_switch(given.get("activation_checkpointing")) is True,
        accumulation=accumulation_of(spec),
    )


def layout_of(spec: JobSpec) -> Layout:
    """The layout that a job's hyperparameters choose."""
    plan = str(spec.hyperparameters.get("plan", "ddp"))
    return Layout(
        data="fsdp" if plan == "fsdp" else "hsdp" if plan == "hsdp" else "ddp",
        tensor_parallel=_size(spec, "tensor_parallel", 1),
        pipeline_parallel=_size(spec, "pipeline_parallel", 1),
        shard_size=_size(spec, "shard_size", 0) or None,
        microbatches=_size(spec, "microbatches", 0) or None,
    )


def accumulation_of(spec: JobSpec) -> int:
    """The batches whose gradients a job sums before one step."""
    return _size(spec, "accumulation", 1)


def _size(spec: JobSpec, name: str, default: int) -> int:
    """A hyperparameter that is a positive whole number; what is none, the program itself refuses."""
    given = spec.hyperparameters.get(name)
    return given if isinstance(given, int) and not isinstance(given, bool) and given > 0 else default


def _devices(instance: Instance, count: int) -> str:
    number = instance.processes * count
    return f"{number} {'Neuron core' if instance.neuron_cores else 'GPU'}{'' if number == 1 else 's'}"


def instance_of(instance_type: str) -> Instance:
    """A type that has GPUs; any other is refused."""
    if instance_type not in INSTANCES:
        message = f"{instance_type!r} is no training instance type; {nearest(instance_type, tuple(INSTANCES))}"
        raise SpecError([Problem("instance", message)])
    instance = INSTANCES[instance_type]
    if not instance.accelerators:
        raise SpecError([Problem("instance", f"{instance_type} has no GPU; the advice is about GPU memory")])
    return instance


def _larger(work: Workload, region: str) -> list[str]:
    """The three cheapest clusters of the price list into which the model fits."""
    found: list[tuple[float, str]] = []
    for instance in INSTANCES.values():
        price = hourly_usd(instance.name, region)
        if not instance.gpus or price is None or (work.precision == "bf16" and not instance.bf16):
            continue
        for count in COUNTS:
            one = next((one for one in candidates(work, instance, count) if one.fits), None)
            if one is not None:
                usd = price.hourly_usd * count
                found.append((usd, f"  {count} x {instance.name} with {one.name}, {usd:.2f} USD an hour"))
                break
    return [line for _, line in sorted(found)[:3]] or ["  no priced cluster of up to 16 instances"]
