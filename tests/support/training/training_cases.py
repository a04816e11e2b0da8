"""What the ranks of the tests run: a small GPT under any plan, reporting all that must be equal."""

import hashlib
import os
import random
import signal
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy
import torch
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module
from torch.nn.parallel import DistributedDataParallel

from training.data.batches import EpochBatches
from training.pytorch.checkpoint.checkpointer import Checkpointer
from training.pytorch.models.gpt.model import GPTConfig, next_token_loss
from training.pytorch.models.gpt.parallelize import build
from training.pytorch.parallel.plan import Plan
from training.pytorch.parallel.stepping import Stepper, clip_gradients
from training.pytorch.process_group import connect, end_first_step
from training.pytorch.programs import gpt
from training.pytorch.programs.rehearsal import rehearse
from training.pytorch.programs.tokens import Tokens
from training.pytorch.random_state import seed_everything
from training.pytorch.roll_call import RankMissing

CONFIG = GPTConfig(vocabulary=32, layers=4, width=32, heads=4, kv_heads=2, hidden=64, context=16)
GLOBAL_BATCH = 8


@dataclass(frozen=True, kw_only=True)
class Run:
    """One start of a run."""

    plan: Plan
    steps: int = 6
    checkpoints: Path | None = None
    """A folder for each node is made in here, as there is no disk that nodes share; None: no checkpoints."""
    location: str | None = None
    """In place of `checkpoints`: an address in S3, which all nodes share."""
    every_steps: int | None = 2
    every_seconds: float | None = None
    run_id: str = "run"
    united: bool = False
    """All nodes see one folder, as on fresh nodes that S3 filled."""
    sigterm: dict[int, int] = field(default_factory=dict)
    """The step in which a rank is told to stop, by rank."""
    kill: dict[int, int] = field(default_factory=dict)
    """The step in which a rank dies, by rank."""
    freeze: dict[int, int] = field(default_factory=dict)
    """The step after which a rank is stopped where it is, by rank; it is killed 20 s later."""
    timeout_seconds: float = 20.0
    first_step_seconds: float | None = None


def node_folder(run: Run, node: int) -> Path | str:
    """Where a node keeps its checkpoints."""
    if run.location is not None:
        return run.location
    assert run.checkpoints is not None
    return run.checkpoints if run.united else run.checkpoints / f"node-{node}"


def freeze() -> None:
    """Stop this process where it is, and have it killed when the others should long have noticed."""
    if os.fork() == 0:
        time.sleep(20)
        os.kill(os.getppid(), signal.SIGKILL)
        os._exit(0)
    os.kill(os.getpid(), signal.SIGSTOP)


def train_and_lose(run: Run) -> tuple[float, str]:
    """Train until a rank is lost; returns how long that took, and what was said."""
    began = time.monotonic()
    try:
        train(run)
    except RankMissing as missing:
        return time.monotonic() - began, str(missing)
    raise AssertionError("no rank was lost")


def train(run: Run) -> dict[str, Any]:
    """Train; returns the step it started from, losses as hexadecimal floats by step, and the final weights."""
    with connect(timeout_seconds=run.timeout_seconds, first_step_seconds=run.first_step_seconds) as ranks:
        return train_with(run, ranks)


class Trainee:
    """The model of one run on one rank, and what it reports."""

    def __init__(self, run: Run, ranks: Any) -> None:
        self.run, self.ranks = run, ranks
        self.parallel = build(CONFIG, run.plan, ranks, seed=1)
        self.tokens = Tokens([numpy.random.default_rng(7).integers(0, CONFIG.vocabulary, 4000).astype(numpy.int64)])
        size, part, parts = GLOBAL_BATCH, self.parallel.data_rank, self.parallel.data_size
        batch = size // parts // run.plan.accumulation
        self.batches = EpochBatches(self.tokens.windows(CONFIG.context), batch_size=batch, part=part, parts=parts)
        self.optimizer = torch.optim.AdamW(self.parallel.model.parameters(), lr=1e-2, fused=True)
        self.schedule = gpt.make_schedule(self.optimizer, 2, 20)
        self.stepper = Stepper(self.parallel, next_token_loss, ranks)
        first = [self.tokens.batch([0] * batch, CONFIG.context)]
        rehearse(self.parallel.forward, lambda: self.stepper.gradients(first))
        seed_everything(5, ranks.rank)
        self.report: dict[str, Any] = {"start": 0, "losses": {}, "norms": {}, "clipped": {}, "draws": {}}
        self.report["pid"] = os.getpid()

    def step(self, step: int) -> None:
        """One step, and what befalls this rank after it."""
        accumulation, stages = self.run.plan.accumulation, self.run.plan.pipeline_parallel
        drawn = [self.tokens.batch(next(self.batches), CONFIG.context) for _ in range(accumulation)]
        loss = self.stepper.gradients(drawn)
        self.report["norms"][step] = float(self.stepper.clip())
        clipped = clip_gradients(self.parallel.model.parameters(), None, stages=stages)
        self.report["clipped"][step] = float(clipped)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.schedule.step()
        self.report["losses"][step] = self.stepper.mean_loss(loss).hex()
        if step == 1 and self.parallel.mesh is not None:
            end_first_step(self.ranks, *self.parallel.mesh.get_all_groups())
        numbers = (random.random(), numpy.random.random(), float(torch.rand(())))
        self.report["draws"][step] = tuple(float(number).hex() for number in numbers)
        self._suffer(step)

    def _suffer(self, step: int) -> None:
        if self.run.sigterm.get(self.ranks.rank) == step:
            os.kill(os.getpid(), signal.SIGTERM)
        if self.run.kill.get(self.ranks.rank) == step:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.run.freeze.get(self.ranks.rank) == step:
            freeze()

    def finish(self) -> dict[str, Any]:
        """The report, with the whole model."""
        weights = gpt.gather_weights(self.parallel, self.ranks)
        self.report["weights"] = {name: tensor.numpy() for name, tensor in weights.items()}
        self.report["digest"] = digest(weights)
        self.report["rates"] = [group["lr"] for group in self.optimizer.param_groups]
        return self.report


def train_with(run: Run, ranks: Any) -> dict[str, Any]:
    """The same, in a group that is there."""
    trainee = Trainee(run, ranks)
    if run.checkpoints is None and run.location is None:
        for step in range(1, run.steps + 1):
            trainee.step(step)
        return trainee.finish()
    checkpoints = Checkpointer(
        model=trainee.parallel.model,
        optimizer=trainee.optimizer,
        ranks=ranks,
        also={"data": trainee.batches, "schedule": trainee.schedule},
        every_steps=run.every_steps,
        every_seconds=run.every_seconds,
        folder=node_folder(run, ranks.world.node),
        run_id=run.run_id,
    )
    with checkpoints:
        trainee.report["start"] = checkpoints.restore()
        for step in range(trainee.report["start"] + 1, run.steps + 1):
            trainee.step(step)
            checkpoints.after_step(step)
    return trainee.finish()


def count_forwards(plan: Plan) -> list[int]:
    """How often a block computes its forward in one step, without activation checkpointing and with it."""
    counts = []
    with connect(timeout_seconds=20) as ranks:
        for wanted in (False, True):
            parallel = build(CONFIG, replace(plan, activation_checkpointing=wanted), ranks, seed=1)
            begun: list[None] = []
            block = next(iter(parallel.model.blocks.values()))
            # At its beginning: a second forward ends as soon as all that is needed of it is there
            block.register_forward_pre_hook(lambda module, inputs, begun=begun: begun.append(None))
            batch = torch.zeros(GLOBAL_BATCH, CONFIG.context, dtype=torch.int64)
            stepper = Stepper(parallel, next_token_loss, ranks)
            stepper.gradients([(batch, batch)])  # a pipeline's first step has one more, which finds the shapes
            begun.clear()
            stepper.gradients([(batch, batch)])
            counts.append(len(begun))
    return counts


def clip_spread(kind: str) -> tuple[float, float, float]:
    """A model that is spread by hand: the norm of its whole gradients, what clipping to half says, and that after it.

    Some rows do not divide among two ranks, and of the last bias the second rank of fsdp has nothing.
    """
    with connect(timeout_seconds=20) as ranks:
        torch.manual_seed(1)
        net: nn.Module = nn.Sequential(nn.Linear(8, 7), nn.Linear(7, 4), nn.Linear(4, 1))
        mesh = init_device_mesh("cpu", (ranks.world_size,))
        if kind == "tp":
            parallelize_module(net, mesh, {"1": ColwiseParallel(), "2": RowwiseParallel()})
        elif kind == "fsdp":
            fully_shard(net[0])
            fully_shard(net)
        forward = DistributedDataParallel(net) if kind == "ddp" else net
        shift = 0 if kind == "tp" else ranks.rank
        forward(torch.arange(16.0).reshape(2, 8) + shift).sum().backward()

        def whole_norm() -> float:
            gradients = [parameter.grad for parameter in net.parameters()]
            whole = [part.full_tensor() if isinstance(part, DTensor) else part for part in gradients]
            return float(nn.utils.get_total_norm(whole))

        before = whole_norm()
        said = clip_gradients(net.parameters(), before / 2)
        return before, float(said), whole_norm()


def train_odd(steps: int, folder: Path) -> tuple[int, dict[str, list[float]]]:
    """Odd rows that do not divide among the ranks, one that some ranks have nothing of, and one that is never used.

    Returns the step that it started from, and in the end all weights and the optimizer's state.
    """
    with connect(timeout_seconds=20) as ranks:
        torch.manual_seed(1)
        net = nn.Sequential(nn.Linear(5, 7), nn.Linear(7, 1))
        net.unused = nn.Parameter(torch.ones(1, 3))
        fully_shard(net[0])
        fully_shard(net)
        optimizer = torch.optim.AdamW(net.parameters(), lr=0.1)
        checkpoints = Checkpointer(
            model=net, optimizer=optimizer, ranks=ranks, folder=folder, run_id="odd", every_steps=1
        )
        with checkpoints:
            start = checkpoints.restore()
            for step in range(start + 1, steps + 1):
                net(torch.full((2, 5), 0.1 * step)).sum().backward()
                optimizer.step()
                optimizer.zero_grad()
                with torch.no_grad():
                    net(torch.ones(2, 5))  # after an evaluation FSDP2 leaves the outermost parameters whole
                checkpoints.after_step(step)
            net.state_dict()  # and this cuts them again
            states = [
                {"": parameter, **optimizer.state.get(parameter, {})}
                for parameter in optimizer.param_groups[0]["params"]
            ]
            return start, {
                f"{number}.{name}": (value.full_tensor() if isinstance(value, DTensor) else value).flatten().tolist()
                for number, state in enumerate(states)
                for name, value in state.items()
            }


def digest(weights: dict[str, torch.Tensor]) -> str:
    """A digest of all weights, bit by bit."""
    joined = hashlib.sha256()
    for name in sorted(weights):
        joined.update(name.encode() + weights[name].numpy().tobytes())
    return joined.hexdigest()
