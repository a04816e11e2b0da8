"""The model file of fastText, version 12, which BlazingText writes and reads too: so does `fasttext predict`.

By the sources of fastText 0.9 (args.cc, dictionary.cc, densematrix.cc): little-endian numbers one after another.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from training.builtin.job import Matrix

END = "</s>"
"""The word that fastText sees at the end of each line."""
_MAGIC, _VERSION = 793_712_314, 12
_SOFTMAX, _SUPERVISED = 3, 3
_SETTINGS, _DICTIONARY, _SHAPE = struct.Struct("<2i12id"), struct.Struct("<3i2q"), struct.Struct("<?2q")
_ENTRY = struct.Struct("<qb")
_WORD, _LABEL = 0, 1
_NOT_PRUNED = -1
_WINDOW, _NEGATIVES, _UPDATE_RATE, _SAMPLING = 5, 5, 100, 1e-4
"""What the classifier does not use, as fastText has it by default."""


class Unreadable(Exception):
    """The file is no classifier of this kind; the message says what it is."""


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
        file.write(_SETTINGS.pack(_MAGIC, _VERSION, *settings, *more, _SAMPLING))
        file.write(_DICTIONARY.pack(len(entries), len(model.words), len(model.labels), tokens, _NOT_PRUNED))
        for text, count, kind in entries:
            file.write(text.encode() + b"\0" + _ENTRY.pack(count, kind))
        for matrix in (model.inputs, model.outputs):
            _write_matrix(file, matrix)


def _write_matrix(file: BinaryIO, matrix: Matrix) -> None:
    file.write(_SHAPE.pack(False, *matrix.shape))
    file.write(matrix.astype("<f4").tobytes())


def read(path: Path) -> Vectors:
    """Read a classifier, of ours or fastText's, that has neither subwords nor been made smaller."""
    data = path.read_bytes()
    try:
        return _read(data)
    except (struct.error, ValueError, UnicodeDecodeError) as error:
        raise Unreadable(f"it is damaged: {error}") from error


def _read(data: bytes) -> Vectors:
    magic, version, _, _, epochs, least, _, ngrams, loss, kind, _, _, longest, *_ = _SETTINGS.unpack_from(data)
    if (magic, version) != (_MAGIC, _VERSION):
        raise Unreadable(f"it is no model of fastText's version {_VERSION}")
    if (loss, kind) != (_SOFTMAX, _SUPERVISED):
        raise Unreadable("it is no classifier with a softmax")
    entries, _, _, _, pruned = _DICTIONARY.unpack_from(data, _SETTINGS.size)
    if longest or pruned >= 0:
        raise Unreadable("it has subwords, or has been quantized")
    place = _SETTINGS.size + _DICTIONARY.size
    found: tuple[dict[str, int], dict[str, int]] = ({}, {})
    for _ in range(entries):
        end = data.index(b"\0", place)
        count, is_label = _ENTRY.unpack_from(data, end + 1)
        found[is_label][data[place:end].decode()] = count
        place = end + 1 + _ENTRY.size
    inputs, place = _read_matrix(data, place)
    outputs, _ = _read_matrix(data, place)
    words, labels = found
    return Vectors(
        words=words,
        labels=labels,
        ngrams=ngrams,
        buckets=len(inputs) - len(words),
        epochs=epochs,
        least_count=least,
        inputs=inputs,
        outputs=outputs,
    )


def _read_matrix(data: bytes, place: int) -> tuple[Matrix, int]:
    is_quantized, rows, columns = _SHAPE.unpack_from(data, place)
    if is_quantized:
        raise Unreadable("it has been quantized")
    begin = place + _SHAPE.size
    matrix = np.frombuffer(data, "<f4", rows * columns, begin).reshape(rows, columns)
    return matrix, begin + matrix.nbytes
