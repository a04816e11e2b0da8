"""Which errors mean that a rank was lost."""

import pytest
import torch.distributed as dist

from training.pytorch.roll_call import RankMissing, lost_peer


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("[unbound_buffer.cc:78] Timed out waiting 4000ms for recv operation to complete"),
        RuntimeError("[pair.cc:553] Connection closed by peer [127.0.0.1]:4998"),
        dist.DistNetworkError("the store is gone"),
    ],
)
def test_an_error_of_a_collective_is_one_also_where_a_pipeline_wraps_it(error: Exception) -> None:
    assert lost_peer(error) is error
    wrapped = RuntimeError("[Stage 1] failed to run forward")
    wrapped.__cause__ = error
    assert lost_peer(wrapped) is error


@pytest.mark.parametrize(
    "error", [ValueError("timed out"), RuntimeError("shape mismatch"), RankMissing("rank 1: the call timed out")]
)
def test_others_are_not(error: Exception) -> None:
    assert lost_peer(error) is None
