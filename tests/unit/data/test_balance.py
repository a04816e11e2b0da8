"""What nodes with files of their own say of each other at the start."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.training.data_files import make_channel, numbers, open_map, told, world
from training.data import JsonLines, World, channel
from training.data.balance import Balance, Gather


def test_the_balance_report_warns_above_ten_percent() -> None:
    even = Balance(name="train", per_node=(100, 101))
    assert "warning" not in str(even)
    uneven = Balance(name="train", per_node=(150, 50))
    assert str(uneven).startswith("warning: channel train: samples per node 150, 50; imbalance 50.0 percent")


def test_one_node_with_much_less_is_a_warning_too() -> None:
    """It is hardly an excess over the mean, and with `drop` it costs all the other nodes half of their samples."""
    poor = Balance(name="train", per_node=(100,) * 9 + (50,), read=500)
    assert poor.imbalance_percent < 10
    assert str(poor).startswith("warning: ")
    assert "an epoch reads 500 of 950" in str(poor)


def test_the_balance_is_reported_once_and_warns(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    environ = make_channel(tmp_path, {"a.jsonl": numbers(20)}, S3DistributionType="ShardedByS3Key")
    for rank in (0, 1):
        open_map(environ, world=world(rank, 2, 1), gather=told([20, 10], 1, 1))
    assert capfd.readouterr().err.count("warning: channel train: samples per node 20, 10; imbalance 33.3 percent") == 1


def noting(said: list[int], gather: Gather) -> Gather:
    """The same, keeping what this rank says."""

    def note(own: int) -> Sequence[int]:
        said.append(own)
        return gather(own)

    return note


@pytest.mark.parametrize(
    ("equalise", "read"), [("drop", "; an epoch reads about 20 of 40 and leaves out 20"), ("join", "")]
)
def test_of_a_stream_the_nodes_compare_the_bytes_of_their_files(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], equalise: str, read: str
) -> None:
    """Its samples are only known once they have been read. A file that is not there is named when its turn comes."""
    environ = make_channel(tmp_path, {"a.jsonl": b"0\n" * 15}, S3DistributionType="ShardedByS3Key")
    (tmp_path / "input" / "data" / "train" / "b.jsonl").symlink_to(tmp_path / "nowhere")
    for rank in (0, 1):
        gather = noting(said := [], told([30, 10], 1, 1))
        channel("train", environ=environ, world=world(rank, 2, 1), stream=True, equalise=equalise, gather=gather)
        assert said == [30, 1]
    assert capfd.readouterr().err == (
        f"data: warning: channel train: bytes per node 30, 10; imbalance 50.0 percent{read}: "
        "make the objects under the prefix more equal, or their number a multiple of nodes\n"
    )


def test_a_stream_says_nothing_where_nodes_have_no_files_of_their_own_or_cannot_ask(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    environ = make_channel(tmp_path / "a", {"a.jsonl": numbers(3)})
    assert channel("train", environ=environ, world=world(0, 2, 1), stream=True).balance is None
    environ = make_channel(tmp_path / "b", {"a.jsonl": numbers(3)}, S3DistributionType="ShardedByS3Key")
    assert channel("train", environ=environ, world=world(0, 2, 1), stream=True).balance is None
    environ = make_channel(tmp_path / "c", {}, TrainingInputMode="Pipe", S3DistributionType="ShardedByS3Key")
    assert channel("train", JsonLines(), environ=environ, world=world(0, 2, 1)).balance is None
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("node", [0, 1])
def test_nodes_with_different_numbers_of_ranks_all_exchange_their_counts(tmp_path: Path, node: int) -> None:
    """6 is no multiple of 4: who divided would count one node there, and not take part."""
    environ = make_channel(tmp_path, {"a.jsonl": numbers(12)}, S3DistributionType="ShardedByS3Key")
    here = World(rank=4 * node, world_size=6, local_rank=0, local_world_size=(4, 2)[node])
    dataset = open_map(environ, world=here, gather=told([12] * 4 + [9] * 2, 4, 2))
    assert dataset.balance.per_node == (12, 9)
    assert len(dataset) == 3


def test_what_is_read_again_to_make_ranks_even_is_said() -> None:
    said = str(Balance(name="train", per_node=(97, 3), read=194))
    assert "; an epoch reads 194 samples of 100, 94 of them again: " in said
