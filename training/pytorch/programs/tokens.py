"""A channel's text as one long row of tokens: bytes as they are, or tokens made before and mapped into memory."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy
import torch
from torch import Tensor

from training.data.arrays import open_array, open_numbers
from training.data.errors import DataError

TEXT_SUFFIXES = (".txt", ".md", ".py", ".json", ".jsonl", ".csv")


class NoTokens(DataError):
    """The channel holds no tokens, or tokens that the model does not know."""


class Tokens:
    """All files of a folder, end to end; nothing is read before it is asked for."""

    def __init__(self, parts: Sequence[numpy.ndarray]) -> None:
        self._parts = list(parts)
        self._ends = numpy.cumsum([len(part) for part in parts])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def read(self, start: int, count: int) -> numpy.ndarray:
        """`count` tokens from position `start`."""
        pieces = []
        while count > 0:
            part = int(numpy.searchsorted(self._ends, start, side="right"))
            offset = start - (int(self._ends[part - 1]) if part else 0)
            piece = self._parts[part][offset : offset + count]
            pieces.append(piece)
            start, count = start + len(piece), count - len(piece)
        return pieces[0] if len(pieces) == 1 else numpy.concatenate(pieces)

    def windows(self, context: int) -> int:
        """How many samples of `context` tokens and their next ones fit."""
        return max(0, (len(self) - 1) // context)

    def batch(self, windows: Iterable[int], context: int) -> tuple[Tensor, Tensor]:
        """Inputs and targets of some windows, each [n, context]."""
        rows = numpy.stack([self.read(int(window) * context, context + 1) for window in windows]).astype(numpy.int64)
        tokens = torch.from_numpy(rows)
        return tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()


def read_tokens(files: Sequence[Path], *, vocabulary: int, tokenizer: Path | None = None) -> Tokens:
    """The tokens of a channel's files: `*.npy` or `*.bin` (uint16) are token numbers, other files are text.

    Text is taken as bytes, or cut by a tokenizer file (the `tokenizers` package's tokenizer.json).
    """
    ready = [path for path in files if path.suffix in (".npy", ".bin")]
    texts = [path for path in files if path.suffix in TEXT_SUFFIXES and path.stat().st_size > 0]
    if ready:
        parts = [_map(path) for path in ready]
    elif tokenizer is not None:
        parts = _tokenize(texts, tokenizer)
    else:
        parts = [open_numbers(str(path), "uint8") for path in texts]
    parts = [part for part in parts if len(part) > 0]
    if not parts:
        raise NoTokens(f"{files[0].parent} holds no *.npy or *.bin of tokens and no text ({', '.join(TEXT_SUFFIXES)})")
    _check_vocabulary(parts, vocabulary, files[0].parent)
    return Tokens(parts)


def _map(path: Path) -> numpy.ndarray:
    if path.suffix == ".npy":
        tokens: numpy.ndarray = open_array(str(path))
        if tokens.ndim != 1 or tokens.dtype.kind not in "iu":
            raise NoTokens(
                f"{path}: tokens must be one row of whole numbers, not {tokens.dtype} of shape {tokens.shape}"
            )
        return tokens
    numbers: numpy.ndarray = open_numbers(str(path), "uint16")
    return numbers


def _tokenize(texts: Sequence[Path], tokenizer: Path) -> list[numpy.ndarray]:
    if not tokenizer.is_file():
        raise NoTokens(f"there is no tokenizer file {tokenizer}")
    try:
        from tokenizers import Tokenizer  # only where a tokenizer file is used: the image does not need it
    except ImportError as error:
        raise NoTokens(
            "a tokenizer file needs the package tokenizers: add it to the image's requirements.txt"
        ) from error
    try:
        cutter: Any = Tokenizer.from_file(str(tokenizer))
    except Exception as error:  # it raises nothing more exact
        raise NoTokens(f"{tokenizer} is no tokenizer.json that can be read: {error}") from error
    return [numpy.array(cutter.encode(_text(path)).ids, dtype=numpy.int32) for path in texts]


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise NoTokens(f"{path} is not UTF-8 at byte {error.start}, and a tokenizer takes text") from error


def _check_vocabulary(parts: Sequence[numpy.ndarray], vocabulary: int, folder: Path) -> None:
    """Look at the beginning of each file: a wrong vocabulary would only show as an error deep inside the model."""
    largest = max(int(part[:65536].max()) for part in parts)
    smallest = min(int(part[:65536].min()) for part in parts)
    if smallest < 0:
        raise NoTokens(f"{folder} has token {smallest}: tokens are numbered from 0")
    if largest >= vocabulary:
        raise NoTokens(f"{folder} has token {largest} and the model knows 0 to {vocabulary - 1}: choose another preset")
