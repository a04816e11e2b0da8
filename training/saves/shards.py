"""Who writes which piece of a checkpoint: pure, no torch."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Piece = tuple[str, tuple[int, ...]]
"""A tensor's name and the offsets of one piece of it: ranks that hold the same piece are replicas."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """One rank's part in every save."""

    skipped: frozenset[Piece]
    """The pieces of this rank that a replica on the same node writes. It writes every other piece, including state
    created later: an optimizer creates a parameter's state at its first gradient."""
    needs: tuple[int, ...]
    """The ranks of this node that write something which this rank holds; itself among them."""


def divide(held: Sequence[Mapping[Piece, int]], nodes: Sequence[int]) -> list[Share]:
    """Give each piece that ranks of a node hold to one of them, so that they write about equally many bytes.

    `held[r]` are the pieces of rank r with their sizes in bytes, `nodes[r]` is its node. Every node gets all that
    its own ranks need: there is no disk that nodes share.
    """
    shares: list[Share | None] = [None] * len(held)
    for node in sorted(set(nodes)):
        ranks = [rank for rank in range(len(held)) if nodes[rank] == node]
        owner = _owners({rank: held[rank] for rank in ranks})
        for rank in ranks:
            others = frozenset(piece for piece in held[rank] if owner[piece] != rank)
            needs = tuple(sorted({rank, *(owner[piece] for piece in held[rank])}))
            shares[rank] = Share(skipped=others, needs=needs)
    return [share for share in shares if share is not None]


def _owners(held: Mapping[int, Mapping[Piece, int]]) -> dict[Piece, int]:
    sizes = {piece: size for pieces in held.values() for piece, size in pieces.items()}
    load = dict.fromkeys(held, 0)
    owner: dict[Piece, int] = {}
    for piece in sorted(sizes, key=lambda piece: (-sizes[piece], piece)):
        holders = [rank for rank in held if piece in held[rank]]
        owner[piece] = min(holders, key=lambda rank: (load[rank], rank))
        load[owner[piece]] += sizes[piece]
    return owner


def layout_digest(held: Sequence[Mapping[Piece, int]], nodes: Sequence[int]) -> str:
    """A digest of which rank holds which piece, and of which ranks share a node."""
    groups = [nodes.index(node) for node in nodes]
    text = json.dumps([groups, [sorted((name, list(at), size) for (name, at), size in one.items()) for one in held]])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
