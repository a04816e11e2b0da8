"""Pipe mode: one FIFO per epoch, which carries a channel's objects one after another."""

import errno
import json
import os
import random
import struct
import threading
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from embedded.nodes.channels import NodeChannel, order
from embedded.nodes.locations import Location

_CHUNK_BYTES = 1 << 20
_POLL_SECONDS = 0.02
_RECORD_IO_MAGIC = 0xCED7230A


class PipeFeeder(threading.Thread):
    """Feeds one channel of one node until it is stopped or its reader is gone."""

    def __init__(self, client: Any, channel: NodeChannel, host: str, folder: Path) -> None:
        """`folder` is the channel's on this machine; its FIFOs are made beside it."""
        super().__init__(name=f"pipe {channel.folder} of {host}", daemon=True)
        self._client, self._channel, self._host, self._folder = client, channel, host, folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        self._stopping = threading.Event()
        self.error: Exception | None = None
        self._make(0)

    def run(self) -> None:
        """Feed one epoch after another, for as long as the program opens the next FIFO."""
        epoch = 0
        while True:
            writer = self._open(epoch)
            if writer is None:
                return
            self._make(epoch + 1)
            try:
                with os.fdopen(writer, "wb", buffering=0) as pipe:
                    for chunk in _stream(self._client, self._channel, self._host, epoch):
                        _write_all(pipe, chunk)
            except BrokenPipeError:
                # the program stopped reading this epoch
                pass
            except Exception as error:
                self.error = error
                return
            epoch += 1

    def stop(self) -> None:
        """Stop waiting for a reader."""
        self._stopping.set()

    def _path(self, epoch: int) -> Path:
        return self._folder.with_name(f"{self._folder.name}_{epoch}")

    def _make(self, epoch: int) -> None:
        os.mkfifo(self._path(epoch), 0o666)

    def _open(self, epoch: int) -> int | None:
        while not self._stopping.wait(_POLL_SECONDS):
            try:
                writer = os.open(self._path(epoch), os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                if error.errno == errno.ENXIO:
                    # nobody reads yet
                    continue
                return None
            os.set_blocking(writer, True)
            return writer
        return None


def _write_all(pipe: Any, chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        view = view[pipe.write(view) :]


def _stream(client: Any, channel: NodeChannel, host: str, epoch: int) -> Iterator[bytes]:
    if channel.lines:
        yield from _records_of_lines(client, channel, epoch)
        return
    for item in order(channel, host, epoch):
        body = client.get_object(Bucket=item.bucket, Key=item.object.key)["Body"]
        chunks: Iterable[bytes] = body.iter_chunks(_CHUNK_BYTES)
        if channel.gzipped:
            chunks = _unzip(chunks)
        if channel.record_io:
            yield record(b"".join(chunks))
        else:
            yield from chunks


def _unzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    for chunk in chunks:
        yield unpacker.decompress(chunk)
    yield unpacker.flush()


def _records_of_lines(client: Any, channel: NodeChannel, epoch: int) -> Iterator[bytes]:
    """An augmented manifest: each line's attributes in the configured order; a `-ref` stands for its object."""
    lines = list(channel.lines)
    if channel.shuffle_seed is not None:
        random.Random(channel.shuffle_seed + epoch).shuffle(lines)
    for line in lines:
        for attribute in channel.attributes:
            value = line[attribute]
            if attribute.endswith("-ref"):
                target = Location.parse(value)
                content = client.get_object(Bucket=target.bucket, Key=target.key)["Body"].read()
            else:
                content = (value if isinstance(value, str) else json.dumps(value)).encode()
            yield record(content) if channel.record_io else content


def record(content: bytes) -> bytes:
    """One RecordIO record: the magic number, the length, the content, padded to four bytes."""
    return struct.pack("<II", _RECORD_IO_MAGIC, len(content)) + content + b"\0" * (-len(content) % 4)
