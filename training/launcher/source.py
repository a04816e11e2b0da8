"""The user's code: a zip in the channel `code`, verified before anything in it is trusted."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from contract import places
from contract.variables import SOURCE_SHA256
from training.launcher.endings.failure import LaunchError

if TYPE_CHECKING:
    import zipfile

CODE_CHANNEL = "code"


def unpack_source(channel_dir: Path, code_dir: Path, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Verify and unpack the code channel's zip into the code directory; None when the job brings no code."""
    expected = environ.get(SOURCE_SHA256)
    if expected is None:
        return None
    # Imported only here: most starts bring no code, and every millisecond of theirs is measured
    import hashlib
    import shutil
    import zipfile

    archives = sorted(channel_dir.rglob("*.zip"))
    if len(archives) != 1:
        raise LaunchError(f"the channel {CODE_CHANNEL!r} must hold one zip, but {channel_dir} holds {len(archives)}")
    actual = hashlib.sha256(archives[0].read_bytes()).hexdigest()
    if actual != expected:
        raise LaunchError(
            f"{archives[0].name} in the channel {CODE_CHANNEL!r} has sha256 {actual[:12]}..., "
            f"but the job was made for {expected[:12]}...: the object in S3 was changed; launch the job again"
        )
    if code_dir.exists():
        shutil.rmtree(code_dir)
    try:
        with zipfile.ZipFile(archives[0]) as bundle:
            _refuse_escapes(bundle, code_dir)
            bundle.extractall(code_dir)
            _restore_modes(bundle, code_dir)
    except zipfile.BadZipFile as error:
        raise LaunchError(f"{archives[0].name} in the channel {CODE_CHANNEL!r} is not a zip: {error}") from error
    return code_dir


def _refuse_escapes(bundle: "zipfile.ZipFile", target: Path) -> None:
    for name in bundle.namelist():
        try:
            places.within(target, name)
        except places.MisplacedError:
            raise LaunchError(f"the code zip holds {name!r}, which lies outside of it") from None


def _restore_modes(bundle: "zipfile.ZipFile", code_dir: Path) -> None:
    """zipfile drops the executable bit, without which a script cannot be started."""
    for entry in bundle.infolist():
        mode = entry.external_attr >> 16
        if mode & 0o111 and not entry.is_dir():
            (code_dir / entry.filename).chmod(0o755)
