"""The bundles of code that a deploy brings along: a job's own, and ours for images that do not hold it."""

from functools import cache
from pathlib import Path

from contract.zips import launcher_zip
from shardyard.spec.jobs.code.bundle import bundle
from shardyard.spec.jobs.code.files import source_files
from shardyard.spec.product import image_sources


@cache
def source_bundle(root: Path, folder: str) -> bytes:
    """The zip of a job's own code."""
    return bundle(source_files(root, folder))


@cache
def launcher_bundle(root: Path) -> bytes:
    """The launcher's zip, which our images need not be given and AWS's must; a synth makes it once for all jobs."""
    return launcher_zip(image_sources(root))
