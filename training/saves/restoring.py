"""Finding the newest checkpoint that every rank can use: what is there, what is sound, and what all agree on."""

import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from training.saves.manifest import (
    Damaged,
    Manifest,
    Save,
    newest_first,
    ranks_needed,
    verify,
)
from training.saves.peers import Peers
from training.saves.store import CheckpointStore
from training.saves.unfit import Unfit

Shapes = Mapping[str, tuple[int, ...]]
"""Of whole tensors, by name."""

Usable = dict[Save, tuple[tuple[int, ...], dict[int, Manifest]]]
"""For each save: the ranks whose files this rank has to read, and all manifests that are here."""


class Stateful(Protocol):
    """Whatever has a position to come back to: a scheduler, a data loader."""

    def state_dict(self) -> dict[str, Any]:
        """The position."""

    def load_state_dict(self, state: dict[str, Any], /) -> Any:
        """Go there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """The save to load."""

    save: Save
    needed: tuple[int, ...]
    """The ranks whose files this rank has to read."""
    manifests: dict[int, Manifest]

    @property
    def world_size(self) -> int:
        """How many ranks wrote it."""
        return next(iter(self.manifests.values())).world_size

    def followed_by(self, rank: int) -> int:
        """Whose positions and random states a rank takes: its own, or those of one that wrote."""
        return rank if rank in self.needed else self.needed[rank % len(self.needed)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Restored:
    """Where the run stands."""

    step: int
    """Finished steps; 0 for a fresh start."""
    newest_generation: int
    """The newest start of this run of which any rank knows; 0 for a fresh start."""
    complete: list[Save]
    """The saves that every rank can still fall back to, the one that was loaded first."""


def find(store: CheckpointStore, peers: Peers, layout: str) -> tuple[Restored, Source | None]:
    """The newest sound save that all ranks have; a damaged one is named and the one before it is taken.

    What is to be loaded is None for a fresh start.
    """
    here, problems = _look(store, peers)
    usable: Usable = {}
    for save, manifests in here.items():
        needed = ranks_needed(peers.world.rank, peers.world.world_size, layout, manifests)
        if needed is not None:
            usable[save] = needed, manifests
    offers = peers.gather((list(usable), list(here), problems))
    _warn(peers, [problem for _, _, theirs in offers for problem in theirs])
    generation = max((save.generation for _, saves, _ in offers for save in saves), default=0)
    candidates = newest_first([offer for offer, _, _ in offers])
    while candidates and not _sound_everywhere(store, candidates[0], usable, peers):
        candidates.pop(0)
    if not candidates:
        if any(saves for _, saves, _ in offers):
            _warn(peers, ["no save is complete and sound on every rank: starting at step 0"])
        return Restored(step=0, newest_generation=generation, complete=[]), None
    save = candidates[0]
    needed, manifests = usable[save]
    found = Restored(step=save.step, newest_generation=generation, complete=candidates)
    return found, Source(save=save, needed=needed, manifests=manifests)


def say_restored(store: CheckpointStore, save: Save, peers: Peers) -> None:
    """Tell, once, from where the run goes on."""
    if peers.is_first:
        print(f"restored step {save.step} of run {store.run_id} from {save.name}", file=sys.stderr, flush=True)


def _look(store: CheckpointStore, peers: Peers) -> tuple[dict[Save, dict[int, Manifest]], list[str]]:
    """What is here. Of a storage that all ranks share, one rank tells the others: each manifest is a request to S3."""
    found: dict[Save, dict[int, Manifest]] = {}
    problems: list[str] = []
    if peers.is_first or not store.storage.is_shared:
        for save in store.saves():
            found[save], unsound = store.manifests(save)
            problems += unsound
    if store.storage.is_shared:
        found, problems = peers.gather((found, problems))[0]
    return found, problems


def _warn(peers: Peers, problems: list[str]) -> None:
    if peers.is_first:
        for problem in sorted(set(problems)):
            print(f"warning: checkpoint {problem}", file=sys.stderr, flush=True)


def _sound_everywhere(store: CheckpointStore, save: Save, usable: Usable, peers: Peers) -> bool:
    """Compare every file that is going to be read with its manifest, the ranks of a node sharing the work."""
    needed, manifests = usable[save]
    everyone = peers.gather((peers.world.node, needed))
    on_node = sorted({rank for node, theirs in everyone if node == peers.world.node for rank in theirs})
    neighbours = [rank for rank, (node, _) in enumerate(everyone) if node == peers.world.node]
    mine = on_node[neighbours.index(peers.world.rank) :: len(neighbours)]
    problems = []
    for rank in mine:
        try:
            verify(store.storage, manifests[rank])
        except Damaged as damaged:
            problems.append(f"{damaged}: using the save before it")
    found = [problem for theirs in peers.gather(problems) for problem in theirs]
    _warn(peers, found)
    return not found


def load_positions(save: Save, also: Mapping[str, Stateful], saved: Mapping[str, dict[str, Any]]) -> None:
    """Bring everything that has a position back to it."""
    for name, thing in also.items():
        if name not in saved:
            raise Unfit(
                f"{save.name} has no state of {name!r}: it has {sorted(saved)}: go on with what it was saved "
                "with, or start under another run id"
            )
        thing.load_state_dict(saved[name])


def require_same(
    save: Save, wanted: Shapes, saved: Shapes, *, empty: Collection[str], lacking: Collection[str]
) -> None:
    """Raise Unfit unless the save has all tensors that are wanted, in the same shapes, and lacks nothing else.

    A tensor with fewer rows than ranks leaves some ranks with none: what is empty here need not be in their files.
    """
    differences = []
    for name, shape in wanted.items():
        if name in saved and saved[name] != shape:
            differences.append(f"has {name} as {list(saved[name])}, which is {list(shape)} here")
        elif name not in saved and name not in empty:
            differences.append(f"has no {name}")
    differences += [f"has no {name}" for name in sorted(lacking)]
    if differences:
        more = f" ({len(differences) - 1} more differ)" if len(differences) > 1 else ""
        raise Unfit(
            f"{save.name} {differences[0]}{more}: go on with the model and the optimizer that it was saved with, "
            "or start under another run id"
        )
