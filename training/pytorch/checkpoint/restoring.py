"""Loading a checkpoint into a model and an optimizer."""

import io
from collections.abc import Mapping
from typing import Any

import torch

from training.pytorch.checkpoint.rank_files import RankFilesReader
from training.pytorch.checkpoint.snapshot import TrainingState
from training.pytorch.checkpoint.staging import local
from training.pytorch.random_state import seed_everything, write_random_state
from training.saves.manifest import Save, rank_folder
from training.saves.peers import Peers
from training.saves.restoring import Source, Stateful, load_positions, require_same
from training.saves.store import CheckpointStore

REST = "state.pt"
"""What a rank writes beside its tensors: random states, positions, plain values."""


def load(
    store: CheckpointStore, source: Source, state: TrainingState, also: Mapping[str, Stateful], peers: Peers
) -> None:
    """Fill the state in place, and go to the saved positions."""
    save, needed, rank = source.save, source.needed, peers.world.rank
    parts = [_read_rest(store, save, one) for one in needed]
    mine = parts[needed.index(source.followed_by(rank))]
    values = {name: value for part in [*parts, mine] for name, value in part["values"].items()}
    reader = RankFilesReader(store.storage, save, needed)
    tensors, others = state.to_fill({*reader.shapes(), *values})
    require_same(
        save,
        {name: tuple(tensor.shape) for name, tensor in tensors.items()},
        reader.shapes(),
        empty={name for name, tensor in tensors.items() if local(tensor).numel() == 0},
        lacking=others.keys() - values.keys(),
    )
    reader.load_into(tensors)
    state.write(values)
    load_positions(save, also, mine["also"])
    if source.world_size == peers.world.world_size:
        write_random_state(mine["random"])
    else:  # more ranks than states, or fewer: streams that are new, different for each rank, and always the same
        seed_everything(store.run_id, save.step, rank, peers.world.world_size)


def _read_rest(store: CheckpointStore, save: Save, rank: int) -> dict[str, Any]:
    content = io.BytesIO(store.storage.read(f"{save.name}/{rank_folder(rank)}/{REST}"))
    rest: dict[str, Any] = torch.load(content, map_location="cpu", weights_only=False)
    return rest
