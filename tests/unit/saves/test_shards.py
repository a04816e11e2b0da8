"""Who writes what: every node has all that its own ranks need, and each piece once."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from training.saves.shards import Piece, divide, layout_digest

pieces = st.tuples(st.sampled_from(["a", "b", "c", "d"]), st.tuples(st.integers(0, 2)))
sizes = {(name, (offset,)): 8 * (1 + ord(name) - ord("a")) for name in "abcd" for offset in range(3)}
worlds = st.lists(st.tuples(st.sets(pieces, max_size=6), st.integers(0, 2)), min_size=1, max_size=6)


@given(worlds)
def test_each_node_writes_each_piece_that_it_holds_once(world: list[tuple[set[Piece], int]]) -> None:
    held: list[Mapping[Piece, int]] = [{piece: sizes[piece] for piece in own} for own, _ in world]
    nodes = [node for _, node in world]
    shares = divide(held, nodes)
    for node in set(nodes):
        ranks = [rank for rank, other in enumerate(nodes) if other == node]
        writes = {rank: set(held[rank]) - shares[rank].skipped for rank in ranks}
        written = [piece for rank in ranks for piece in writes[rank]]
        assert sorted(written) == sorted({piece for rank in ranks for piece in held[rank]})
        for rank in ranks:
            assert shares[rank].skipped <= set(held[rank])
            assert rank in shares[rank].needs
            assert set(shares[rank].needs) <= set(ranks)
            assert set(held[rank]) <= {piece for other in shares[rank].needs for piece in writes[other]}


def test_replicas_on_a_node_share_the_writing_evenly() -> None:
    held = [{(f"layer{number}", (0,)): 100 for number in range(8)}] * 4
    shares = divide(held, [0, 0, 1, 1])
    assert [len(share.skipped) for share in shares] == [4, 4, 4, 4]
    assert [share.needs for share in shares] == [(0, 1), (0, 1), (2, 3), (2, 3)]


def test_fully_sharded_ranks_need_nobody() -> None:
    held = [{("w", (rank,)): 8} for rank in range(3)]
    assert [share.needs for share in divide(held, [0, 0, 1])] == [(0,), (1,), (2,)]


def test_a_layout_is_who_holds_what_and_which_ranks_share_a_node() -> None:
    whole, half = {("w", (0,)): 8}, {("w", (0,)): 4}
    assert layout_digest([whole, whole], [0, 1]) == layout_digest([whole, whole], [3, 5])
    assert layout_digest([whole, whole], [0, 1]) != layout_digest([whole, whole], [0, 0])
    assert layout_digest([whole, whole], [0, 1]) != layout_digest([half, half], [0, 1])
