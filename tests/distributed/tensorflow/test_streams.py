"""Channels on two real workers, most of them with unequal parts: nobody waits, nothing is read twice."""

import json
from typing import Any

import pytest

from tests.support.training.tensorflow import Tasks

pytestmark = pytest.mark.slow
BATCH, EPOCHS, COUNTS = 4, 2, (10, 23)
BATCHES = min(COUNTS) // BATCH
"""After which the shorter part has no full batch left."""
EVERY_SAMPLE = [1000 * rank + number for rank, count in enumerate(COUNTS) for number in range(count)]


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each worker has read, by the title of the line; and its log."""
    folder = tmp_path_factory.mktemp("streams")
    command = ["tests.support.training.tensorflow_streams", *map(str, (folder, BATCH, EPOCHS, *COUNTS))]
    with Tasks(folder / "run", command, worker=2) as tasks:
        assert set(tasks.wait().values()) == {0}, tasks.text("worker-0")[-3000:] + tasks.text("worker-1")[-3000:]
        logs = [tasks.text(f"worker-{rank}") for rank in range(2)]
    lines = [[line.partition("=") for line in log.splitlines() if "=[[" in line] for log in logs]
    return [
        {"log": log, **{title: json.loads(batches) for title, _, batches in found}}
        for log, found in zip(logs, lines, strict=True)
    ]


def expected(start: int) -> list[list[int]]:
    """Full batches of whole numbers from a start on."""
    return [list(range(start + BATCH * number, start + BATCH * (number + 1))) for number in range(BATCHES)]


@pytest.mark.parametrize("epoch", range(EPOCHS))
def test_uneven_shards_stop_together_and_each_node_reads_its_own(read: list[dict[str, Any]], epoch: int) -> None:
    assert [worker[f"sharded-{epoch}"] for worker in read] == [expected(0), expected(1000)]


@pytest.mark.parametrize("epoch", range(EPOCHS))
def test_uneven_pipes_stop_together_and_the_next_epoch_is_the_next_pipe(read: list[dict[str, Any]], epoch: int) -> None:
    assert [worker[f"piped-{epoch}"] for worker in read] == [expected(100 * epoch)] * 2


def test_the_first_worker_says_who_ended_the_epoch(read: list[dict[str, Any]]) -> None:
    for name in ("sharded", "piped"):
        assert f"warning: channel {name}: the epoch ended after {BATCHES} batches because worker 0" in read[0]["log"]
    assert "warning" not in read[1]["log"]


def test_objects_that_are_counted_are_batched_alike_and_resumed_at_the_very_next_sample(
    read: list[dict[str, Any]],
) -> None:
    for worker, start in zip(read, (0, 1000), strict=True):
        assert len(worker["mapped"]) == BATCHES
        samples = [sample for batch in worker["mapped"] for sample in batch]
        assert len(set(samples)) == BATCHES * BATCH
        assert set(samples) <= set(range(start, start + COUNTS[start // 1000]))


@pytest.mark.parametrize("epoch", range(EPOCHS))
def test_both_together_read_each_sample_of_a_replicated_channel_once(read: list[dict[str, Any]], epoch: int) -> None:
    seen = [sample for worker in read for batch in worker[f"whole-{epoch}"] for sample in batch]
    assert [len(worker[f"whole-{epoch}"]) for worker in read] == [sum(COUNTS) // 2 // BATCH] * 2
    assert len(seen) == len(set(seen)) and set(seen) <= set(EVERY_SAMPLE)


@pytest.mark.parametrize("name", ["whole", "sharded"])
@pytest.mark.parametrize("epoch", range(EPOCHS))
def test_tf_datas_own_datasets_are_cut_once_and_every_sample_is_read(
    read: list[dict[str, Any]], name: str, epoch: int
) -> None:
    seen = [sample for worker in read for batch in worker[f"tf-{name}-{epoch}"] for sample in batch]
    assert sorted(seen) == EVERY_SAMPLE
