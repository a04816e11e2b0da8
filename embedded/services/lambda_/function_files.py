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


def runtime_packages() -> dict[str, Path]:
    """Where the packages lie that Lambda's runtime brings, by the name of their file or folder."""
    found = {}
    for name in RUNTIME_PACKAGES:
        spec = importlib.util.find_spec(name)
        assert spec is not None and spec.origin is not None, f"{name} is not installed: pip install boto3"
        origin = Path(spec.origin)
        origin = origin.parent if spec.submodule_search_locations else origin
        found[origin.name] = origin
    return found


@functools.cache
def _runtime() -> Path:
    folder = _scratch() / "runtime"
    folder.mkdir()
    for name, origin in runtime_packages().items():
        (folder / name).symlink_to(origin)
    return folder


def unpacked(*zips: bytes) -> Path:
    """The folder that holds the files of zips, unpacked once per content; a later zip's files hide an earlier one's."""
    folder = (
        scratch_directory() / hashlib.sha256(b"".join(hashlib.sha256(code).digest() for code in zips)).hexdigest()[:32]
    )
    with _making:
        if not folder.exists():
            partial = folder.with_suffix(".partial")
            for code in zips:
                with zipfile.ZipFile(io.BytesIO(code)) as archive:
                    archive.extractall(partial)
            partial.rename(folder)
    return folder
