"""Who reads what: pure arithmetic on counts, the same on every rank, with no communication and no memory.

An epoch is one order of all the samples of a group (all ranks, or the ranks of one node). Rank r of g takes the
places r, r + g, r + 2g, ... of that order. So what the group has consumed is always a beginning of the order,
and a run can continue at the very next sample, even with another number of ranks.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Literal

from training.data.errors import DataError

Equalise = Literal["drop", "repeat", "join"]
"""What makes the ranks' shares equal. `drop` (the default): the last few of the epoch's order are left out, others in
each epoch. `repeat`: the first few are read twice. `join`: nothing, for torch's `join`, which bears uneven ranks."""

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


class Permutation:
    """A pseudo-random permutation of range(count) that needs no memory: a Feistel network, walked into the range."""

    __slots__ = ("_count", "_high_mask", "_keys", "_low_bits", "_low_mask")

    def __init__(self, count: int, *, seed: int, epoch: int) -> None:
        bits = max((count - 1).bit_length(), 2)
        self._count = count
        self._low_bits = bits // 2
        self._low_mask = (1 << self._low_bits) - 1
        self._high_mask = (1 << (bits - self._low_bits)) - 1
        key = _mix(_mix(seed & _MASK) ^ epoch)
        # With six rounds neighbours stayed neighbours too often; with eight no test could tell it from a true shuffle
        keys = [(key := _mix(key)) >> 32 for _ in range(8)]
        self._keys = list(zip(keys[::2], keys[1::2], strict=True))

    def __call__(self, place: int) -> int:
        """The sample at one place of the order."""
        low_bits, low_mask, high_mask, count = self._low_bits, self._low_mask, self._high_mask, self._count
        while True:
            high, low = place >> low_bits, place & low_mask
            for first, second in self._keys:
                mixed = (low ^ first) * 0x9E3779B1
                high ^= ((mixed ^ mixed >> 15) * 0x85EBCA77 >> 20) & high_mask
                mixed = (high ^ second) * 0x9E3779B1
                low ^= ((mixed ^ mixed >> 15) * 0x85EBCA77 >> 20) & low_mask
            place = high << low_bits | low
            if place < count:
                return place


def _mix(value: int) -> int:
    """splitmix64's finaliser: every bit of the input changes about half of the output's."""
    value = (value + _GOLDEN) & _MASK
    value = ((value ^ value >> 30) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ value >> 27) * 0x94D049BB133111EB) & _MASK
    return value ^ value >> 31


class Order:
    """The order of one epoch over the samples of several shards."""

    def __init__(
        self, counts: Sequence[int], *, seed: int, epoch: int, shuffle: bool = True, window: int | None = None
    ) -> None:
        """With a window, shards are shuffled whole, and samples only within this many neighbours: reads stay near."""
        self.total = sum(counts)
        self._shards = list(range(len(counts)))
        self._shuffle: Permutation | None = None
        self._window = window if shuffle else None
        if shuffle and window is not None:
            shards = Permutation(max(len(counts), 1), seed=seed, epoch=epoch)
            self._shards = [shards(place) for place in range(len(counts))]
            self._inner = Permutation(window, seed=seed + 1, epoch=epoch)
        elif shuffle:
            self._shuffle = Permutation(max(self.total, 1), seed=seed, epoch=epoch)
        self._starts = [0, *accumulate(counts[shard] for shard in self._shards)]

    def __getitem__(self, place: int) -> tuple[int, int]:
        """The shard and the sample within it at one place of the order."""
        if self._shuffle is not None:
            place = self._shuffle(place)
        elif self._window is not None:
            place = self._in_window(place, self._window)
        slot = bisect_right(self._starts, place) - 1
        return self._shards[slot], place - self._starts[slot]

    def _in_window(self, place: int, window: int) -> int:
        start = place - place % window
        if start + window > self.total:
            # The last, shorter window: walk the full one's permutation until it stays inside
            inner = place - start
            while True:
                inner = self._inner(inner)
                if start + inner < self.total:
                    return start + inner
        return start + self._inner(place - start)


def share(count: int, *, index: int, members: int, consumed: int = 0, equalise: Equalise = "drop") -> list[int] | range:
    """The places of the order that one member of a group reads, after the group has consumed that many."""
    left = count - consumed
    if equalise == "join":
        return range(consumed + index, count, members)
    if equalise == "drop":
        return range(consumed + index, consumed + left // members * members, members)
    steps = -(-left // members)
    return [place % count for place in range(consumed + index, consumed + steps * members, members)]


def steps_per_rank(counts: Sequence[int], *, members: Sequence[int], equalise: Equalise) -> int | None:
    """How many samples each rank reads when every node owns other files; None when ranks may differ (`join`).

    `counts` are the nodes' samples, `members` their ranks.
    """
    if equalise == "join":
        return None
    nodes = zip(counts, members, strict=True)
    if equalise == "drop":
        return min(count // ranks for count, ranks in nodes)
    return max(-(-count // ranks) for count, ranks in nodes)


def too_large(sizes: Sequence[int], members: int) -> set[int]:
    """The files that one member of a group cannot take whole: the others would have less than 0.9 of a fair share."""
    total = sum(sizes)
    return {file for file, size in enumerate(sizes) if (total - size) * members < 0.9 * total * (members - 1)}


def require_enough(what: str, count: int, members: int, equalise: Equalise, *, about: str = "") -> None:
    """Refuse a share of nothing, with which training would end before it began; `about` says more of the samples."""
    if count == 0 or (equalise == "drop" and count < members):
        raise DataError(f"{what} has {count} samples{about} for {members} ranks: each rank needs at least one")
