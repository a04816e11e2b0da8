"""What a checkpoint is on disk, and which of several can be used: pure, no torch, no process group.

    <checkpoint folder>/<run id>/
        latest.json                      the newest checkpoint that every rank finished; rank 0 writes it
        step-00000120-g2/                one save: step 120, written by the second start of this run
            rank-00003/                  what rank 3 alone wrote
                tensors.safetensors      the tensors of model and optimizer, or the pieces of them that are here
                state.pt                 random states, position in the data, scheduler, plain values
                manifest.json            written last: sizes and sha256 of the files beside it

A rank's folder without a sound manifest does not exist, as far as a reader is concerned.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from contract.saves import MANIFEST, SAVE
from training.saves.storage import Storage

FORMAT = 2
CHUNK_BYTES = 1 << 22


class Damaged(Exception):
    """A file of a checkpoint is missing, cut short or changed; the message names the file."""


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Save:
    """One save of a run: `step-00000120-g2` sorts after `step-00000120-g1` and `step-00000110-g9`."""

    step: int
    """The number of finished steps."""
    generation: int
    """How many times the run had been started: a save is never written into an older one's folder."""

    @property
    def name(self) -> str:
        """The folder's name."""
        return f"step-{self.step:08d}-g{self.generation}"

    @classmethod
    def parse(cls, name: str) -> "Save | None":
        """The save that a folder's name means, or None for any other folder."""
        found = SAVE.fullmatch(name)
        return cls(step=int(found[1]), generation=int(found[2])) if found else None


@dataclass(frozen=True, kw_only=True, slots=True)
class FileEntry:
    """One file, as it must be."""

    bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What one rank wrote in one save."""

    run_id: str
    step: int
    generation: int
    rank: int
    world_size: int
    layout: str
    """A digest of how the model was cut over all ranks: equal layouts resume in place, others re-shard."""
    needs: tuple[int, ...]
    """The ranks of the same node whose files this rank needs to resume in place; itself among them."""
    files: Mapping[str, FileEntry]

    def encode(self) -> bytes:
        """The manifest as JSON, with a digest of itself: a flipped bit in it is found as well."""
        body = {"format": FORMAT, **asdict(self)}
        body["files"] = {name: asdict(entry) for name, entry in sorted(self.files.items())}
        return json.dumps({**body, "sha256": _digest_of(body)}, indent=1).encode()

    @classmethod
    def decode(cls, data: bytes, where: str) -> "Manifest":
        """Read a manifest back; raises Damaged, naming `where`, when it is not what was written."""
        try:
            body = json.loads(data)
            digest = body.pop("sha256")
            sound = digest == _digest_of(body)
            form = body.pop("format")
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise Damaged(f"{where} is not a manifest: {error}") from error
        if not sound:
            raise Damaged(f"{where} does not match its own sha256")
        if form != FORMAT:
            raise Damaged(f"{where} has format {form} and this version reads format {FORMAT} only")
        files = {name: FileEntry(**entry) for name, entry in body.pop("files").items()}
        return cls(**{**body, "needs": tuple(body["needs"]), "files": files})


def _digest_of(body: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def rank_folder(rank: int) -> str:
    """The name of the folder that one rank writes: unique, so that the nodes' folders can be united."""
    return f"rank-{rank:05d}"


def hash_file(storage: Storage, name: str) -> FileEntry:
    """Size and sha256 of a file."""
    digest, size = hashlib.sha256(), 0
    with storage.open(name) as stream:
        while block := stream.read(CHUNK_BYTES):
            digest.update(block)
            size += len(block)
    return FileEntry(bytes=size, sha256=digest.hexdigest())


def read_manifest(storage: Storage, save: Save, rank: int) -> Manifest:
    """The manifest of one rank in one save; raises Damaged when there is none or it is not sound."""
    where = f"{save.name}/{rank_folder(rank)}/{MANIFEST}"
    try:
        data = storage.read(where)
    except FileNotFoundError as error:
        raise Damaged(f"{where} is missing: the save was not finished") from error
    except OSError as error:
        raise Damaged(f"{where} cannot be read: {error.strerror}") from error
    manifest = Manifest.decode(data, where)
    if save != Save(step=manifest.step, generation=manifest.generation) or manifest.rank != rank:
        raise Damaged(f"{where} is the manifest of rank {manifest.rank} at step {manifest.step}")
    return manifest


def verify(storage: Storage, manifest: Manifest) -> None:
    """Compare the files of one rank with its manifest; raises Damaged with the first that differs."""
    save = Save(step=manifest.step, generation=manifest.generation)
    for name, expected in manifest.files.items():
        where = f"{save.name}/{rank_folder(manifest.rank)}/{name}"
        try:
            found = hash_file(storage, where)
        except OSError as error:
            raise Damaged(f"{where} cannot be read: {error.strerror}") from error
        if found.bytes != expected.bytes:
            raise Damaged(f"{where} has {found.bytes} bytes instead of {expected.bytes}")
        if found.sha256 != expected.sha256:
            raise Damaged(f"{where} does not match its sha256")


def ranks_needed(rank: int, world_size: int, layout: str, manifests: Mapping[int, Manifest]) -> tuple[int, ...] | None:
    """The ranks whose files `rank` has to read to go on from this save, or None if they are not all here.

    Equal world size and layout: what the rank's own manifest says, which its own node has. Anything else is
    re-sharding and takes the files of every rank that wrote, which only a united folder has.
    """
    own = manifests.get(rank)
    if own is not None and own.world_size == world_size and own.layout == layout:
        return own.needs if set(own.needs) <= set(manifests) else None
    if not manifests:
        return None
    writers = next(iter(manifests.values())).world_size
    return tuple(range(writers)) if set(range(writers)) <= set(manifests) else None


def newest_first(offers: Iterable[Iterable[Save]]) -> list[Save]:
    """The saves that every rank can use, the newest first."""
    common: set[Save] | None = None
    for offer in offers:
        common = set(offer) if common is None else common & set(offer)
    return sorted(common or (), reverse=True)
