"""Run by a notebook's own interpreter, from this file: which packages its imports come from. Standard library only."""

import json
import sys
from importlib import metadata


def look(modules: list[str], packages: list[str]) -> dict[str, object]:
    """The packages of each module, and the version of each package that is named."""
    tops = metadata.packages_distributions()
    found = {}
    for module in modules:
        names = sorted(set(tops.get(module.partition(".")[0], [])))
        if len(names) > 1:  # a folder that several packages share: those that have the module itself
            names = [name for name in names if _has(name, module)] or names
        found[module] = names
    versions: dict[str, str | None] = {}
    for name in {*packages, *(name for names in found.values() for name in names)}:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
    folders = [name for name, version in versions.items() if version is not None and _is_folder(name)]
    return {"modules": found, "versions": versions, "folders": folders, "stdlib": sorted(sys.stdlib_module_names)}


def _has(package: str, module: str) -> bool:
    path = module.replace(".", "/")
    files = {str(file) for file in metadata.files(package) or []}
    return f"{path}.py" in files or f"{path}/__init__.py" in files


def _is_folder(package: str) -> bool:
    """Whether it was installed from somebody's folder, which no index has."""
    said = metadata.distribution(package).read_text("direct_url.json")
    return said is not None and "dir_info" in json.loads(said)


if __name__ == "__main__":
    asked = json.loads(sys.stdin.read())
    print(json.dumps(look(asked["modules"], asked["packages"])))
