"""Grey pictures as arrays: PNG and PGM in, PNG out, with numpy and zlib alone."""

import struct
import zlib
from pathlib import Path

import numpy

_PNG = b"\x89PNG\r\n\x1a\n"
_MOST_PIXELS = 100_000_000


class PictureError(ValueError):
    """A file that is no picture that can be read here; the message says why."""


def read(path: Path) -> numpy.ndarray:
    """A grey picture of 8 bits as uint8 [rows, columns]."""
    data = path.read_bytes()
    if data.startswith(_PNG):
        return _read_png(data, path)
    if data.startswith(b"P5"):
        return _read_pgm(data, path)
    raise PictureError(f"{path.name} is neither PNG nor PGM (P5)")


def write_png(path: Path, pixels: numpy.ndarray) -> None:
    """Write uint8 [rows, columns], or [rows, columns, 3] in colours, as a PNG."""
    rows, columns = pixels.shape[:2]
    kind = 2 if pixels.ndim == 3 else 0
    lines = numpy.ascontiguousarray(pixels, dtype=numpy.uint8).reshape(rows, -1)
    raw = numpy.concatenate([numpy.zeros((rows, 1), numpy.uint8), lines], axis=1).tobytes()
    header = struct.pack(">IIBBBBB", columns, rows, 8, kind, 0, 0, 0)
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(raw, 6)) + _chunk(b"IEND", b"")
    path.write_bytes(_PNG + chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _read_pgm(data: bytes, path: Path) -> numpy.ndarray:
    words = data.split(None, 4)
    try:
        columns, rows, most = (int(word) for word in words[1:4])
    except ValueError:
        raise PictureError(f"{path.name} has a header that is no PGM's") from None
    start = data.index(words[3], data.index(words[2], 3) + len(words[2])) + len(words[3]) + 1
    if most != 255 or not 0 < rows * columns <= _MOST_PIXELS or len(data) < start + rows * columns:
        raise PictureError(f"{path.name} is cut off, or not of 8 bits")
    return numpy.frombuffer(data, numpy.uint8, rows * columns, start).reshape(rows, columns)


def _read_png(data: bytes, path: Path) -> numpy.ndarray:
    at, packed, header = len(_PNG), b"", b""
    while at + 8 <= len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + size]
        header = body if kind == b"IHDR" else header
        packed += body if kind == b"IDAT" else b""
        at += size + 12
    if len(header) != 13:
        raise PictureError(f"{path.name} is a PNG without a header")
    columns, rows, depth, colours, _, _, woven = struct.unpack(">IIBBBBB", header)
    if (depth, colours, woven) != (8, 0, 0) or not 0 < rows * columns <= _MOST_PIXELS:
        raise PictureError(f"{path.name} is a PNG, but not a grey one of 8 bits without interlace")
    try:
        raw = zlib.decompressobj().decompress(packed, rows * (columns + 1))
    except zlib.error as error:
        raise PictureError(f"{path.name} is damaged: {error}") from None
    if len(raw) < rows * (columns + 1):
        raise PictureError(f"{path.name} is cut off")
    return _unfilter(numpy.frombuffer(raw, numpy.uint8).reshape(rows, columns + 1), path)


def _unfilter(lines: numpy.ndarray, path: Path) -> numpy.ndarray:
    """Undo what a PNG does to each line before it is packed."""
    rows, columns = lines.shape[0], lines.shape[1] - 1
    out = numpy.zeros((rows + 1, columns + 1), numpy.uint8)  # a line above and a pixel before that are 0
    for row in range(rows):
        kind, line = int(lines[row, 0]), lines[row, 1:]
        if kind == 0:
            out[row + 1, 1:] = line
        elif kind == 2:
            out[row + 1, 1:] = line + out[row, 1:]
        elif kind in (1, 3, 4):
            for column in range(columns):
                left, above, corner = (int(out[row + y, column + x]) for y, x in ((1, 0), (0, 1), (0, 0)))
                guess = {1: left, 3: (left + above) // 2, 4: _paeth(left, above, corner)}[kind]
                out[row + 1, column + 1] = (int(line[column]) + guess) & 255
        else:
            raise PictureError(f"{path.name} has a line of an unknown kind")
    return out[1:, 1:]


def _paeth(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    return min((left, above, corner), key=lambda one: abs(guess - one))
