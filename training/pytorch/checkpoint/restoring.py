"""Going back to the newest checkpoint that every rank can use."""

import io
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from training.pytorch.checkpoint.manifest import (
    Damaged,
    Manifest,
    Save,
    newest_first,
    rank_folder,
    ranks_needed,
    verify,
)
from training.pytorch.checkpoint.rank_files import RankFilesReader
from training.pytorch.checkpoint.snapshot import TrainingState
from training.pytorch.checkpoint.staging import local
from training.pytorch.checkpoint.store import CheckpointStore
from training.pytorch.checkpoint.unfit import Unfit
from training.pytorch.process_group import Ranks, gather
from training.pytorch.random_state import seed_everything, write_random_state

REST = "state.pt"
"""What a rank writes beside its tensors: random states, positions, plain values."""
Usable = dict[Save, tuple[tuple[int, ...], dict[int, Manifest]]]
"""For each save: the ranks whose files this rank has to read, and all manifests that are here."""


class Stateful(Protocol):
    """Whatever has a position to come back to: a scheduler, a data loader."""

    def state_dict(self) -> dict[str, Any]:
        """The position."""

    def load_state_dict(self, state: dict[str, Any], /) -> Any:
        """Go there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Restored:
    """Where the run stands."""

    step: int
    """Finished steps; 0 for a fresh start."""
    newest_generation: int
    """The newest start of this run of which any rank knows; 0 for a fresh start."""
    complete: list[Save]
    """The saves that every rank can still fall back to, the one that was loaded first."""


def restore(
    store: CheckpointStore, state: TrainingState, also: Mapping[str, Stateful], ranks: Ranks, layout: str
) -> Restored:
    """Load the newest sound save that all ranks have; a damaged one is named and the one before it is taken."""
    here, problems = _look(store, ranks)
    usable: Usable = {}
    for save, manifests in here.items():
        needed = ranks_needed(ranks.rank, ranks.world_size, layout, manifests)
        if needed is not None:
            usable[save] = needed, manifests
    offers = gather(ranks, (list(usable), list(here), problems))
    _warn(ranks, [problem for _, _, theirs in offers for problem in theirs])
    generation = max((save.generation for _, saves, _ in offers for save in saves), default=0)
    candidates = newest_first([offer for offer, _, _ in offers])
    while candidates and not _sound_everywhere(store, candidates[0], usable, ranks):
        candidates.pop(0)
    if not candidates:
        if any(saves for _, saves, _ in offers):
            _warn(ranks, ["no save is complete and sound on every rank: starting at step 0"])
        return Restored(step=0, newest_generation=generation, complete=[])
    save = candidates[0]
    _load(store, save, state, also, ranks, usable[save])
    if ranks.is_first:
        print(f"restored step {save.step} of run {store.run_id} from {save.name}", file=sys.stderr, flush=True)
    return Restored(step=save.step, newest_generation=generation, complete=candidates)


def _look(store: CheckpointStore, ranks: Ranks) -> tuple[dict[Save, dict[int, Manifest]], list[str]]:
    """What is here. Of a storage that all ranks share, one rank tells the others: each manifest is a request to S3."""
    found: dict[Save, dict[int, Manifest]] = {}
    problems: list[str] = []
    if ranks.is_first or not store.storage.is_shared:
        for save in store.saves():
            found[save], unsound = store.manifests(save)
            problems += unsound
    if store.storage.is_shared:
        found, problems = gather(ranks, (found, problems))[0]
    return found, problems


def _read_rest(store: CheckpointStore, save: Save, rank: int) -> dict[str, Any]:
    content = io.BytesIO(store.storage.read(f"{save.name}/{rank_folder(rank)}/{REST}"))
    rest: dict[str, Any] = torch.load(content, map_location="cpu", weights_only=False)
    return rest


def _warn(ranks: Ranks, problems: list[str]) -> None:
    if ranks.is_first:
        for problem in sorted(set(problems)):
            print(f"warning: checkpoint {problem}", file=sys.stderr, flush=True)


def _sound_everywhere(store: CheckpointStore, save: Save, usable: Usable, ranks: Ranks) -> bool:
    """Compare every file that is going to be read with its manifest, the ranks of a node sharing the work."""
    needed, manifests = usable[save]
    everyone = gather(ranks, (ranks.world.node, needed))
    on_node = sorted({rank for node, theirs in everyone if node == ranks.world.node for rank in theirs})
    neighbours = [rank for rank, (node, _) in enumerate(everyone) if node == ranks.world.node]
    mine = on_node[neighbours.index(ranks.rank) :: len(neighbours)]
    problems = []
    for rank in mine:
        try:
            verify(store.storage, manifests[rank])
        except Damaged as damaged:
            problems.append(f"{damaged}: using the save before it")
    found = [problem for theirs in gather(ranks, problems) for problem in theirs]
    _warn(ranks, found)
    return not found


def _load(
    store: CheckpointStore,
    save: Save,
    state: TrainingState,
    also: Mapping[str, Stateful],
    ranks: Ranks,
    source: tuple[tuple[int, ...], dict[int, Manifest]],
) -> None:
    needed, manifests = source
    same_world = next(iter(manifests.values())).world_size == ranks.world_size
    own = ranks.rank if ranks.rank in needed else needed[ranks.rank % len(needed)]
    parts = [_read_rest(store, save, rank) for rank in needed]
    mine = parts[needed.index(own)]
    values = {name: value for part in [*parts, mine] for name, value in part["values"].items()}
    reader = RankFilesReader(store.storage, save, needed)
    tensors, others = state.to_fill({*reader.shapes(), *values})
    _compare(save, tensors, reader.shapes(), others.keys() - values.keys())
    reader.load_into(tensors)
    state.write(values)
    for name, thing in also.items():
        if name not in mine["also"]:
            raise Unfit(
                f"{save.name} has no state of {name!r}: it has {sorted(mine['also'])}: go on with what it was saved "
                "with, or start under another run id"
            )
        thing.load_state_dict(mine["also"][name])
    if same_world:
        write_random_state(mine["random"])
    else:  # more ranks than states, or fewer: streams that are new, different for each rank, and always the same
        seed_everything(store.run_id, save.step, ranks.rank, ranks.world_size)


def _compare(
    save: Save, tensors: Mapping[str, torch.Tensor], shapes: Mapping[str, tuple[int, ...]], lacking: Collection[str]
) -> None:
    """Raise Unfit unless the save has all that is needed, in the same shapes.

    A tensor with fewer rows than ranks leaves some ranks with none, and nothing of it is in their files.
    """
    differences = []
    for name, tensor in tensors.items():
        if name in shapes and shapes[name] != tuple(tensor.shape):
            differences.append(f"has {name} as {list(shapes[name])}, which is {list(tensor.shape)} here")
        elif name not in shapes and local(tensor).numel() > 0:
            differences.append(f"has no {name}")
    differences += [f"has no {name}" for name in sorted(lacking)]
    if differences:
        more = f" ({len(differences) - 1} more differ)" if len(differences) > 1 else ""
        raise Unfit(
            f"{save.name} {differences[0]}{more}: go on with the model and the optimizer that it was saved with, "
            "or start under another run id"
        )
