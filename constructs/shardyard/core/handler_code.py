"""The one asset that all Lambda functions share: contract, spec and handlers, the same bytes on every synth."""

import hashlib
from functools import cache
from pathlib import Path

from constructs import IConstruct

import contract
from contract.zips import files_of, make_zip
from shardyard.core.assets import add_file

PACKAGE = Path(__file__).parents[1]
CONTRACT = Path(contract.__file__).parent
_SUFFIXES = (".py", ".json")


def code_files(package: Path = PACKAGE) -> dict[str, bytes]:
    """What goes into the asset: name in the zip and content, in one order, without caches."""
    named = {f"contract/{path.relative_to(CONTRACT).as_posix()}": path for path in files_of(CONTRACT)}
    for path in (package / "__init__.py", *files_of(package / "spec"), *files_of(package / "handlers")):
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


@cache
def _code() -> tuple[str, dict[str, bytes]]:
    files = code_files()
    return code_hash(files), files


def add_handler_code(scope: IConstruct) -> tuple[str, str]:
    """Put the asset beside the templates and return the bucket and the key that it will have once published."""
    digest, files = _code()
    return add_file(scope, digest=digest, content=lambda: make_zip(files), display_name="handlers")
