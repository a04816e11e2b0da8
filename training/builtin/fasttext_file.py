"""The model file of fastText, version 12, which BlazingText writes too: `fasttext predict model.bin -` reads it.

By the sources of fastText 0.9 (args.cc, dictionary.cc, densematrix.cc): little-endian numbers one after another.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from training.builtin.job import Matrix

END = "</s>"
"""The word that fastText sees at the end of each line."""
_MAGIC, _VERSION = 793_712_314, 12
_SOFTMAX, _SUPERVISED = 3, 3
_WORD, _LABEL = 0, 1
_NOT_PRUNED = -1
_WINDOW, _NEGATIVES, _UPDATE_RATE, _SAMPLING = 5, 5, 100, 1e-4
"""What the classifier does not use, as fastText has it by default."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Vectors:
    """A classifier: a vector of each word and bucket of n-grams, and one of each label."""

    words: Mapping[str, int]
    """Each word, the most frequent first, with how often it comes."""
    labels: Mapping[str, int]
    ngrams: int
    """The longest run of words that counts."""
    buckets: int
    """The rows that the n-grams share."""
    epochs: int
    least_count: int
    inputs: Matrix
    outputs: Matrix


def hash_of(word: str) -> int:
    """FNV-1a of 32 bits, with the bytes as signed numbers."""
    value = 2_166_136_261
    for byte in word.encode():
        value = ((value ^ (byte | 0xFFFFFF00 if byte > 127 else byte)) * 16_777_619) & 0xFFFFFFFF
    return value


def ngrams(hashes: Sequence[int], longest: int) -> Iterator[int]:
    """The number of each run of two words to `longest`, before it is brought into the buckets."""
    signed = [value - (1 << 32) if value >> 31 else value for value in hashes]
    for start, first in enumerate(signed):
        number = first % (1 << 64)
        for following in signed[start + 1 : start + longest]:
            number = (number * 116_049_371 + following) % (1 << 64)
            yield number


def write(path: Path, model: Vectors) -> None:
    """Write a model."""
    settings = (model.inputs.shape[1], _WINDOW, model.epochs, model.least_count, _NEGATIVES, model.ngrams)
    more = (_SOFTMAX, _SUPERVISED, model.buckets, 0, 0, _UPDATE_RATE)
    entries = [(word, count, _WORD) for word, count in model.words.items()]
    entries += [(label, count, _LABEL) for label, count in model.labels.items()]
    tokens = sum(count for _, count, _ in entries)
    with path.open("wb") as file:
        file.write(struct.pack("<2i12id", _MAGIC, _VERSION, *settings, *more, _SAMPLING))
        file.write(struct.pack("<3i2q", len(entries), len(model.words), len(model.labels), tokens, _NOT_PRUNED))
        for text, count, kind in entries:
            file.write(text.encode() + b"\0" + struct.pack("<qb", count, kind))
        for matrix in (model.inputs, model.outputs):
            _write_matrix(file, matrix)


def _write_matrix(file: BinaryIO, matrix: Matrix) -> None:
    file.write(struct.pack("<?2q", False, *matrix.shape))
    file.write(matrix.astype("<f4").tobytes())
