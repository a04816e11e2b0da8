"""`training.pytorch.data` on real ranks under the launcher: equal numbers of batches, exact positions, no hang."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.training.launching import nodes

PROGRAM = """
import json, os, sys
from datetime import timedelta
import torch.distributed as dist
from training.pytorch.data import Loader, channel

dist.init_process_group("gloo", timeout=timedelta(seconds=20))
settings = json.loads(sys.argv[1])
workers = settings.pop("workers", 0)

def open_it():
    return Loader(channel("train", **settings), batch_size=3, workers=workers, collate=list)

loader = open_it()
epochs = [[batch for batch in loader] for _ in range(2)]
again, resumed = open_it(), open_it()
seen = []
for number, batch in enumerate(again):
    seen.append(batch)
    if number == 1:
        break
resumed.load_state_dict(json.loads(json.dumps(again.state_dict())))
seen += [batch for batch in resumed]
print("result " + json.dumps({"epochs": epochs, "seen": seen}), flush=True)
dist.destroy_process_group()
"""


JOINED = """
import json, sys
import torch
from datetime import timedelta
import torch.distributed as dist
from torch.distributed.algorithms.join import Join
from torch.nn.parallel import DistributedDataParallel
from training.pytorch.data import Loader, channel

dist.init_process_group("gloo", timeout=timedelta(seconds=20))
model = DistributedDataParallel(torch.nn.Linear(1, 1))
settings = json.loads(sys.argv[1])
loader = Loader(channel("train", equalise="join", **settings), batch_size=3, collate=list, last="keep")
batches = []
with Join([model]):
    for batch in loader:
        model(torch.tensor(batch, dtype=torch.float32)[:, None]).sum().backward()
        batches.append(batch)
print("result " + json.dumps({"epochs": [batches], "seen": batches}), flush=True)
dist.destroy_process_group()
"""


def write_channel(base: Path, files: dict[str, list[int]], **settings: str) -> None:
    folder = base / "input" / "data" / "train"
    folder.mkdir(parents=True)
    for name, numbers in files.items():
        (folder / name).write_text("".join(f"{number}\n" for number in numbers))
    config = base / "input" / "config" / "inputdataconfig.json"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(json.dumps({"train": settings}))


def results(
    tmp_path: Path,
    channels: list[dict[str, list[int]]],
    *,
    processes: int = 1,
    program: str = PROGRAM,
    said: Sequence[str] = (),
    **settings: object,
) -> list[dict[str, Any]]:
    distribution = "ShardedByS3Key" if len(channels) > 1 else "FullyReplicated"
    for number, files in enumerate(channels):
        write_channel(tmp_path / f"algo-{number + 1}", files, S3DistributionType=distribution)
    found = []
    with nodes(
        tmp_path, program, count=len(channels), processes=processes, arguments=[json.dumps(settings)]
    ) as running:
        assert [node.end() for node in running] == [0] * len(channels), [node.output for node in running]
        for node in running:
            lines = [line.partition("result ")[2] for line in node.lines if "result " in line]
            found += [json.loads(line) for line in lines]
        warnings = [line.partition("data: ")[2] for node in running for line in node.lines if "the epoch ended" in line]
    assert warnings == list(said)
    for rank in found:
        assert rank["seen"] == rank["epochs"][0], "a resumed epoch is the undisturbed one"
    return found


def samples(ranks: list[dict[str, Any]], epoch: int) -> list[int]:
    return sorted(sample for rank in ranks for batch in rank["epochs"][epoch] for sample in batch)


def test_ranks_read_a_channel_once_with_workers_that_read_ahead(tmp_path: Path) -> None:
    ranks = results(tmp_path, [{"a.jsonl": list(range(18))}], processes=2, workers=2)
    assert samples(ranks, 0) == samples(ranks, 1) == list(range(18))
    assert ranks[0]["epochs"][0] != ranks[0]["epochs"][1]


def test_uneven_nodes_get_equal_numbers_of_batches(tmp_path: Path) -> None:
    ranks = results(tmp_path, [{"a.jsonl": list(range(20))}, {"b.jsonl": list(range(100, 110))}])
    assert [len(rank["epochs"][0]) for rank in ranks] == [3, 3]


def test_uneven_streams_stop_together(tmp_path: Path) -> None:
    channels = [{"a.jsonl": list(range(20))}, {"b.jsonl": list(range(100, 110))}]
    warning = (
        "warning: channel train: the epoch ended after 3 batches because rank 1 had no more; rank 0 had data left, "
        "which is left out: make the objects under the prefix more equal, make the channel FullyReplicated, or use "
        'equalise="join"'
    )
    # Once by the loader that reads two epochs, and once by the one that goes on in the middle of the first
    ranks = results(tmp_path, channels, stream=True, said=[warning, warning])
    assert [[len(epoch) for epoch in rank["epochs"]] for rank in ranks] == [[3, 3], [3, 3]]


@pytest.mark.parametrize("stream", [False, True])
def test_uneven_nodes_read_every_sample_once_under_torchs_join(tmp_path: Path, stream: bool) -> None:
    channels = [{"a.jsonl": list(range(20))}, {"b.jsonl": list(range(100, 110))}]
    ranks = results(tmp_path, channels, program=JOINED, stream=stream)
    assert samples(ranks, 0) == [*range(20), *range(100, 110)]
    assert sorted(len(rank["epochs"][0]) for rank in ranks) == [4, 7]


def test_a_node_without_enough_for_its_ranks_ends_all_nodes_with_the_reason(tmp_path: Path) -> None:
    for number, count in enumerate((20, 1)):
        files = {"a.jsonl": list(range(count))}
        write_channel(tmp_path / f"algo-{number + 1}", files, S3DistributionType="ShardedByS3Key")
    with nodes(tmp_path, PROGRAM, count=2, processes=2, arguments=["{}"]) as running:
        assert all(node.end() != 0 for node in running)
        for node in running:
            assert "node 1's part of the channel 'train' has 1 samples for 2 ranks" in node.failure
