"""From a channel's name to its files: the same for File, FastFile and Pipe mode."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, get_args

from contract.paths import base_folder
from training.data import s3
from training.data.errors import DataError
from training.data.media import File

Mode = Literal["File", "FastFile", "Pipe"]
Distribution = Literal["FullyReplicated", "ShardedByS3Key"]
MOUNTS = Path("/proc/mounts")
"""What is mounted where, by file system."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Channel:
    """One input channel as this node sees it."""

    name: str
    folder: Path
    """Where its files are. In Pipe mode a pipe for each epoch stands beside it: `<folder>_0`, `<folder>_1`, ..."""

    mode: Mode = "File"
    distribution: Distribution = "FullyReplicated"
    prefix: str | None = None
    """Where its objects are, when they are read straight from S3 and `folder` does not count."""

    @property
    def root(self) -> str:
        """What the files' names begin with, in front of their names in the channel."""
        return f"{self.folder}/" if self.prefix is None else self.prefix.rpartition("/")[0] + "/"

    def sources(self) -> tuple[File, ...]:
        """Its files or objects, sorted by name, without hidden ones, markers and SageMaker's manifests."""
        if self.prefix is None:
            return self.files()
        start = len(self.prefix)
        objects = tuple(found for found in s3.list_objects(self.prefix) if _is_data(found.uri[start:], found.size))
        if not objects:
            raise DataError(f"the channel {self.name!r} is empty: no object's key begins with {self.prefix}")
        return objects

    def files(self) -> tuple[Path, ...]:
        """The same for who reads the files by path: they have to be on this node."""
        if self.prefix is not None:
            raise DataError(
                f"the channel {self.name!r} is {self.prefix}, and this program wants files: make it a channel of the "
                "job in File or FastFile mode, or read it with channel()"
            )
        if self.mode == "Pipe":
            raise DataError(
                f"the channel {self.name!r} is in Pipe mode, and this program reads files: set the channel's mode to "
                "File or FastFile"
            )
        if not self.folder.is_dir():
            raise DataError(f"the channel {self.name!r} has no folder {self.folder}: is it among the job's channels?")
        try:
            files = tuple(Path(path) for path in sorted(_walk(str(self.folder))))
        except OSError as error:
            where = f"{error.filename}: {error.strerror}"
            raise DataError(f"the files of the channel {self.name!r} cannot be listed: {where}") from error
        if not files:
            raise DataError(f"the channel {self.name!r} is empty: {self.folder} holds no file")
        return files

    def pipe(self, epoch: int) -> Path:
        """The pipe that carries one epoch in Pipe mode; each can be read once."""
        return self.folder.with_name(f"{self.folder.name}_{epoch}")


def resolve(name: str, environ: Mapping[str, str] = os.environ) -> Channel:
    """Find a channel by name, from the contract's variables or from the folder where SageMaker would put it.

    An address in S3, as the name itself or as SM_CHANNEL_<NAME>, is read straight from there by all ranks.
    """
    if s3.is_s3(name):
        return Channel(name=name, folder=Path(), prefix=name)
    if not name:
        raise DataError("a channel has a name, and this one is empty")
    base = base_folder(environ)
    channels: dict[str, dict[str, str]] = json.loads(environ.get("SM_INPUT_DATA_CONFIG", "{}"))
    if not channels:
        config = base / "input" / "config" / "inputdataconfig.json"
        channels = json.loads(config.read_text()) if config.is_file() else {}

    def place_of(channel: str) -> str:
        return environ.get(f"SM_CHANNEL_{channel.upper()}", str(base / "input" / "data" / channel))

    place = place_of(name)
    if s3.is_s3(place):
        return Channel(name=name, folder=Path(), prefix=place)
    folder = Path(place)
    # Scripts often hand over SM_CHANNEL_TRAIN's folder: that is the channel `train`, with its mode and distribution
    name = next((known for known in channels if name != known and Path(place_of(known)) == folder), name)
    settings = channels.get(name)
    if settings is None:
        if not folder.is_dir():
            raise DataError(_no_channel(name, channels, environ))
        settings = {}
    mode = _mode(settings.get("TrainingInputMode", "File"), name)
    return Channel(
        name=name,
        folder=folder,
        mode="FastFile" if mode == "File" and _is_fetched(folder) else mode,
        distribution=_distribution(settings.get("S3DistributionType", "FullyReplicated"), name),
    )


def _is_fetched(folder: Path) -> bool:
    """Whether a folder's files are fetched when they are read: SageMaker tells of FastFile mode as of File mode.

    Such a channel is a file system of a program (FUSE), below the container's own root, which may be one too.
    """
    try:
        mounts = [line.split(" ")[1:3] for line in MOUNTS.read_text(encoding="utf-8").splitlines()]
    except OSError:  # no Linux
        return False
    holding = [(place, kind) for place, kind in mounts if place != "/" and folder.is_relative_to(place)]
    return bool(holding) and max(holding)[1].startswith("fuse")


def _no_channel(name: str, channels: Mapping[str, object], environ: Mapping[str, str]) -> str:
    """What there is instead; without a launcher the variables alone say it."""
    start = "SM_CHANNEL_"
    by_hand = {key.removeprefix(start) for key in environ if key.startswith(start)}
    by_hand -= {known.upper() for known in channels}
    known = sorted({*channels, *(key.lower() for key in by_hand)})
    near = get_close_matches(name, known, n=1)
    guess = f"; did you mean {near[0]!r}?" if near else ""
    return f"the job has no channel {name!r}; its channels: {', '.join(known) or 'none'}{guess}"


def _mode(value: str, name: str) -> Mode:
    for known in get_args(Mode):
        if value == known:
            return known  # type: ignore[no-any-return]  # get_args forgets the type
    raise DataError(f"the channel {name!r} has the input mode {value!r}; known: {', '.join(get_args(Mode))}")


def _distribution(value: str, name: str) -> Distribution:
    for known in get_args(Distribution):
        if value == known:
            return known  # type: ignore[no-any-return]  # get_args forgets the type
    known_ones = ", ".join(get_args(Distribution))
    raise DataError(f"the channel {name!r} has the distribution {value!r}; known: {known_ones}")


def _is_data(name: str, size: int) -> bool:
    """What `_walk` finds, by the part of the key behind the prefix."""
    parts = name.split("/")
    is_marker = parts[-1].startswith("_") and size == 0
    return not (is_marker or name.endswith("-manifest") or any(part.startswith(".") for part in parts))


def _walk(folder: str) -> Iterator[str]:
    """The files below a folder; scandir knows what is a file without asking for each."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                yield from _walk(entry.path)
            # An empty _SUCCESS or its like says something of the others
            elif entry.name.startswith("_") and entry.stat().st_size == 0:
                continue
            elif not entry.name.endswith("-manifest"):
                yield entry.path
