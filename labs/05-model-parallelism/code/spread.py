"""The GPT of `training.pytorch.programs.gpt` in a shape of the lab's own, spread by any plan, with its memory counted.

Every rank prints one line of JSON: what it keeps of the model, and the most that torch had given out at once. What
the optimizer keeps is counted from the tensors; the peak is that of the allocator, on a GPU as on a processor.
"""

import argparse
import gc
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor

from contract.refusal import Refused
from training.data.channel import resolve
from training.programs.arguments import positive
from training.programs.entry import reasons_without_traceback
from training.pytorch.checkpoint.checkpointer import Checkpointer
from training.pytorch.models.gpt.model import PRESETS, GPTConfig, next_token_loss
from training.pytorch.models.gpt.parallelize import build
from training.pytorch.parallel.part import Parallel
from training.pytorch.parallel.stepping import Stepper
from training.pytorch.process_group import Ranks, connect
from training.pytorch.programs import gpt
from training.pytorch.programs.tokens import read_tokens
from training.pytorch.random_state import seed_everything
from training.reporting.metrics import Metrics

# The advisor counts the scores of GPT-2's vocabulary; with another one its arithmetic would be of another model
PRESETS["lab"] = GPTConfig(vocabulary=50304, layers=24, width=256, heads=8, kv_heads=8, hidden=704, context=64)
PRESETS["small"] = GPTConfig(vocabulary=256, layers=8, width=256, heads=8, kv_heads=8, hidden=704, context=64)
"""The same with bytes for its vocabulary and a third of the layers: quick to save."""
COUNTED_STEPS = 2
"""The second step is the first one that has an optimizer's state."""


class Left(Refused):
    """The run ends here because it was asked to; no restart by itself would help."""


class Peak:
    """The most bytes that torch's allocator had given out at once, while it was looked at."""

    def __init__(self) -> None:
        self.bytes = 0

    @contextmanager
    def watched(self, device: torch.device) -> Iterator[None]:
        """Look at what happens inside."""
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
            yield
            self.bytes = torch.cuda.max_memory_allocated(device)
            return
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as seen:
            yield
        assert seen.profiler is not None
        events = [event for event in seen.profiler.kineto_results.events() if event.name() == "[memory]"]
        held = 0
        for event in sorted(events, key=lambda event: int(event.start_ns())):
            held += int(event.nbytes())
            self.bytes = max(self.bytes, held)


def local(tensor: Tensor) -> Tensor:
    """The part that this rank has."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def kept_bytes(parallel: Parallel, optimizer: torch.optim.Optimizer) -> int:
    """Weights, gradients and moments of this rank; a gradient is as large as its weight."""
    weights = [local(parameter) for parameter in parallel.model.parameters()]
    state = [
        local(value) for values in optimizer.state.values() for value in values.values() if isinstance(value, Tensor)
    ]
    moments = [value for value in state if value.ndim > 0]
    found: int = 2 * sum(weight.nbytes for weight in weights) + sum(moment.nbytes for moment in moments)
    return found


class Trainee:
    """One rank of the run."""

    def __init__(self, options: argparse.Namespace, ranks: Ranks, metrics: Metrics) -> None:
        config, plan = gpt.choose(options, ranks)
        channel = resolve("train")
        self.tokens = read_tokens(channel.files(), vocabulary=config.vocabulary, tokenizer=None)
        seed_everything(options.seed)
        self.config, self.ranks, self.metrics = config, ranks, metrics
        self.parallel = build(config, plan, ranks, seed=options.seed)
        self.batches = gpt.divide(channel, self.tokens, options, config, self.parallel, ranks)
        self.optimizer = gpt.make_optimizer(self.parallel, options)
        self.stepper = Stepper(self.parallel, next_token_loss, ranks)
        self.losses: dict[int, float] = {}

    def step(self, number: int) -> None:
        """Learn from one batch."""
        inputs, targets = self.tokens.batch(next(self.batches), self.config.context)
        device = self.ranks.device
        loss = self.stepper.gradients([(inputs.to(device), targets.to(device))])
        self.stepper.clip()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.losses[number] = self.stepper.mean_loss(loss)
        self.metrics.log(number, loss=self.losses[number])

    def say(self, **more: str | int) -> None:
        """Print what this rank holds, and what was computed."""
        said: dict[str, Any] = {
            "rank": self.ranks.rank,
            "parameters": self.config.parameters,
            "losses": {str(step): loss for step, loss in self.losses.items()},
            **more,
        }
        print("rank", json.dumps(said), flush=True)


def train(options: argparse.Namespace, ranks: Ranks, metrics: Metrics) -> None:
    """Take all steps: with saves, from the newest one on; without, by one plan after the other, counting memory."""
    torch.set_num_threads(1)
    if options.checkpoint_steps is not None:
        go_on(Trainee(options, ranks, metrics), options, ranks)
        return
    for text in options.plans:
        data, tensor, pipeline, batch = text.split(":")
        chosen = {"plan": data, "tensor_parallel": int(tensor), "pipeline_parallel": int(pipeline)}
        count(argparse.Namespace(**{**vars(options), **chosen, "batch_size": int(batch)}), text, ranks, metrics)
        gc.collect()  # what one plan held must not count as freed by the next


def count(options: argparse.Namespace, plan: str, ranks: Ranks, metrics: Metrics) -> None:
    """All steps by one plan, and the memory of the first ones."""
    peak = Peak()
    with peak.watched(ranks.device):
        trainee = Trainee(options, ranks, metrics)
        for number in range(1, COUNTED_STEPS + 1):
            trainee.step(number)
    for number in range(COUNTED_STEPS + 1, options.max_steps + 1):
        trainee.step(number)
    trainee.say(plan=plan, kept_bytes=kept_bytes(trainee.parallel, trainee.optimizer), peak_bytes=peak.bytes)


def go_on(trainee: Trainee, options: argparse.Namespace, ranks: Ranks) -> None:
    """From the newest save to the end, or to where it is left; at the end the model is saved as well."""
    also = {"data": trainee.batches}
    saved = Checkpointer.from_options(
        options, model=trainee.parallel.model, optimizer=trainee.optimizer, ranks=ranks, also=also
    )
    with saved:
        begun = saved.restore()
        for number in range(begun + 1, options.max_steps + 1):
            trainee.step(number)
            saved.after_step(number)
            if number == options.leave_after:
                saved.finish()
                trainee.say()
                raise Left(f"left after step {number}, as asked: resume it on other machines")
    trainee.say()
    gpt.save(trainee.config, trainee.parallel, ranks, options.max_steps)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the arguments say."""
    parser = gpt.make_parser_for_gpt()
    parser.add_argument("--leave_after", type=positive, default=None, help="save at this step and end as failed")
    parser.add_argument("--plans", nargs="+", default=["ddp:1:1:2"], metavar="DATA:TENSOR:PIPELINE:BATCH")
    options = parser.parse_args(arguments)
    with (
        reasons_without_traceback("spread"),
        connect(backend=options.backend, timeout_seconds=options.timeout_seconds) as ranks,
        Metrics(ranks) as metrics,
    ):
        train(options, ranks, metrics)


if __name__ == "__main__":
    main()
