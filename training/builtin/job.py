"""A job of a built-in algorithm: its hyperparameters by their types, and its channels as matrices."""

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.builtin.protobuf import DamagedRecord, records, to_matrix

Matrix = NDArray[Any]


class UserError(Exception):
    """Something that the user can change; the message says what."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Labelled:
    """Rows with what is to be predicted of each; of a table without labels, none."""

    matrix: Matrix
    labels: Matrix


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What a training container finds under /opt/ml."""

    base: Path
    hyperparameters: Mapping[str, str]
    content_types: Mapping[str, str | None]
    """Of each channel."""

    @property
    def model(self) -> Path:
        """The folder of the model, made if need be."""
        folder = self.base / "model"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def text(self, name: str, default: str | None = None, *, choices: Sequence[str] = ()) -> str:
        """A hyperparameter's text; without a default it must be there."""
        value = self.hyperparameters.get(name, default)
        if value is None:
            raise UserError(f"the hyperparameter {name} is required")
        if choices and value not in choices:
            raise UserError(f"the hyperparameter {name} is {value!r}; it can be {', '.join(choices)}")
        return value

    def number(
        self, name: str, default: float | None = None, *, low: float = -math.inf, high: float = math.inf
    ) -> float:
        """A hyperparameter's number within its range."""
        text = self.text(name, None if default is None else repr(default))
        try:
            value = float(text)
        except ValueError:
            raise UserError(f"the hyperparameter {name} is {text!r}, and no number") from None
        if not low <= value <= high:
            raise UserError(f"the hyperparameter {name} is {text}; it must be from {low:g} to {high:g}")
        return value

    def whole(self, name: str, default: int | None = None, *, low: float = -math.inf, high: float = math.inf) -> int:
        """A hyperparameter's whole number."""
        value = self.number(name, default, low=low, high=high)
        if not value.is_integer():
            raise UserError(f"the hyperparameter {name} is {value:g}, and no whole number")
        return int(value)

    def has(self, channel: str) -> bool:
        """Whether the job has a channel."""
        return channel in self.content_types

    def files(self, channel: str) -> Sequence[Path]:
        """A channel's files, in order; at least one."""
        if not self.has(channel):
            raise UserError(f"the channel {channel} is required")
        files = sorted(path for path in (self.base / "input" / "data" / channel).rglob("*") if path.is_file())
        if not files:
            raise UserError(f"the channel {channel} holds no file")
        return files

    def kind(self, channel: str, default: str) -> str:
        """A channel's content type, without its parameters."""
        return (self.content_types.get(channel) or default).split(";")[0].strip().lower()

    def read(self, channel: str, *, labelled: bool = True, width: int | None = None) -> Labelled:
        """A channel's rows, in the format that its ContentType names."""
        files = self.files(channel)
        kind = self.kind(channel, "text/libsvm")
        if kind in ("text/csv", "csv"):
            offset = 0 if not labelled or "label_size=0" in (self.content_types[channel] or "") else 1
            return _csv(files, offset)
        if kind in ("text/libsvm", "text/x-libsvm", "libsvm"):
            return _libsvm(files, width)
        if kind in ("application/x-recordio-protobuf", "x-recordio-protobuf"):
            return _protobuf(files)
        raise UserError(
            f"the channel {channel} has the content type {kind!r}; the stand-in reads text/csv, text/libsvm "
            "and application/x-recordio-protobuf"
        )


def read_job(base: Path) -> Job:
    """Read what SageMaker has written for the container."""
    config = base / "input" / "config"
    given = json.loads((config / "hyperparameters.json").read_text())
    channels = json.loads((config / "inputdataconfig.json").read_text())
    return Job(
        base=base,
        hyperparameters={key: str(value) for key, value in given.items()},
        content_types={name: channel.get("ContentType") for name, channel in channels.items()},
    )


def _csv(files: Sequence[Path], offset: int) -> Labelled:
    rows: list[list[float]] = []
    for path in files:
        with path.open(newline="") as file:
            for number, row in enumerate(csv.reader(file), start=1):
                if not row:
                    continue
                try:
                    rows.append([float(cell) if cell.strip() else math.nan for cell in row])
                except ValueError:
                    cell = next(cell for cell in row if not _is_number(cell))
                    raise UserError(f"non-numeric value {cell!r} in line {number} of {path.name}") from None
                if len(rows[-1]) != len(rows[0]):
                    raise UserError(f"line {number} of {path.name} has {len(row)} values, and others {len(rows[0])}")
    if not rows:
        raise UserError(f"{files[0].name} is empty")
    matrix = np.array(rows)
    return Labelled(matrix=matrix[:, offset:], labels=matrix[:, 0] if offset else np.array([]))


def _libsvm(files: Sequence[Path], width: int | None) -> Labelled:
    rows: list[dict[int, float]] = []
    labels: list[float] = []
    for path in files:
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            words = line.split("#")[0].split()
            if not words:
                continue
            try:
                labels.append(float(words[0].split(":")[0]))
                pairs = [word.split(":") for word in words[1:]]
                rows.append({int(index): float(value) for index, value in pairs})
            except ValueError:
                raise UserError(f"line {number} of {path.name} is no libsvm line: {line[:60]!r}") from None
    if not rows:
        raise UserError(f"{files[0].name} is empty")
    found = 1 + max((max(row, default=0) for row in rows), default=0)
    matrix = np.zeros((len(rows), found if width is None else max(found, width)))
    for index, row in enumerate(rows):
        for place, value in row.items():
            matrix[index, place] = value
    return Labelled(matrix=matrix, labels=np.array(labels))


def _protobuf(files: Sequence[Path]) -> Labelled:
    found = []
    for path in files:
        try:
            found += list(records(path.read_bytes()))
        except DamagedRecord as error:
            raise UserError(f"{path.name}: {error}") from error
    if not found:
        raise UserError(f"{files[0].name} is empty")
    try:
        matrix = to_matrix([tensor for tensor, _ in found])
    except DamagedRecord as error:
        raise UserError(f"{files[0].name}: {error}") from error
    labels = [label.values[0] for _, label in found if label is not None and len(label.values)]
    if labels and len(labels) != len(found):
        raise UserError(f"{len(found) - len(labels)} records of {files[0].name} have no label")
    return Labelled(matrix=matrix, labels=np.array(labels, dtype=float))


def _is_number(text: str) -> bool:
    try:
        float(text) if text.strip() else 0.0
    except ValueError:
        return False
    return True
