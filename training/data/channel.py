"""From a channel's name to its files: the same for File, FastFile and Pipe mode."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from training.data.errors import DataError

Mode = Literal["File", "FastFile", "Pipe"]
Distribution = Literal["FullyReplicated", "ShardedByS3Key"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Channel:
    """One input channel as this node sees it."""

    name: str
    folder: Path
    """Where its files are. In Pipe mode a pipe for each epoch stands beside it: `<folder>_0`, `<folder>_1`, ..."""

    mode: Mode = "File"
    distribution: Distribution = "FullyReplicated"

    def files(self) -> tuple[Path, ...]:
        """Its files, sorted by name, without hidden ones and without SageMaker's manifests."""
        if not self.folder.is_dir():
            raise DataError(f"the channel {self.name!r} has no folder {self.folder}: is it among the job's channels?")
        files = tuple(Path(path) for path in sorted(_walk(str(self.folder))))
        if not files:
            raise DataError(f"the channel {self.name!r} is empty: {self.folder} holds no file")
        return files

    def pipe(self, epoch: int) -> Path:
        """The pipe that carries one epoch in Pipe mode; each can be read once."""
        return self.folder.with_name(f"{self.folder.name}_{epoch}")


def resolve(name: str, environ: Mapping[str, str] = os.environ) -> Channel:
    """Find a channel by name, from the contract's variables or from the folder where SageMaker would put it."""
    base = Path(environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
    channels: dict[str, dict[str, str]] = json.loads(environ.get("SM_INPUT_DATA_CONFIG", "{}"))
    if not channels:
        config = base / "input" / "config" / "inputdataconfig.json"
        channels = json.loads(config.read_text()) if config.is_file() else {}
    folder = Path(environ.get(f"SM_CHANNEL_{name.upper()}", str(base / "input" / "data" / name)))
    settings = channels.get(name)
    if settings is None:
        if not folder.is_dir():
            known = ", ".join(sorted(channels)) or "none"
            raise DataError(f"the job has no channel {name!r}; its channels: {known}")
        settings = {}
    return Channel(
        name=name,
        folder=folder,
        mode=_mode(settings.get("TrainingInputMode", "File"), name),
        distribution=_distribution(settings.get("S3DistributionType", "FullyReplicated"), name),
    )


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


def _walk(folder: str) -> Iterator[str]:
    """The files below a folder; scandir knows what is a file without asking for each."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                yield from _walk(entry.path)
            elif not entry.name.endswith("-manifest"):
                yield entry.path
