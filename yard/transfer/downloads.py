"""What comes down from S3: each key below the folder that is meant for it, each archive whole or not at all."""

import os
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from contract import places
from yard.errors import UserError, writing
from yard.transfer.upload import objects

_BLOCK_BYTES = 1 << 20


def place(folder: Path, name: str, said: str) -> Path:
    """Where a name that others chose lies below a folder; `said` begins the sentence that refuses it."""
    try:
        return places.below(folder, name)
    except places.MisplacedError as error:
        raise UserError(
            f"{said} is no name for a file below {folder}: {error}.",
            "Nothing was written for it. Rename it, or remove it.",
        ) from None


def fetch(s3: Any, bucket: str, prefix: str, folder: Path) -> int:
    """Download everything below a prefix into a folder, each object whole; nothing if one of the keys is no name."""
    keys = [one["Key"] for one in objects(s3, bucket, prefix) if not one["Key"].endswith("/")]
    paths = {key: place(folder, key.removeprefix(prefix), f"s3://{bucket}/{key}") for key in keys}
    for key, path in paths.items():
        with whole(path) as file:
            s3.download_file(bucket, key, str(file))
    return len(paths)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Write a file beside its place, and move it there when it is complete; a pipe or a device is written directly."""
    if path.exists() and not path.is_file():
        yield path
        return
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, beside = tempfile.mkstemp(prefix=f".{path.name[:64]}.", dir=path.parent)
        os.close(descriptor)
        try:
            yield Path(beside)
            os.chmod(beside, 0o666 & ~_umask())
            os.replace(beside, path)
        finally:
            Path(beside).unlink(missing_ok=True)


def _umask() -> int:
    """The mask of new files, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def unpack(download: Callable[[Path], None], folder: Path, source: str) -> list[Path]:
    """Fetch an archive and unpack it as a folder; what is broken, or does not fit on the disk, leaves nothing behind.

    Returns its files. Those that lie in the folder already and are not in the archive stay.
    """
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            archive, unpacked = beside / "archive", beside / "unpacked"
            unpacked.mkdir(mode=0o755)
            download(archive)
            _extract(archive, unpacked, source)
            files = [path.relative_to(unpacked) for path in unpacked.rglob("*") if path.is_file()]
            _move(unpacked, folder)
            return [folder / path for path in files]
        finally:
            shutil.rmtree(beside, ignore_errors=True)


def _extract(archive: Path, to: Path, source: str) -> None:
    try:
        with tarfile.open(archive) as packed:
            packed.extractall(to, filter="data")
            assert packed.fileobj is not None
            while packed.fileobj.read(_BLOCK_BYTES):
                pass  # to the end, where gzip compares its checksum
    except tarfile.FilterError as error:
        raise UserError(
            f"{source} holds {error.tarinfo.name!r}, which does not stay below its folder or is no plain file; "
            "nothing was unpacked.",
            "Look into it without unpacking: tar -tvf",
        ) from None
    except (tarfile.TarError, EOFError, zlib.error, ValueError, KeyError, OverflowError) as error:
        raise _broken(source, str(error)) from None
    except OSError as error:
        if error.errno is None or isinstance(error, FileExistsError | IsADirectoryError | NotADirectoryError):
            # bad gzip has no number; two entries of one name, as a file and as a folder, have these
            raise _broken(source, str(error)) from None
        raise


def _broken(source: str, why: str) -> UserError:
    return UserError(
        f"{source} cannot be unpacked, and nothing of it was kept: {' '.join(why.split())}.",
        "If its run was stopped while it wrote it, train again; `yard receipt RUN` says how it ended.",
    )


def _move(unpacked: Path, folder: Path) -> None:
    if not folder.exists():
        unpacked.rename(folder)
        return
    for path in sorted(unpacked.rglob("*")):
        target = folder / path.relative_to(unpacked)
        if path.is_dir() and not path.is_symlink():
            target.mkdir(exist_ok=True)
        else:
            path.replace(target)
