"""The Linux calls that Python 3.11 does not offer."""

import ctypes
import os
import platform
import re
import signal

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_REMOUNT = 0x20
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MNT_DETACH = 0x2

_PR_SET_PDEATHSIG = 1
_PR_CAPBSET_READ = 23
_PR_CAPBSET_DROP = 24
_PR_SET_CHILD_SUBREAPER = 36
_CAPABILITIES_OF_A_CONTAINER = {
    0,  # CHOWN
    1,  # DAC_OVERRIDE
    3,  # FOWNER
    4,  # FSETID
    5,  # KILL
    6,  # SETGID
    7,  # SETUID
    8,  # SETPCAP
    10,  # NET_BIND_SERVICE
    13,  # NET_RAW
    18,  # SYS_CHROOT
    29,  # AUDIT_WRITE
    31,  # SETFCAP
}
"""Those that Docker leaves to root in a container, but for MKNOD: a device file would open the machine's disk."""
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "arm64": 41}

_OCTAL = re.compile(r"\\([0-7]{3})")
"""How /proc writes a blank in a path."""

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare(flags: int) -> None:
    """Leave the named namespaces for new ones."""
    _check(_libc.unshare(flags), "unshare")


def enter_namespace(descriptor: int) -> None:
    """Join the namespace that an open file of /proc names."""
    _check(_libc.setns(descriptor, 0), "setns")


def enter_namespaces(flags: int, *, as_user: bool) -> None:
    """Leave these namespaces for new ones; `as_user` makes an ordinary user root in a user namespace of its own."""
    uid, gid = os.getuid(), os.getgid()
    unshare(flags | (CLONE_NEWUSER if as_user else 0))
    if as_user:
        # without `deny` the kernel lets an ordinary user map no group
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)


def mount(source: str, target: str, kind: str = "none", flags: int = 0, data: str = "") -> None:
    """Mount as mount(2) does."""
    result = _libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data.encode())
    _check(result, f"mount {source} on {target}")


def bind(source: str, target: str, *, read_only: bool = False) -> None:
    """Show `source`, with all that is mounted below it, at `target`."""
    mount(source, target, flags=MS_BIND | MS_REC)
    if read_only:
        for point in _mounts_at(os.path.realpath(target)):
            # A namespace may add flags to an inherited mount but never drop one, so repeat the old ones.
            kept = os.statvfs(point).f_flag & (MS_NOSUID | MS_NODEV | MS_NOEXEC)
            mount("none", point, flags=MS_BIND | MS_REMOUNT | MS_RDONLY | kept)


def _mounts_at(target: str) -> list[str]:
    """The mount point `target` and all that are mounted below it: a remount reaches one of them only."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        points = {_OCTAL.sub(lambda match: chr(int(match[1], 8)), line.split()[4]) for line in file}
    return [target, *sorted(point for point in points if point.startswith(f"{target}/"))]


def drop_capabilities() -> None:
    """Give up, for this process's next program and all that it starts, what would let root undo its isolation."""
    number = 0
    while (held := _libc.prctl(_PR_CAPBSET_READ, number, 0, 0, 0)) >= 0:
        if held and number not in _CAPABILITIES_OF_A_CONTAINER:
            _check(_libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0), f"drop capability {number}")
        number += 1


def pivot_root(new_root: str) -> None:
    """Make `new_root` the root and unmount the old one."""
    os.chdir(new_root)
    _check(_libc.syscall(_PIVOT_ROOT[platform.machine()], b".", b"."), "pivot_root")
    _check(_libc.umount2(b".", MNT_DETACH), "umount of the old root")
    os.chdir("/")


def set_hostname(name: str) -> None:
    """Name this UTS namespace."""
    raw = name.encode()
    _check(_libc.sethostname(raw, len(raw)), "sethostname")


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends, for whatever reason."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends."""
    _check(_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl")
