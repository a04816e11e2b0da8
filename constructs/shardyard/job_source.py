"""The bundles of code that a deploy brings along: a job's own, and the launcher for images that do not hold it."""

import io
import zipfile
from functools import cache
from pathlib import Path

from shardyard.spec.source import bundle, files_of

_MAIN = "import runpy\n\nrunpy.run_module('training.launcher', run_name='__main__', alter_sys=True)\n"
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)


@cache
def source_bundle(root: Path, folder: str) -> bytes:
    """The zip of a job's own code."""
    return bundle(root / folder)


@cache
def launcher_bundle(root: Path) -> bytes:
    """A zip that Python runs as it is: the launcher, for an image of AWS's that does not hold it."""
    training = root / "training"
    found = [training / "__init__.py", *files_of(training / "launcher")]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in [
            ("__main__.py", _MAIN.encode()),
            *((path.relative_to(root).as_posix(), path.read_bytes()) for path in found),
        ]:
            entry = zipfile.ZipInfo(name, _FIRST_DAY)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, zipfile.ZIP_STORED)
    return buffer.getvalue()
