"""On a machine with GPUs: the GPT presets in bf16 next to a bare PyTorch loop, tokens per second and FLOPs utilisation.

python -m benchmarks.gpu            # without a GPU it says so and exits 0
"""

import gc
import sys
import time
from collections.abc import Callable
from functools import partial

import torch

from benchmarks._report import Figure, report
from training.pytorch.hardware import bind_device, wait_for_device
from training.pytorch.models.flops import peak_flops
from training.pytorch.models.gpt.model import GPT, PRESETS, GPTConfig, next_token_loss
from training.pytorch.models.gpt.parallelize import build
from training.pytorch.parallel.plan import Plan
from training.pytorch.parallel.stepping import Stepper
from training.pytorch.process_group import Ranks

CASES = {"gpt2": 32, "gpt2-xl": 8, "7b": 1}
"""The most samples per step; halved until they fit."""
WARMUP, STEPS, ROUNDS = 5, 20, 3


def bare(config: GPTConfig, batch: int, device: torch.device, compiled: bool) -> Callable[[], None]:
    """The usual hand-written loop."""
    torch.manual_seed(1)
    with device:
        model = GPT(config)
    if compiled:
        for block in model.blocks.values():
            block.compile()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    inputs = torch.randint(0, config.vocabulary, (batch, config.context), device=device)

    def step() -> None:
        with torch.autocast(device.type, torch.bfloat16):
            loss = next_token_loss(model(inputs), inputs)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def ours(config: GPTConfig, batch: int, ranks: Ranks, compiled: bool) -> Callable[[], None]:
    """The same with a plan."""
    parallel = build(config, Plan(precision="bf16", compile=compiled), ranks, seed=1)
    optimizer = torch.optim.AdamW(parallel.model.parameters(), lr=1e-4, fused=True)
    stepper = Stepper(parallel, next_token_loss, ranks)
    inputs = torch.randint(0, config.vocabulary, (batch, config.context), device=ranks.device)

    def step() -> None:
        stepper.gradients([(inputs, inputs)])
        stepper.clip()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def seconds_a_step(step: Callable[[], None], device: torch.device) -> float:
    """The mean seconds per step, after a warm-up."""
    for _ in range(WARMUP):
        step()
    wait_for_device(device)
    started = time.perf_counter()
    for _ in range(STEPS):
        step()
    wait_for_device(device)
    return (time.perf_counter() - started) / STEPS


def release_memory() -> None:
    """Free the last model: a compiled one is a cycle of references, and two large ones do not fit."""
    gc.collect()
    torch.compiler.reset()
    torch.cuda.empty_cache()


Makers = dict[str, Callable[[], Callable[[], None]]]


def makers(preset: str, ranks: Ranks, batch: int, *, compiled: bool = False) -> Makers:
    """Both ways to train a preset."""
    config = PRESETS[preset]
    return {
        "ours": lambda: ours(config, batch, ranks, compiled),
        "bare": lambda: bare(config, batch, ranks.device, compiled),
    }


def batch_that_fits(ways: Callable[[int], Makers], most: int) -> int:
    """The largest batch that fits into memory both ways; 0 if none does."""
    batch = most
    while batch > 0:
        try:
            for make in ways(batch).values():
                step = make()
                # The first step makes the optimizer's state, beside which the second must fit
                step()
                step()
                del step
                release_memory()
            return batch
        except torch.OutOfMemoryError:
            step = None
        release_memory()
        batch //= 2
    return 0


def measure(preset: str, batch: int, ranks: Ranks, compiled: bool) -> list[Figure]:
    """Measure one preset both ways, in turns, because a GPU slows down as it heats up; each way's best round counts."""
    config = PRESETS[preset]
    ways = makers(preset, ranks, batch, compiled=compiled)
    rates = dict.fromkeys(ways, 0.0)
    for _ in range(ROUNDS):
        for name, make in ways.items():
            rates[name] = max(rates[name], batch * config.context / seconds_a_step(make(), ranks.device))
            release_memory()
    title = f"{preset}, bf16, batch {batch}{', compiled' if compiled else ''}"
    share = config.flops_per_token / peak_flops(ranks.device, torch.bfloat16).flops
    return [
        Figure(name=f"{title}: ours", value=rates["ours"], unit="tokens/s"),
        Figure(name=f"{title}: bare loop", value=rates["bare"], unit="tokens/s"),
        Figure(name=f"{title}: ours of bare", value=rates["ours"] / rates["bare"], unit="", at_least=0.98),
        Figure(name=f"{title}: model FLOPs utilisation", value=100 * rates["ours"] * share, unit="%"),
        Figure(name=f"{title}: the bare loop's", value=100 * rates["bare"] * share, unit="%"),
    ]


def main() -> int:
    """Every preset that fits."""
    if not torch.cuda.is_available():
        print("this machine has no GPU: nothing to measure")
        return 0
    ranks = Ranks(device=bind_device(0), backend="nccl")
    name = torch.cuda.get_device_name()
    figures: list[Figure] = []
    for preset, most in CASES.items():
        batch = batch_that_fits(partial(makers, preset, ranks), most)
        if batch == 0:
            print(f"{preset} does not fit into {name} with its optimizer: left out")
            continue
        for compiled in (False, True):
            figures += measure(preset, batch, ranks, compiled)
    return report("gpu", figures, notes=name)


if __name__ == "__main__":
    sys.exit(main())
