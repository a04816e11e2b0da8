"""Which of this machine's files stand for an image's: the programs and libraries that a node sees, and nobody's data.

An allow-list: what is not named here does not exist in a node. That leaves out homes and clones, /var, /run with its
sockets, mounted disks, and of /etc whatever a program does not need (keys, passwords, the machine's own settings).
"""

import glob
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

_PROGRAMS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store")
_SETTINGS = (
    # how the dynamic linker finds libraries, and which of several programs a name means
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    # the names of users, services and types; a look-up of the own user fails without passwd
    "/etc/passwd",
    "/etc/group",
    "/etc/nsswitch.conf",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/etc/protocols",
    "/etc/services",
    "/etc/mime.types",
    # certificates of authorities, by the paths of Debian, Red Hat and others; never the private keys beside them
    "/etc/ca-certificates",
    "/etc/ca-certificates.conf",
    "/etc/ssl/cert.pem",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/pki/ca-trust",
    "/etc/pki/tls/cert.pem",
    "/etc/pki/tls/certs",
    "/etc/pki/tls/openssl.cnf",
    "/etc/crypto-policies",
    # what programs from /usr read at their start
    "/etc/debian_version",
    "/etc/fonts",
    # a Java runtime of Debian's has its settings there, and links to them
    *glob.glob("/etc/java-*-openjdk"),
    "/etc/localtime",
    "/etc/magic",
    "/etc/openmpi",
    "/etc/os-release",
    "/etc/python3",
    "/etc/terminfo",
    "/etc/timezone",
)
"""No resolv.conf: a node reaches no name server, and the file tells of the machine's network."""
_DEVICES = ("/dev/full", "/dev/null", "/dev/random", "/dev/tty", "/dev/urandom", "/dev/zero")
_ACCELERATORS = "/dev/nvidia*"


def visible(environment: Path | None = None) -> list[str]:
    """The paths that a node sees, read-only; `environment` is the virtual environment of its image.

    A link is named besides what it points to: the node gets the link.
    """
    paths = [*_PROGRAMS, *_SETTINGS, *_DEVICES, *glob.glob(_ACCELERATORS)]
    paths += [sys.base_prefix, os.path.realpath(sys.base_prefix), python()]
    if environment is not None:
        paths += [str(environment), os.path.realpath(environment), *_links(str(environment / "bin" / "python"))]
    return list(_outermost(path for path in paths if os.path.lexists(path)))


def python() -> str:
    """The interpreter that runs the cloud, as a node may start it."""
    return os.path.realpath(sys.executable)


def _links(path: str) -> Iterator[str]:
    """Each link on the way from `path` to its file: an environment's `python` may lead over several folders."""
    while os.path.islink(path):
        yield path
        path = os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(path)))


def _outermost(paths: Iterable[str]) -> Iterator[str]:
    """Each path once, without those that lie in the folder of another."""
    kept: list[str] = []
    for path in sorted(set(paths), key=lambda path: (path.count("/"), path)):
        if not _is_below(path, kept):
            kept.append(path)
            yield path


def _is_below(path: str, folders: Sequence[str]) -> bool:
    return any(Path(path).is_relative_to(folder) for folder in folders if not os.path.islink(folder))
