"""What a position in a channel belongs to, so that it is never applied to other data or another order."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from contract.world import World
from training.data.channel import Channel
from training.data.errors import DataError
from training.data.media import File


def place_in_group(channel: Channel | None, world: World) -> tuple[int, int]:
    """This rank's number in the group that shares the channel's files, and the group's size.

    What comes from no channel at all, every node has.
    """
    if channel is not None and channel.distribution == "ShardedByS3Key":
        return world.local_rank, world.local_world_size
    return world.rank, world.world_size


def fingerprint(channel: Channel, paths: Sequence[File], counts: Sequence[int] = ()) -> str:
    """Names and, where they are known, counts. Nodes that own other files differ, so theirs says nothing."""
    if channel.distribution == "ShardedByS3Key":
        return "own"
    names = [str(path).removeprefix(channel.root) for path in paths]
    return hashlib.sha256(repr((names, list(counts))).encode()).hexdigest()[:16]


def require_same_order(channel: Channel, state: Mapping[str, Any], mine: Mapping[str, Any]) -> None:
    """Refuse a position that means other samples here."""
    what = f"the position was saved for the channel {channel.name!r} with"
    if state.keys() | (mine.keys() & {"skipped", "by_size"}) != mine.keys():  # which earlier versions did not keep
        raise DataError(f"{what} stream={'position' in state}, and this one has stream={'position' in mine}")
    for key in ("seed", "shuffle", "window"):
        if state[key] != mine[key]:
            raise DataError(f"{what} {key} {state[key]!r}, not {mine[key]!r}")
    if state["fingerprint"] != mine["fingerprint"]:
        raise DataError(f"{what} other files or samples")
    begun = any(state.get(key) for key in ("consumed", "position", "earlier"))
    if begun and channel.distribution == "ShardedByS3Key" and state["nodes"] != mine["nodes"]:
        raise DataError(
            f"{what} ShardedByS3Key on {state['nodes']} nodes, not {mine['nodes']}: each node now has other files "
            "and can only begin at an epoch"
        )
