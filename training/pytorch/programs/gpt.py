"""Train a GPT on bytes or tokens, spread over the ranks by any plan.

    SM_CHANNEL_TRAIN=/usr/lib/python3.11 SM_MODEL_DIR=/tmp/model SHARDYARD_CHECKPOINT_DIR=/tmp/checkpoints \\
    torchrun --nproc-per-node 2 -m training.pytorch.programs.gpt --preset toy --plan fsdp --max_steps 100 \\
    --checkpoint_steps 20
"""

import argparse
import logging
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.tensor import DTensor

from training import paths
from training.data.batches import EpochBatches, equal_batches
from training.data.channel import Channel, resolve
from training.programs.arguments import not_negative, positive, switch, whole
from training.programs.entry import reasons_without_traceback
from training.pytorch.checkpoint.checkpointer import Checkpointer
from training.pytorch.loop import Loop, Samples, steps_in
from training.pytorch.models.gpt.model import PRESETS, GPTConfig, next_token_loss
from training.pytorch.models.gpt.parallelize import build
from training.pytorch.outputs import save_model
from training.pytorch.parallel.part import Parallel
from training.pytorch.parallel.plan import Plan, PlanError
from training.pytorch.parallel.stepping import Stepper
from training.pytorch.process_group import Ranks, connect, end_first_step, gather
from training.pytorch.programs.arguments import make_parser
from training.pytorch.programs.rehearsal import rehearse
from training.pytorch.programs.tokens import Tokens, read_tokens
from training.pytorch.random_state import seed_everything
from training.reporting.metrics import Metrics

COMPILE_SECONDS = 600.0


def make_parser_for_gpt() -> argparse.ArgumentParser:
    """The options: a preset, a plan, and what all entry points share."""
    parser = make_parser(__doc__, batch_size=8, learning_rate=3e-4)
    add = parser.add_argument
    add("--preset", choices=tuple(PRESETS), default="toy", help="shape of the model")
    add("--context", type=positive, default=None, help="tokens of one sample (None: the preset's)")
    add("--epochs", type=positive, default=1, help="passes over the data, when max_steps is not given")
    add("--tokenizer", type=file_name, default=None, help="a tokenizer.json for text files (None: bytes)")
    add("--warmup_steps", type=whole, default=10, help="steps in which the learning rate rises to its peak")
    add("--weight_decay", type=not_negative, default=0.1, help="of the matrices; norms have none")
    add("--plan", choices=("ddp", "fsdp", "hsdp"), default="ddp", help="data parallelism")
    add("--tensor_parallel", type=positive, default=1, help="ranks that share every matrix")
    add("--pipeline_parallel", type=positive, default=1, help="ranks that share the layers")
    add("--shard_size", type=positive, default=None, help="hsdp: ranks that share one replica")
    add("--microbatches", type=positive, default=None, help="parts of a batch in the pipeline (None: twice the stages)")
    add("--accumulation", type=positive, default=1, help="batches summed before one step")
    add("--activation_checkpointing", type=switch, default=False, help="compute activations twice to save memory")
    add("--compile", type=switch, default=False, help="torch.compile every block")
    add("--precision", choices=("fp32", "bf16"), default="fp32", help="what matrices are multiplied in")
    add("--clip_norm", type=not_negative, default=1.0, help="largest norm of the gradients; 0 means no clipping")
    return parser


def file_name(text: str) -> Path:
    """A path; an empty one would be this folder."""
    if not text:
        raise argparse.ArgumentTypeError("it is empty: leave the option out to read text as bytes")
    return Path(text)


def plan_of(options: argparse.Namespace) -> Plan:
    """The plan that the options describe."""
    return Plan(
        data=options.plan,
        tensor_parallel=options.tensor_parallel,
        pipeline_parallel=options.pipeline_parallel,
        shard_size=options.shard_size,
        microbatches=options.microbatches,
        accumulation=options.accumulation,
        activation_checkpointing=options.activation_checkpointing,
        compile=options.compile,
        precision=options.precision,
        clip_norm=None if options.clip_norm == 0 else options.clip_norm,
    )


def divide(
    channel: Channel, tokens: Tokens, options: argparse.Namespace, config: GPTConfig, parallel: Parallel, ranks: Ranks
) -> EpochBatches:
    """This rank's batches of windows: of all data, or of the node's own where nodes hold different files."""
    part, parts = parallel.data_rank, parallel.data_size
    nodes = ranks.world.nodes
    if channel.distribution == "ShardedByS3Key" and nodes > 1:
        if options.pipeline_parallel > 1:
            raise PlanError(
                "pipeline_parallel over nodes needs the whole channel on each: use FullyReplicated for train"
            )
        parts //= nodes
        part %= parts
    windows = tokens.windows(config.context)
    return equal_batches(
        windows,
        channel=channel,
        world=ranks.world,
        batch_size=options.batch_size,
        part=part,
        parts=parts,
        seed=options.seed,
        gather=partial(gather, ranks),
        about=f" (context {config.context}, of {len(tokens)} tokens)",
    )


def make_optimizer(parallel: Parallel, options: argparse.Namespace) -> torch.optim.Optimizer:
    """AdamW as GPTs are trained with: betas 0.9 and 0.95, no decay for norms."""
    named = list(parallel.model.named_parameters())
    groups = [
        {"params": [value for name, value in named if "norm" not in name], "weight_decay": options.weight_decay},
        {"params": [value for name, value in named if "norm" in name], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    return torch.optim.AdamW(groups, lr=options.learning_rate, betas=(0.9, 0.95), fused=True)


def make_schedule(optimizer: torch.optim.Optimizer, warmup: int, steps: int) -> torch.optim.lr_scheduler.LambdaLR:
    """A linear rise, then a cosine down to a tenth."""

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        done = min(1.0, (step - warmup) / max(1, steps - warmup))
        return 0.55 + 0.45 * math.cos(math.pi * done)

    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)


def choose(options: argparse.Namespace, ranks: Ranks) -> tuple[GPTConfig, Plan]:
    """The model's shape and the plan, which must fit to it and to the ranks."""
    config = PRESETS[options.preset]
    config = config if options.context is None else replace(config, context=options.context)
    plan = plan_of(options)
    plan.check(
        world_size=ranks.world_size,
        local_world_size=ranks.world.local_world_size,
        shape=config.shape,
        batch_size=options.batch_size,
    )
    return config, plan


def train(options: argparse.Namespace, ranks: Ranks, metrics: Metrics) -> None:
    """Take all steps, then save the model."""
    config, plan = choose(options, ranks)
    channel = resolve("train")
    tokens = read_tokens(channel.files(), vocabulary=config.vocabulary, tokenizer=options.tokenizer)
    seed_everything(options.seed)
    parallel = build(config, plan, ranks, seed=options.seed)
    batches = divide(channel, tokens, options, config, parallel, ranks)
    steps_per_epoch = max(1, batches.per_epoch // plan.accumulation)
    steps = steps_in(options, steps_per_epoch)
    optimizer = make_optimizer(parallel, options)
    schedule = make_schedule(optimizer, options.warmup_steps, steps)
    stepper = Stepper(parallel, next_token_loss, ranks)

    def read(windows: Iterable[int]) -> tuple[Tensor, Tensor]:
        inputs, targets = tokens.batch(windows, config.context)
        return inputs.to(ranks.device), targets.to(ranks.device)

    rehearse(parallel.forward, lambda: stepper.gradients([read([0] * options.batch_size)]))
    also = {"data": batches, "schedule": schedule}
    checkpoints = Checkpointer.from_options(options, model=parallel.model, optimizer=optimizer, ranks=ranks, also=also)
    loop = Loop(
        options,
        ranks=ranks,
        metrics=metrics,
        checkpoints=checkpoints,
        steps=steps,
        steps_per_epoch=steps_per_epoch,
        samples=Samples(
            unit="tokens", ranks=parallel.data_size, flops_each=config.flops_per_token, dtype=parallel.dtype
        ),
    )
    with checkpoints:
        for done, _ in enumerate(loop):
            with loop.waiting_for_data():
                drawn = [read(next(batches)) for _ in range(plan.accumulation)]
            take_step(loop, stepper, drawn, optimizer, schedule)
            if done == 0 and parallel.mesh is not None:
                end_first_step(ranks, *parallel.mesh.get_all_groups())
    save(config, parallel, ranks, steps)


def take_step(
    loop: Loop,
    stepper: Stepper,
    batches: Sequence[tuple[Tensor, Tensor]],
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LambdaLR,
) -> None:
    """Learn from batches once."""
    loss = stepper.gradients(batches)
    stepper.clip()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    schedule.step()
    loop.done(samples=sum(inputs.numel() for inputs, _ in batches), loss=partial(stepper.mean_loss, loss))


def save(config: GPTConfig, parallel: Parallel, ranks: Ranks, steps: int) -> None:
    """Write the whole model, from the first rank."""
    weights = gather_weights(parallel, ranks)
    if ranks.is_first:
        about = {"model": "training.pytorch.models.gpt.model.GPT", "config": asdict(config)}
        save_model(paths.model_folder(), weights, {**about, "plan": asdict(parallel.plan), "steps": steps})


def gather_weights(parallel: Parallel, ranks: Ranks) -> dict[str, Tensor]:
    """The whole model on the first rank, one tensor at a time; empty on the others."""
    stage_ranks = ranks.world_size // parallel.plan.pipeline_parallel
    leads = ranks.rank % stage_ranks == 0
    weights: dict[str, Tensor] = {}
    # torch remarks on every tensor that is cut along two dimensions of the grid; it happens once, here
    logging.getLogger("torch.distributed.tensor._redistribute").setLevel(logging.ERROR)
    for name, tensor in parallel.model.state_dict().items():
        whole = tensor.full_tensor() if isinstance(tensor, DTensor) else tensor
        if leads:
            weights[name] = whole.detach().cpu()
    if leads and not ranks.is_first:
        for name, tensor in weights.items():
            dist.send_object_list([name, tensor], dst=0, group=ranks.control)
        dist.send_object_list([None, None], dst=0, group=ranks.control)
        return {}
    for sender in range(stage_ranks, ranks.world_size, stage_ranks) if ranks.is_first else ():
        received: list[object] = [None, None]
        dist.recv_object_list(received, src=sender, group=ranks.control)
        while received[0] is not None:
            weights[str(received[0])] = received[1]
            received = [None, None]
            dist.recv_object_list(received, src=sender, group=ranks.control)
    return weights if ranks.is_first else {}


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the arguments say."""
    options = make_parser_for_gpt().parse_args(arguments)
    # Ranks compile at different speeds, and the fast ones wait for the slow ones in the first step
    first_step_seconds = COMPILE_SECONDS if options.compile else None
    with (
        reasons_without_traceback("gpt"),
        connect(
            backend=options.backend, timeout_seconds=options.timeout_seconds, first_step_seconds=first_step_seconds
        ) as ranks,
        Metrics(ranks) as metrics,
    ):
        train(options, ranks, metrics)


if __name__ == "__main__":
    main()
