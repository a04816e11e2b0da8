"""The folders that a function's process sees: its own unpacked zip, and the packages of Lambda's Python runtime."""

import atexit
import functools
import hashlib
import importlib.util
import io
import os
import shutil
import tempfile
import threading
import zipfile
from pathlib import Path

RUNTIME_PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six")
"""What Lambda's Python runtime brings besides the standard library."""
_making = threading.RLock()


def scratch_directory() -> Path:
    """Where unpacked functions lie while this cloud runs."""
    with _making:
        return _scratch()


def runtime_directory() -> Path:
    """A folder with the packages that Lambda's runtime brings and no others."""
    with _making:
        return _runtime()


@functools.cache
def _scratch() -> Path:
    own = os.environ.get("YARD_CLOUD_FOLDER")
    if own is None:
        path = Path(tempfile.mkdtemp(prefix="yard-functions-"))
    else:
        # what a cloud that was killed has left there goes first
        path = Path(own).resolve() / "functions"
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


@functools.cache
def _runtime() -> Path:
    folder = _scratch() / "runtime"
    folder.mkdir()
    for name in RUNTIME_PACKAGES:
        found = importlib.util.find_spec(name)
        assert found is not None and found.origin is not None, f"{name} is not installed: pip install boto3"
        origin = Path(found.origin)
        origin = origin.parent if found.submodule_search_locations else origin
        (folder / origin.name).symlink_to(origin)
    return folder


def unpacked(code: bytes) -> Path:
    """The folder that holds a zip's files, unpacked once per content."""
    folder = scratch_directory() / hashlib.sha256(code).hexdigest()[:32]
    with _making:
        if not folder.exists():
            partial = folder.with_suffix(".partial")
            with zipfile.ZipFile(io.BytesIO(code)) as archive:
                archive.extractall(partial)
            partial.rename(folder)
    return folder
