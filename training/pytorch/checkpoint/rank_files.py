"""The files of several ranks read as one checkpoint, whoever wrote which piece: torch plans, we read."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.distributed.checkpoint as dcp
from torch.distributed.checkpoint.default_planner import DefaultLoadPlanner
from torch.distributed.checkpoint.metadata import (
    ChunkStorageMetadata,
    Metadata,
    TensorProperties,
    TensorStorageMetadata,
)
from torch.distributed.checkpoint.planner import LoadPlan, LoadPlanner
from torch.distributed.checkpoint.storage import StorageReader
from torch.futures import Future

from training.pytorch.checkpoint.numbers import dtype_of, read_tensor
from training.pytorch.checkpoint.staging import local
from training.saves.manifest import Save, rank_folder
from training.saves.shards import Piece
from training.saves.storage import Storage
from training.saves.tensor_file import Entry, read_header

# Each rank reads by itself, on purpose; torch warns of it at every load
warnings.filterwarnings("ignore", message="torch.distributed is disabled, unavailable or uninitialized")

TENSORS = "tensors.safetensors"
"""What a rank writes of the model and the optimizer."""


class RankFilesReader(StorageReader):
    """Several files as one checkpoint."""

    def __init__(self, storage: Storage, save: Save, ranks: Sequence[int]) -> None:
        self._storage = storage
        self._found: dict[Piece, tuple[str, Entry]] = {}
        """Where each piece lies. Of a piece that several ranks wrote, any copy will do."""
        self._tensors: dict[str, Any] = {}
        for rank in ranks:
            file = f"{save.name}/{rank_folder(rank)}/{TENSORS}"
            for name, entry in read_header(storage, file).items():
                if (name, entry.offsets) in self._found:
                    continue
                self._found[name, entry.offsets] = file, entry
                chunk = ChunkStorageMetadata(offsets=torch.Size(entry.offsets), sizes=torch.Size(entry.shape))
                self._tensors.setdefault(name, _describe(entry)).chunks.append(chunk)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Of all tensors, whole, by name; none is empty."""
        return {name: tuple(tensor.size) for name, tensor in self._tensors.items()}

    def load_into(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Fill the tensors in place, cutting and joining pieces as needed."""
        filled = {name: tensor for name, tensor in tensors.items() if local(tensor).numel() > 0}
        dcp.load(filled, storage_reader=self, planner=DefaultLoadPlanner(), no_dist=True)

    def read_metadata(self, *args: Any, **kwargs: Any) -> Metadata:
        """The union of what the files hold."""
        return Metadata(state_dict_metadata=dict(self._tensors))

    def read_data(self, plan: LoadPlan, planner: LoadPlanner) -> Future[None]:
        """Copy each piece, or the part of it that is asked for, into the tensor that it belongs to."""
        for item in plan.items:
            assert item.storage_index.offset is not None
            file, entry = self._found[item.storage_index.fqn, tuple(item.storage_index.offset)]
            wanted = [slice(at, at + size) for at, size in zip(item.storage_offsets, item.lengths, strict=True)]
            target = planner.resolve_tensor(item)
            target.detach().copy_(read_tensor(self._storage, file, entry)[tuple(wanted)])
            planner.commit_tensor(item, target)
        done: Future[None] = Future()
        done.set_result(None)
        return done

    def reset(self, checkpoint_id: Any = None) -> None:
        """Nothing to do: a reader is for one checkpoint."""

    def set_up_storage_reader(self, metadata: Metadata, is_coordinator: bool, *args: Any, **kwargs: Any) -> None:
        """Nothing to do: the headers have been read."""

    def prepare_local_plan(self, plan: LoadPlan) -> LoadPlan:
        """Keep the plan: each rank reads what it needs."""
        return plan

    def prepare_global_plan(self, plans: list[LoadPlan]) -> list[LoadPlan]:
        """Keep the plans: ranks share no reads."""
        return plans

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: Any) -> bool:
        """Never called: the storage is given."""
        return True


def _describe(entry: Entry) -> TensorStorageMetadata:
    return TensorStorageMetadata(
        properties=TensorProperties(dtype=dtype_of(entry)), size=torch.Size(entry.whole), chunks=[]
    )
