"""The advisor's bytes of activations, against what the model keeps for its backward pass."""

from pathlib import Path

import pytest
import torch

from shardyard.spec.advise.memory import SCORE_BYTES, SPLIT_BYTES, WHOLE_BYTES
from shardyard.spec.job_folder import load_jobs
from shardyard.spec.jobs.job import JobSpec
from training.pytorch.models.gpt.model import GPT, PRESETS, GPTConfig, next_token_loss

JOBS = Path(__file__).parents[4] / "jobs"
DESCRIBED = [job for job in load_jobs(JOBS, "dev") if isinstance(job, JobSpec) and job.model is not None]

SHAPE = {"vocabulary": 64, "width": 64, "heads": 4, "context": 64}


def kept_bytes(model: GPT, precision: str) -> int:
    """What a forward pass keeps, but for parameters and their copies."""
    kept: dict[int, int] = {}
    shapes = {shape for one in model.parameters() for shape in (tuple(one.shape), tuple(reversed(one.shape)))}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if tuple(tensor.shape) not in shapes:
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    tokens = torch.zeros(5, model.config.context, dtype=torch.int64)
    bf16 = torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16")
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), bf16:
        outcome = model(tokens)
    del outcome
    return sum(kept.values())


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
@pytest.mark.parametrize(("kv_heads", "hidden"), [(4, 172), (1, 224)], ids=["gpt2", "7b"])
def test_a_block_keeps_what_the_advisor_counts(kv_heads: int, hidden: int, precision: str) -> None:
    few, more = (
        kept_bytes(GPT(GPTConfig(layers=layers, kv_heads=kv_heads, hidden=hidden, **SHAPE)), precision)
        for layers in (1, 3)
    )
    a_block = (more - few) / 2 / (5 * SHAPE["context"] * SHAPE["width"])
    # On a CPU a norm keeps its result besides its input
    assert a_block == pytest.approx(WHOLE_BYTES[precision] + SPLIT_BYTES[precision], rel=0.2)


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_a_score_takes_what_the_advisor_counts(precision: str) -> None:
    scores = torch.zeros(2, 8, 64, dtype=torch.bfloat16 if precision == "bf16" else torch.float32, requires_grad=True)
    made = {scores.data_ptr(): scores.nbytes}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.numel() == scores.numel():
            made[tensor.data_ptr()] = tensor.nbytes
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        next_token_loss(scores, torch.zeros(2, 8, dtype=torch.int64))
    converted = scores.numel() * 4 if precision == "bf16" else 0
    assert (sum(made.values()) + converted) / scores.numel() == SCORE_BYTES[precision]


@pytest.mark.parametrize("job", DESCRIBED, ids=[job.name for job in DESCRIBED])
def test_a_shipped_job_describes_the_model_that_it_trains(job: JobSpec) -> None:
    assert job.model is not None
    preset = PRESETS[str(job.hyperparameters["preset"])]
    assert job.model.parameters == pytest.approx(preset.parameters, rel=0.01)
    assert (job.model.layers, job.model.hidden) == (preset.layers, preset.width)
    assert job.hyperparameters.get("context", preset.context) == job.hyperparameters.get("context", job.model.sequence)
