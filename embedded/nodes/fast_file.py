"""FastFile mode: a channel's objects appear as files at once and are fetched when read."""

import errno
import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded.nodes import fuse
from embedded.nodes.channels import Item
from embedded.nodes.fuse import Node, Operation, Request

_BLOCK_BYTES = 4 * 2**20
_BLOCKS_KEPT = 8
_THREADS = 3

log = logging.getLogger(__name__)


class FastFileServer:
    """Answers the kernel for one channel on one node until the node is gone."""

    def __init__(self, client: Any, items: Iterable[Item], device: int) -> None:
        self._client, self._device = client, device
        self._nodes = tree(items)
        self._blocks: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._serve, name="fast file", daemon=True) for _ in range(_THREADS)]

    def start(self) -> None:
        """Begin to answer."""
        for thread in self._threads:
            thread.start()

    def join(self, seconds: float) -> None:
        """Wait for the node's end, which ends this server and closes the device."""
        for thread in self._threads:
            thread.join(seconds)
        os.close(self._device)

    def _serve(self) -> None:
        while True:
            try:
                message = os.read(self._device, fuse.BUFFER_BYTES)
            except InterruptedError:
                continue
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.EAGAIN):
                    # the request was withdrawn before it was read
                    continue
                # ENODEV: the node's mount is gone, and this server with it
                return
            request = fuse.parse(message)
            if request.operation in fuse.WITHOUT_ANSWER:
                continue
            try:
                said = fuse.answer(request, self._answer(request))
            except OSError as error:
                said = fuse.answer(request, error=error.errno or errno.EIO)
            except (ClientError, BotoCoreError) as error:
                log.warning("FastFile: %s", error)
                said = fuse.answer(request, error=errno.EIO)
            try:
                os.write(self._device, said)
            except FileNotFoundError:
                # the caller no longer waits
                continue
            except OSError:
                return

    def _answer(self, request: Request) -> bytes:
        if request.operation == Operation.INIT:
            return fuse.init_out(request)
        if request.operation == Operation.STATFS:
            return fuse.statfs_out(self._nodes)
        if request.operation in (Operation.RELEASE, Operation.RELEASEDIR, Operation.FLUSH):
            return b""
        node = self._nodes[request.node]
        if request.operation == Operation.LOOKUP:
            found = (node.children or {}).get(fuse.name_in(request))
            if found is None:
                raise FileNotFoundError(errno.ENOENT, "no such file")
            return fuse.entry_out(found)
        if request.operation == Operation.GETATTR:
            return fuse.attributes_out(node)
        if request.operation in (Operation.OPEN, Operation.OPENDIR):
            return fuse.open_out()
        if request.operation == Operation.READDIR:
            return fuse.entries(node, *fuse.read_in(request))
        if request.operation == Operation.READ:
            return self._read(node, *fuse.read_in(request))
        raise OSError(errno.ENOSYS, "not emulated")

    def _read(self, node: Node, offset: int, size: int) -> bytes:
        end = min(offset + size, node.size_bytes)
        parts = []
        while offset < end:
            index, begin = divmod(offset, _BLOCK_BYTES)
            part = self._block(node, index)[begin : begin + end - offset]
            parts.append(part)
            offset += len(part)
        return b"".join(parts)

    def _block(self, node: Node, index: int) -> bytes:
        with self._lock:
            known = self._blocks.get((node.id, index))
            if known is not None:
                self._blocks.move_to_end((node.id, index))
                return known
        item = node.key
        assert isinstance(item, Item)
        last = min((index + 1) * _BLOCK_BYTES, node.size_bytes) - 1
        answer = self._client.get_object(
            Bucket=item.bucket, Key=item.object.key, Range=f"bytes={index * _BLOCK_BYTES}-{last}"
        )
        block: bytes = answer["Body"].read()
        if len(block) != last + 1 - index * _BLOCK_BYTES:
            raise OSError(errno.EIO, f"s3://{item.bucket}/{item.object.key} has changed since the job began")
        with self._lock:
            self._blocks[node.id, index] = block
            while len(self._blocks) > _BLOCKS_KEPT:
                self._blocks.popitem(last=False)
        return block


def tree(items: Iterable[Item]) -> dict[int, Node]:
    """The folders and files of a channel by their number."""
    root = Node(id=fuse.ROOT_ID, children={})
    nodes = {root.id: root}
    for item in items:
        *folders, name = item.name.split("/")
        parent = root
        for folder in folders:
            assert parent.children is not None
            if folder not in parent.children or parent.children[folder].children is None:
                # S3 may hold both `a` and `a/b`, which no file system can: the folder wins
                parent.children[folder] = Node(id=len(nodes) + 1, children={})
                nodes[len(nodes) + 1] = parent.children[folder]
            parent = parent.children[folder]
        assert parent.children is not None
        if name in parent.children:
            continue
        file = Node(id=len(nodes) + 1, size_bytes=item.object.size_bytes, key=item)
        parent.children[name] = file
        nodes[file.id] = file
    return nodes
