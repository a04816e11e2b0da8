"""Three validators: AWS's own language service, asl-validator and statelint."""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_NODE = _HERE / "node_modules"
_PASSED = re.compile(r"^[✓✔] ")


class NotInstalled(Exception):
    """A validator is missing."""


def problems(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What any of the three has to say of these definitions, by their names; nothing where all accept them."""
    if not found:
        return []
    if not _NODE.exists():
        raise NotInstalled(f"{_NODE} does not exist: run `make setup-test`, which installs the validators")
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, definition in found.items():
            path = Path(folder) / f"{re.sub(r'[^A-Za-z0-9]+', '-', name)}.asl.json"
            path.write_text(json.dumps(_with_decimal_rates(definition), indent=1), encoding="utf-8")
            paths.append(path)
        said = [*_language_service(paths), *_asl_validator(paths), *_statelint(paths)]
    return sorted(said)


def _with_decimal_rates(value: Any) -> Any:
    """The same definition with each BackoffRate as a decimal: the language takes any number, statelint does not."""
    if isinstance(value, Mapping):
        return {
            key: float(item) if key == "BackoffRate" and isinstance(item, int) else _with_decimal_rates(item)
            for key, item in value.items()
        }
    return [_with_decimal_rates(item) for item in value] if isinstance(value, list) else value


def _language_service(paths: Iterable[Path]) -> list[str]:
    return _said("language service", ["node", str(_HERE / "language_service.js"), *map(str, paths)])


def _asl_validator(paths: Iterable[Path]) -> list[str]:
    command = ["node", str(_NODE / "asl-validator" / "dist" / "bin" / "asl-validator.js")]
    return _said("asl-validator", [*command, *(f"--json-path={path}" for path in paths)])


def _statelint(paths: Iterable[Path]) -> list[str]:
    command = str(Path(sys.executable).with_name("statelint"))
    return [f"{line} ({path.name})" for path in paths for line in _said("statelint", [command, str(path)])]


def _said(who: str, command: list[str]) -> list[str]:
    """The lines that a validator prints, but for those that say that all is well."""
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line.strip() for line in (result.stdout + result.stderr).splitlines() if line.strip()]
    told = [line for line in lines if not _PASSED.match(line)]
    if result.returncode != 0 and not told:
        told = [f"it ended with {result.returncode} and said nothing: {' '.join(command)}"]
    return [f"{who}: {line}" for line in told]
