"""A node's view of the file system: an empty root, what the plan names in it, and nothing else of the machine."""

import contextlib
import os
import socket
from collections.abc import Sequence
from pathlib import Path

from embedded.nodes.cell import libc
from embedded.nodes.cell.plan import Bind, NodePlan

_EMPTY = ("/dev", "/home", "/mnt", "/opt", "/proc", "/root", "/run", "/srv", "/sys", "/tmp", "/var/cache", "/var/log")
"""Folders that programs expect; a plan's binds fill some of them. None holds a file or a socket of the machine."""
_LINKS = {
    "/dev/fd": "/proc/self/fd",
    "/dev/stdin": "/proc/self/fd/0",
    "/dev/stdout": "/proc/self/fd/1",
    "/dev/stderr": "/proc/self/fd/2",
    "/dev/ptmx": "pts/ptmx",
    "/var/run": "../run",
}
_PROCESSORS = "/sys/devices/system"
_MACHINE_WIDE = ("/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs")
"""Settings of the whole kernel, which /proc lets root's processes write in whatever namespace."""


def enter(plan: NodePlan, new_root: str, hand_over: socket.socket) -> None:
    """Build the view at `new_root`, an empty folder, and make it this mount namespace's root.

    The devices of the streamed folders go to the server through `hand_over`.
    """
    libc.mount("none", "/", flags=libc.MS_REC | libc.MS_PRIVATE)
    libc.mount("tmpfs", new_root, "tmpfs", libc.MS_NOSUID | libc.MS_NODEV, "mode=755")
    for folder in _EMPTY:
        os.makedirs(new_root + folder)
    wanted = [plan.work_folder, *(bind.target for bind in plan.binds)]
    missing = [path for path in wanted if not os.path.lexists(path)]
    inner = [path for path in plan.visible if any(Path(path).is_relative_to(bind.target) for bind in plan.binds)]
    for path in plan.visible:
        if path not in inner:
            _show(path, new_root, missing)
    for bind in plan.binds:
        _bind(bind, new_root)
    for path in inner:
        _show(path, new_root, missing)
    for folder in plan.streams:
        _mount_stream(new_root + folder, hand_over)
    _mount_dev(new_root)
    _mount_sys(new_root)
    _mount_proc(new_root)
    for link, target in _LINKS.items():
        os.symlink(target, new_root + link)
    os.makedirs(new_root + plan.work_folder, exist_ok=True)
    libc.pivot_root(new_root)
    if plan.read_only:
        libc.mount("none", "/", flags=libc.MS_BIND | libc.MS_REMOUNT | libc.MS_RDONLY | libc.MS_NOSUID | libc.MS_NODEV)


def _show(path: str, new_root: str, missing: Sequence[str]) -> None:
    """Show the machine's `path` read-only; folders in which the plan mounts something new are made, not bound."""
    inner = new_root + path
    os.makedirs(os.path.dirname(inner), exist_ok=True)
    if os.path.islink(path):
        os.symlink(os.readlink(path), inner)
    elif os.path.isdir(path) and any(Path(target).is_relative_to(path) for target in missing):
        os.mkdir(inner)
        for name in os.listdir(path):
            _show(os.path.join(path, name), new_root, missing)
    else:
        _make_mount_point(inner, is_folder=os.path.isdir(path))
        libc.bind(path, inner, read_only=True)


def _bind(bind: Bind, new_root: str) -> None:
    target = new_root + bind.target
    if not os.path.lexists(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        _make_mount_point(target, is_folder=os.path.isdir(bind.source))
    libc.bind(bind.source, target, read_only=bind.read_only)


def _make_mount_point(target: str, *, is_folder: bool) -> None:
    if is_folder:
        os.makedirs(target, exist_ok=True)
    else:
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))


def _mount_stream(target: str, hand_over: socket.socket) -> None:
    os.makedirs(target, exist_ok=True)
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions"
    libc.mount("s3", target, "fuse", libc.MS_RDONLY | libc.MS_NOSUID | libc.MS_NODEV, options)
    socket.send_fds(hand_over, [b"s"], [device])
    os.close(device)


def _mount_dev(new_root: str) -> None:
    """Mount shared memory and terminals of the node's own; without terminals where the kernel forbids them."""
    for name in ("/dev/shm", "/dev/pts"):
        os.mkdir(new_root + name)
    libc.mount("tmpfs", new_root + "/dev/shm", "tmpfs", libc.MS_NOSUID | libc.MS_NODEV, "mode=1777")
    with contextlib.suppress(OSError):
        flags = libc.MS_NOSUID | libc.MS_NOEXEC
        libc.mount("devpts", new_root + "/dev/pts", "devpts", flags, "newinstance,ptmxmode=0666,mode=0620")


def _mount_sys(new_root: str) -> None:
    """Mount a /sys of the node's own network, read-only; where the kernel forbids that, show the processors alone.

    OpenMPI, torch and psutil read there how many processors and how much memory of which kind there are.
    """
    flags = libc.MS_RDONLY | libc.MS_NOSUID | libc.MS_NODEV | libc.MS_NOEXEC
    try:
        libc.mount("sysfs", new_root + "/sys", "sysfs", flags)
    except PermissionError:
        _show(_PROCESSORS, new_root, ())


def _mount_proc(new_root: str) -> None:
    """Mount a /proc of the node's own processes, or show the machine's if the kernel forbids that."""
    target = new_root + "/proc"
    try:
        libc.mount("proc", target, "proc", libc.MS_NOSUID | libc.MS_NODEV | libc.MS_NOEXEC)
    except PermissionError:
        libc.bind("/proc", target)
    for path in _MACHINE_WIDE:
        if os.path.exists(new_root + path):
            libc.bind(new_root + path, new_root + path, read_only=True)
