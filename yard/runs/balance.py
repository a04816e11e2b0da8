"""How SageMaker distributes data over nodes, and how to cut data so that all get the same amount."""

import io
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """One node's share of a sharded channel."""

    node: str
    objects: int
    size: int


def shares(objects: Sequence[tuple[str, int]], nodes: int) -> list[Share]:
    """Deal (key, bytes) pairs to the nodes in turn, in key order, as SageMaker shards a channel by key."""
    ordered = sorted(objects)
    dealt = [ordered[first::nodes] for first in range(nodes)]
    return [
        Share(node=f"algo-{number + 1}", objects=len(part), size=sum(size for _, size in part))
        for number, part in enumerate(dealt)
    ]


def imbalance_percent(found: Sequence[Share]) -> float:
    """How much more than the mean the node with the most gets."""
    mean = sum(share.size for share in found) / len(found)
    return 0.0 if mean == 0 else 100 * (max(share.size for share in found) / mean - 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """The files that belong together: the same path up to the first dot of the name, as in webdataset's shards."""

    key: str
    files: Mapping[str, Path]
    """By the name below the folder."""
    size: int


def samples(files: Mapping[str, Path]) -> list[Sample]:
    """Every sample among files, which are given by their names below the folder."""
    groups: dict[str, dict[str, Path]] = {}
    for name, path in files.items():
        folder, slash, last = name.rpartition("/")
        groups.setdefault(folder + slash + last.split(".", 1)[0], {})[name] = path
    return [
        Sample(key=key, files=found, size=sum(file.stat().st_size for file in found.values()))
        for key, found in groups.items()
    ]


def cut(found: Sequence[Sample], count: int) -> list[list[Sample]]:
    """Divide samples into shards with equal numbers of samples, give or take one, and similar sizes.

    Training steps count samples, so equal numbers come first. Dealing out the largest first, back and forth, keeps
    the sizes similar as well.
    """
    shards: list[list[Sample]] = [[] for _ in range(count)]
    ordered = sorted(found, key=lambda sample: (-sample.size, sample.key))
    for number, sample in enumerate(ordered):
        lap, index = divmod(number, count)
        shards[index if lap % 2 == 0 else count - 1 - index].append(sample)
    return [sorted(shard, key=lambda sample: sample.key) for shard in shards]


def write_shards(found: Sequence[Sample], count: int, to: Path) -> Iterator[Path]:
    """Write samples as `shard-00000.tar`, ...; the same files always give the same bytes.

    A name that is too long for the old format gets a header of its own.
    """
    to.mkdir(parents=True, exist_ok=True)
    for number, shard in enumerate(cut(found, count)):
        path = to / f"shard-{number:05d}.tar"
        with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
            for sample in shard:
                for name, file in sample.files.items():
                    content = file.read_bytes()
                    entry = tarfile.TarInfo(name)
                    entry.size = len(content)
                    archive.addfile(entry, io.BytesIO(content))
        yield path
