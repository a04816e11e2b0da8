"""The bundles of code that a deploy brings along: a job's own, and ours for images that do not hold it."""

import io
import zipfile
from functools import cache
from pathlib import Path

from shardyard.spec.jobs.source import bundle, files_of

_FIRST_DAY = (1980, 1, 1, 0, 0, 0)


@cache
def source_bundle(root: Path, folder: str) -> bytes:
    """The zip of a job's own code."""
    return bundle(root / folder)


@cache
def launcher_bundle(root: Path) -> bytes:
    """A zip that Python runs as it is: all of contract/ and training/, which our images hold and AWS's do not.

    Named as the image names it, so that a job's module is found in both; the same bytes every time.
    """
    paths = [*files_of(root / "contract"), *files_of(root / "training")]
    found = [(path.relative_to(root).as_posix(), path.read_bytes()) for path in paths]
    start = (root / "training" / "launcher" / "__main__.py").read_bytes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in [("__main__.py", start), *found]:
            entry = zipfile.ZipInfo(name, _FIRST_DAY)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
