"""On a machine with GPUs: the GPT presets in bf16 next to a bare PyTorch loop, tokens per second and FLOPs utilisation.

python -m benchmarks.gpu            # without a GPU it says so and exits 0
"""

import sys
import time
from collections.abc import Callable

import torch

from benchmarks._report import Figure, report
from training.pytorch.flops import peak_flops
from training.pytorch.gpt_model import GPT, PRESETS, GPTConfig, next_token_loss
from training.pytorch.hardware import bind_device
from training.pytorch.parallelize import build
from training.pytorch.plan import Plan
from training.pytorch.process_group import Ranks
from training.pytorch.stepping import Stepper

CASES = {"gpt2": 32, "gpt2-xl": 8, "7b": 1}
"""Samples of a step: what fits into 80 GB together with an fp32 optimizer (the 7B needs more: see `fits`)."""
WARMUP, STEPS = 5, 20


def fits(config: GPTConfig, device: torch.device) -> bool:
    """Whether parameters, gradients and both moments in fp32 leave a fifth of the memory to activations."""
    _, total = torch.cuda.mem_get_info(device)
    return 16 * config.parameters < 0.8 * total


def bare(config: GPTConfig, batch: int, device: torch.device, compiled: bool) -> Callable[[], None]:
    """The loop that anyone would write."""
    torch.manual_seed(1)
    with device:
        model = GPT(config)
    if compiled:
        for block in model.blocks.values():
            block.compile()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    inputs = torch.randint(0, config.vocabulary, (batch, config.context), device=device)

    def step() -> None:
        with torch.autocast("cuda", torch.bfloat16):
            loss = next_token_loss(model(inputs), inputs)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def ours(config: GPTConfig, batch: int, ranks: Ranks, compiled: bool) -> Callable[[], None]:
    """The same through a plan."""
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


def seconds_a_step(step: Callable[[], None]) -> float:
    """After a warm-up, the mean of the following steps."""
    for _ in range(WARMUP):
        step()
    torch.cuda.synchronize()
    started = time.perf_counter()
    for _ in range(STEPS):
        step()
    torch.cuda.synchronize()
    return (time.perf_counter() - started) / STEPS


def measure(preset: str, batch: int, ranks: Ranks, compiled: bool) -> list[Figure]:
    """One preset in both ways."""
    config = PRESETS[preset]
    rates = {}
    makers = {
        "ours": lambda: ours(config, batch, ranks, compiled),
        "bare": lambda: bare(config, batch, ranks.device, compiled),
    }
    for name, make in makers.items():
        step = make()
        rates[name] = batch * config.context / seconds_a_step(step)
        del step
        torch.cuda.empty_cache()
    title = f"{preset}, bf16{', compiled' if compiled else ''}"
    share = config.flops_per_token / peak_flops(ranks.device)
    return [
        Figure(name=f"{title}: ours", value=rates["ours"], unit="tokens/s"),
        Figure(name=f"{title}: bare loop", value=rates["bare"], unit="tokens/s"),
        Figure(name=f"{title}: ours of bare", value=rates["ours"] / rates["bare"], unit="", at_least=0.98),
        Figure(name=f"{title}: model FLOPs utilisation", value=100 * rates["ours"] * share, unit="%"),
    ]


def main() -> int:
    """Every preset that fits."""
    if not torch.cuda.is_available():
        print("this machine has no GPU: nothing to measure")
        return 0
    ranks = Ranks(device=bind_device(0), backend="nccl")
    figures: list[Figure] = []
    for preset, batch in CASES.items():
        if not fits(PRESETS[preset], ranks.device):
            print(f"{preset} does not fit into {torch.cuda.get_device_name()} with its optimizer: left out")
            continue
        for compiled in (False, True):
            figures += measure(preset, batch, ranks, compiled)
    return report("gpu", figures, notes=torch.cuda.get_device_name())


if __name__ == "__main__":
    sys.exit(main())
