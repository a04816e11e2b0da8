"""The one asset that all Lambda functions share: contract, spec and handlers, the same bytes on every synth."""

import hashlib
import zipfile
from functools import cache
from pathlib import Path
from typing import cast

import aws_cdk as cdk
from constructs import IConstruct

import contract

PACKAGE = Path(__file__).parents[1]
CONTRACT = Path(contract.__file__).parent
_SUFFIXES = (".py", ".json")


def code_files(package: Path = PACKAGE) -> dict[str, bytes]:
    """What goes into the asset: name in the zip and content, in one order, without caches."""
    named = {f"contract/{path.relative_to(CONTRACT).as_posix()}": path for path in CONTRACT.rglob("*")}
    for path in (package / "__init__.py", *(package / "spec").rglob("*"), *(package / "handlers").rglob("*")):
        named[f"shardyard/{path.relative_to(package).as_posix()}"] = path
    wanted = {name: path for name, path in named.items() if path.suffix in _SUFFIXES}
    return {name: wanted[name].read_bytes() for name in sorted(wanted)}


def code_hash(files: dict[str, bytes]) -> str:
    """A hash of names and contents alone: neither the path, the clock nor the zip library has a say in it."""
    digest = hashlib.sha256()
    for name, content in files.items():
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def write_zip(files: dict[str, bytes], target: Path) -> None:
    """Write the files with one fixed date and mode."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)


@cache
def _code() -> tuple[str, dict[str, bytes]]:
    files = code_files()
    return code_hash(files), files


def add_handler_code(scope: IConstruct) -> tuple[str, str]:
    """Put the asset beside the templates and return the bucket and the key that it will have once published."""
    digest, files = _code()
    name = f"asset.{digest}.zip"
    folder = Path(cast(cdk.Stage, cdk.Stage.of(scope)).asset_outdir)
    if not (folder / name).exists():
        write_zip(files, folder / name)
    location = cdk.Stack.of(scope).synthesizer.add_file_asset(
        source_hash=digest, file_name=name, packaging=cdk.FileAssetPackaging.FILE, display_name="handlers"
    )
    return location.bucket_name, location.object_key
