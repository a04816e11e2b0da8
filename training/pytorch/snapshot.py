"""The state of a training run as named tensors and plain values: taken off the model, written, read back."""

import io
import pickle
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.distributed.checkpoint as dcp
from torch import nn
from torch.distributed.checkpoint.default_planner import DefaultLoadPlanner, create_default_global_save_plan
from torch.distributed.checkpoint.filesystem import FileSystemReader, FileSystemWriter
from torch.distributed.checkpoint.metadata import Metadata, MetadataIndex, TensorStorageMetadata
from torch.distributed.checkpoint.planner import SavePlan, SavePlanner, WriteItem
from torch.distributed.checkpoint.planner_helpers import _create_write_items
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.tensor import DTensor

from training.pytorch.manifest import Save, rank_folder
from training.pytorch.places import Place
from training.pytorch.save_files import ReadSlice, SaveFiles
from training.pytorch.shards import Piece

# Each rank writes its own folder, on purpose; torch warns of it at every save
warnings.filterwarnings("ignore", message="torch.distributed is disabled, unavailable or uninitialized")

FLAT = StateDictOptions(flatten_optimizer_state_dict=True)
MODEL, OPTIMIZER = "model.", "optimizer."


class TrainingState:
    """A model and its optimizer under names that do not change with the plan or the number of ranks."""

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer | None) -> None:
        self.model, self.optimizer = model, optimizer

    def model_tensors(self) -> dict[str, torch.Tensor]:
        """The model's own tensors, not copies of them."""
        return {MODEL + name: tensor for name, tensor in get_model_state_dict(self.model).items()}

    def read(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """All tensors, not copied, and the values too small to be worth a tensor file (counters, learning rates)."""
        everything: dict[str, Any] = self.model_tensors()
        if self.optimizer is not None:
            flat = get_optimizer_state_dict(self.model, self.optimizer, options=FLAT)
            everything.update({OPTIMIZER + name: value for name, value in flat.items()})
        tensors = {name: value for name, value in everything.items() if _is_large(value)}
        values = {name: value for name, value in everything.items() if name not in tensors}
        return tensors, values

    def write(self, tensors: Mapping[str, torch.Tensor], values: Mapping[str, Any]) -> None:
        """Put back what `read` gave; the model's tensors have been filled in place already."""
        model_values = {name.removeprefix(MODEL): value for name, value in values.items() if name.startswith(MODEL)}
        own = get_model_state_dict(self.model)
        for name, value in model_values.items():
            own[name].copy_(value)
        if self.optimizer is None:
            return
        flat = {**tensors, **values}
        flat = {name.removeprefix(OPTIMIZER): value for name, value in flat.items() if name.startswith(OPTIMIZER)}
        set_optimizer_state_dict(self.model, self.optimizer, flat, options=FLAT)


def _is_large(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.dim() > 0


def pieces_of(tensors: Mapping[str, torch.Tensor]) -> dict[Piece, int]:
    """The pieces of the tensors that this process holds, with their sizes in bytes."""
    return {_piece(item): _local(tensors[item.index.fqn]).nbytes for item in _write_items(tensors)}


def _write_items(tensors: Mapping[str, torch.Tensor]) -> list[WriteItem]:
    items = [item for name, tensor in tensors.items() for item in _create_write_items(name, tensor)]
    return [item for item in items if item.tensor_data.chunk.sizes.numel() > 0]


def _piece(item: WriteItem) -> Piece:
    return item.index.fqn, tuple(item.tensor_data.chunk.offsets)


def _local(tensor: torch.Tensor) -> torch.Tensor:
    return (tensor.to_local() if isinstance(tensor, DTensor) else tensor).detach()


class Staging:
    """Host memory that the tensors are copied into, kept from save to save."""

    def __init__(self) -> None:
        self._buffers: dict[str, torch.Tensor] = {}

    def copy(self, tensors: Mapping[str, torch.Tensor], writes: frozenset[Piece]) -> "StagedTensors":
        """Copy the pieces that this rank writes; the model may change again once this returns."""
        items = [item for item in _write_items(tensors) if _piece(item) in writes]
        names = [item.index.fqn for item in items]
        sources = [_local(tensors[name]) for name in names]
        for name, source in zip(names, sources, strict=True):
            held = self._buffers.get(name)
            if held is None or held.shape != source.shape or held.dtype != source.dtype:
                self._buffers[name] = torch.empty_like(source, device="cpu", pin_memory=source.is_cuda)
        if sources:
            torch._foreach_copy_([self._buffers[name] for name in names], sources, non_blocking=True)
        if any(source.is_cuda for source in sources):
            torch.cuda.synchronize()
        return StagedTensors(items, {item.index: self._buffers[item.index.fqn] for item in items})


class StagedTensors(SavePlanner):
    """Tensors that have been copied and the plan of writing them; no other rank is asked."""

    def __init__(self, items: Sequence[WriteItem], tensors: Mapping[MetadataIndex, torch.Tensor]) -> None:
        self._items, self._tensors = list(items), tensors

    def set_up_planner(self, state_dict: Any, storage_meta: Any = None, is_coordinator: bool = False) -> None:
        """Nothing to do: the plan is there."""

    def create_local_plan(self) -> SavePlan:
        """The pieces that this rank writes."""
        return SavePlan(self._items)

    def create_global_plan(self, all_plans: list[SavePlan]) -> tuple[list[SavePlan], Metadata]:
        """The same: each rank's folder is complete in itself."""
        plans, metadata = create_default_global_save_plan(all_plans)
        return plans, metadata

    def finish_plan(self, new_plan: SavePlan) -> SavePlan:
        """Unchanged."""
        return new_plan

    def resolve_data(self, write_item: WriteItem) -> torch.Tensor:
        """The copied tensor."""
        return self._tensors[write_item.index]

    def write(self, files: SaveFiles, folder: str) -> None:
        """Write the tensors into an existing folder."""
        writer = FileSystemWriter(folder, sync_files=False)
        writer.fs, writer.path = files, folder
        dcp.save({}, storage_writer=writer, planner=self, no_dist=True)


class UnitedReader(FileSystemReader):
    """Reads the folders of several ranks as one checkpoint, whoever wrote which piece."""

    def __init__(self, place: Place, save: Save, ranks: Sequence[int]) -> None:
        super().__init__(save.name)
        self.fs, self.path = SaveFiles(place), save.name
        self._place, self._folders = place, [rank_folder(rank) for rank in ranks]

    def read_metadata(self, *args: Any, **kwargs: Any) -> Metadata:
        """The union of what the ranks' folders hold."""
        united = Metadata(state_dict_metadata={}, storage_data={})
        for folder in self._folders:
            part = pickle.loads(self._place.read(f"{self.path}/{folder}/.metadata"))
            for name, entry in part.state_dict_metadata.items():
                _unite(united.state_dict_metadata.setdefault(name, entry), entry)
            for index, place in part.storage_data.items():
                place.relative_path = f"{folder}/{place.relative_path}"
                united.storage_data[index] = place
        return united

    def _slice_file(self, file: ReadSlice, sinfo: Any) -> io.BytesIO:
        return io.BytesIO(file(sinfo.offset, sinfo.length))


def _unite(known: TensorStorageMetadata, more: TensorStorageMetadata) -> None:
    seen = {tuple(chunk.offsets) for chunk in known.chunks}
    known.chunks.extend(chunk for chunk in more.chunks if tuple(chunk.offsets) not in seen)


def load_into(tensors: Mapping[str, torch.Tensor], place: Place, save: Save, ranks: Sequence[int]) -> None:
    """Fill the tensors in place from the folders of the given ranks, cutting and joining pieces as needed."""
    reader = UnitedReader(place, save, ranks)
    dcp.load(dict(tensors), storage_reader=reader, planner=DefaultLoadPlanner(), no_dist=True)
