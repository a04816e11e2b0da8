"""A node's view of the file system: the machine's files, with the job's own files mounted over them."""

import os
import socket
from collections.abc import Sequence
from pathlib import Path

from embedded.nodes.cell import libc
from embedded.nodes.cell.plan import Bind

_OWN = ("/proc", "/tmp")
"""Not shared with the machine: /proc is mounted anew, and /tmp is the node's."""


def enter(binds: Sequence[Bind], streams: Sequence[str], new_root: str, hand_over: socket.socket) -> None:
    """Build the view at `new_root`, an empty folder, and make it this mount namespace's root.

    The devices of the folders in `streams` go to the server through `hand_over`.
    """
    libc.mount("none", "/", flags=libc.MS_REC | libc.MS_PRIVATE)
    libc.mount("tmpfs", new_root, "tmpfs", data="mode=755")
    missing = [bind.target for bind in binds if not os.path.lexists(bind.target)]
    _fill("/", new_root, missing)
    os.makedirs(new_root + "/tmp", exist_ok=True)
    for bind in binds:
        _bind(bind, new_root)
    for folder in streams:
        _mount_stream(new_root + folder, hand_over)
    _mount_proc(new_root + "/proc")
    if os.path.isdir(new_root + "/dev/shm"):
        libc.mount("tmpfs", new_root + "/dev/shm", "tmpfs", libc.MS_NOSUID | libc.MS_NODEV, "mode=1777")
    libc.pivot_root(new_root)


def _fill(source: str, target: str, missing: Sequence[str]) -> None:
    """Bind each entry of `source` in `target`; folders that get new entries are created, not bound."""
    for entry in os.scandir(source):
        inner = os.path.join(target, entry.name)
        if entry.path in _OWN:
            os.mkdir(inner)
        elif entry.is_symlink():
            os.symlink(os.readlink(entry.path), inner)
        elif entry.is_dir() and any(Path(path).is_relative_to(entry.path) for path in missing):
            os.mkdir(inner)
            _fill(entry.path, inner, missing)
        else:
            _make_mount_point(inner, is_folder=entry.is_dir())
            libc.bind(entry.path, inner)


def _bind(bind: Bind, new_root: str) -> None:
    target = new_root + bind.target
    if not os.path.lexists(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        _make_mount_point(target, is_folder=os.path.isdir(bind.source))
    libc.bind(bind.source, target, read_only=bind.read_only)


def _make_mount_point(target: str, *, is_folder: bool) -> None:
    if is_folder:
        os.mkdir(target)
    else:
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))


def _mount_stream(target: str, hand_over: socket.socket) -> None:
    os.makedirs(target, exist_ok=True)
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions"
    libc.mount("s3", target, "fuse", libc.MS_RDONLY | libc.MS_NOSUID | libc.MS_NODEV, options)
    socket.send_fds(hand_over, [b"s"], [device])
    os.close(device)


def _mount_proc(target: str) -> None:
    """Mount a /proc of the node's own processes, or show the machine's if the kernel forbids that."""
    try:
        libc.mount("proc", target, "proc", libc.MS_NOSUID | libc.MS_NODEV | libc.MS_NOEXEC)
    except PermissionError:
        libc.bind("/proc", target)
