"""Gradients are exchanged once a step, however many batches it sums."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.distributed import GradBucket
from torch.nn.parallel import DistributedDataParallel
from torch.utils._python_dispatch import TorchDispatchMode

from tests.support.training.ranks import results, run_ranks
from tests.support.training.training_cases import CONFIG
from training.pytorch.models.gpt.model import next_token_loss
from training.pytorch.models.gpt.parallelize import build
from training.pytorch.parallel.plan import Plan
from training.pytorch.parallel.stepping import Stepper
from training.pytorch.process_group import connect


class Exchanges(TorchDispatchMode):
    """Counts the collectives that sum gradients over ranks."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = function.name().removeprefix("c10d::").rstrip("_")
        if name in ("allreduce", "_reduce_scatter_base"):
            self.counts[name] += 1
        return function(*args, **(kwargs or {}))

    def bucket(self, state: object, bucket: GradBucket) -> torch.futures.Future[torch.Tensor]:
        """What DDP calls in place of an exchange, which happens out of sight of a dispatch mode."""
        self.counts["bucket"] += 1
        done: torch.futures.Future[torch.Tensor] = torch.futures.Future()
        done.set_result(bucket.buffer())
        return done


def exchanges_of_a_step(plan: Plan) -> dict[str, int]:
    """How often the gradients of one step are exchanged, by kind."""
    with connect(timeout_seconds=20) as ranks:
        parallel = build(CONFIG, plan, ranks, seed=1)
        tokens = torch.zeros(4, CONFIG.context, dtype=torch.int64)
        stepper = Stepper(parallel, next_token_loss, ranks)
        stepper.gradients([(tokens, tokens)] * plan.accumulation)
        with Exchanges() as exchanges:
            if isinstance(parallel.forward, DistributedDataParallel):
                parallel.forward.register_comm_hook(None, exchanges.bucket)
            stepper.gradients([(tokens, tokens)] * plan.accumulation)
        return dict(exchanges.counts)


def storages_of_gradients() -> tuple[int, int]:
    """In how many pieces of memory DDP keeps gradients, and how many these are."""
    with connect(timeout_seconds=20) as ranks:
        parallel = build(CONFIG, Plan(), ranks, seed=1)
        tokens = torch.zeros(4, CONFIG.context, dtype=torch.int64)
        stepper = Stepper(parallel, next_token_loss, ranks)
        stepper.gradients([(tokens, tokens)])
        gradients = [parameter.grad for parameter in parallel.model.parameters()]
        storages = {gradient.untyped_storage().data_ptr() for gradient in gradients}
        return len(storages), len(gradients)


def test_ddp_keeps_gradients_in_its_buckets_only(tmp_path: Path) -> None:
    storages, gradients = results(run_ranks(2, storages_of_gradients, folder=tmp_path))[0]
    assert storages < gradients, "a second copy takes four bytes a parameter that the advisor does not count"


@pytest.mark.parametrize(
    ("world", "once", "often", "expected"),
    [
        (2, Plan(), Plan(accumulation=3), {"bucket": 1}),
        (2, Plan(data="fsdp"), Plan(data="fsdp", accumulation=3), {"_reduce_scatter_base": 5}),
        (
            4,
            Plan(data="hsdp", shard_size=2),
            Plan(data="hsdp", shard_size=2, accumulation=3),
            {"_reduce_scatter_base": 5, "allreduce": 5},
        ),
        (
            4,
            Plan(data="fsdp", pipeline_parallel=2, microbatches=2),
            Plan(data="fsdp", pipeline_parallel=2, microbatches=4),
            {"_reduce_scatter_base": 3},
        ),
    ],
    ids=["ddp", "fsdp", "hsdp", "fsdp-pp"],
)
def test_a_step_exchanges_gradients_once(
    world: int, once: Plan, often: Plan, expected: dict[str, int], tmp_path: Path
) -> None:
    """Four blocks and the rest of the model are exchanged each on their own by FSDP."""
    for plan in (once, often):
        assert results(run_ranks(world, exchanges_of_a_step, plan, folder=tmp_path))[0] == expected
