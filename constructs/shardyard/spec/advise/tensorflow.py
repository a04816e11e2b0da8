"""Which of TensorFlow's strategies fits: the same memory arithmetic, for strategies that keep a model whole."""

from dataclasses import dataclass, replace

from contract.plan import Layout
from shardyard.spec.advise.layouts import instance_of, speed
from shardyard.spec.advise.memory import GB, STATE_BYTES, Memory, Workload, memory
from shardyard.spec.catalogue.instances import Instance

SERVER_BYTES = 12
"""What parameter servers keep of one parameter: the fp32 weight and two Adam moments. The gradient only passes by."""

_TRAFFIC_BYTES = 8
"""What a worker receives and sends for one parameter in a step: the weight, and its gradient."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Strategy:
    """One strategy, and what each GPU must hold under it."""

    name: str
    needed_gb: float
    usable_gb: float
    lines: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether it fits."""
        return self.needed_gb <= self.usable_gb


@dataclass(frozen=True, kw_only=True, slots=True)
class StrategyAdvice:
    """What to do with a model of TensorFlow's on given machines."""

    best: Strategy | None
    """The simplest strategy that fits; None when none does."""

    tried: tuple[Strategy, ...]
    lines: tuple[str, ...]
    """The whole answer, for people."""


def advise_tensorflow(work: Workload, instance_type: str, count: int) -> StrategyAdvice:
    """Say which strategy fits a model into `count` instances of a type, and what it sends."""
    instance = instance_of(instance_type)
    whole = memory(work, Layout(), instance, instance.processes * count)
    tried = (_mirrored(whole, instance, count), _servers(whole, count))
    best = next((one for one in tried if one.fits), None)
    lines = [f"{work.parameters:.3g} parameters on {count} x {instance_type}, with TensorFlow:"]
    for one in tried:
        too_much = one.needed_gb - one.usable_gb
        lines.append(
            f"  {one.name}: needs {one.needed_gb:.1f} GB, {'fits' if one.fits else f'{too_much:.1f} GB too much'}"
        )
    if best is None:
        lines.append(
            "nothing fits: these strategies keep a whole copy of the weights on each GPU; PyTorch's fsdp does not"
        )
    else:
        lines += [f"take {best.name}:", *(f"  {line}" for line in best.lines)]
    return StrategyAdvice(best=best, tried=tried, lines=tuple(lines))


def _mirrored(whole: Memory, instance: Instance, count: int) -> Strategy:
    """Every GPU has all of it, and all reduce their gradients together."""
    return Strategy(
        name="MirroredStrategy" if count == 1 else "MultiWorkerMirroredStrategy",
        needed_gb=whole.needed_gb,
        usable_gb=whole.usable_gb,
        lines=(*whole.lines, *speed(whole, instance, count)),
    )


def _servers(whole: Memory, count: int) -> Strategy:
    """Servers keep the state; a worker has the weights and gradients of its step, and waits for no other worker."""
    parameters = whole.work.parameters
    saved = parameters * (STATE_BYTES - _TRAFFIC_BYTES) / GB
    sent = parameters * _TRAFFIC_BYTES / GB
    each = replace(whole, needed_gb=whole.needed_gb - saved)
    return Strategy(
        name="ParameterServerStrategy",
        needed_gb=each.needed_gb,
        usable_gb=each.usable_gb,
        lines=(
            f"weights and gradients of a step: {parameters:.3g} parameters x {_TRAFFIC_BYTES} bytes; "
            f"together {each.needed_gb:.1f} GB of {each.usable_gb:.1f} GB usable",
            f"the servers keep {parameters:.3g} x {SERVER_BYTES} bytes = {parameters * SERVER_BYTES / GB:.1f} GB in "
            "their own memory, without a GPU",
            f"a step moves {sent:.2f} GB to and from each worker, and {sent * count:.2f} GB through the servers: "
            "as many servers as the network needs",
            "workers do not wait for one another, so gradients are older than the weights that they change",
        ),
    )
