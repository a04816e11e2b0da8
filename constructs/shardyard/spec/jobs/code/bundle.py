"""The user's code as one zip: the same files give the same bytes on every machine and from every path."""

import hashlib

from contract.zips import make_zip
from shardyard.spec.jobs.code.files import SourceFiles


def bundle(code: SourceFiles) -> bytes:
    """Zip a folder's code; of the files' modes, only the executable bit is kept."""
    executable = [name for name, path in code.files.items() if path.stat().st_mode & 0o100]
    return make_zip({name: path.read_bytes() for name, path in code.files.items()}, executable=executable)


def sha256(content: bytes) -> str:
    """The hash under which a bundle is stored and checked."""
    return hashlib.sha256(content).hexdigest()
