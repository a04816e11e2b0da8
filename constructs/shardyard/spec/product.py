"""Where the product's own files lie: what goes into images and launcher, and what a new project is made from.

They are in one folder, whose parts are named as in the repository. In a checkout that is the repository itself; an
installed wheel has it inside this package, where no `training` of it is on anybody's import path.
"""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

_PACKAGE = Path(__file__).parents[1]
_INSTALLED = _PACKAGE / "_product"
_MARK = Path("training", "launcher", "__main__.py")
IMAGE_ROOMS = ("contract", "serving", "training")
"""Our packages that go into images."""
_NEEDED = ("constructs", "contract", "embedded", "shardyard", "yard")
"""What a project's own `app.py` or `yard` imports, and would find in the project's folder first."""


def product_root() -> Path:
    """The folder with IMAGE_ROOMS, `containers`, and the files that a project is made from."""
    return _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parents[1]


def image_sources(project: Path) -> Path:
    """The folder whose IMAGE_ROOMS go into the project's images: its own where it is a checkout."""
    return project if is_checkout(project) else product_root()


def is_checkout(project: Path) -> bool:
    """Whether a folder is the repository, or a copy of it, and not a project of somebody's own."""
    return (project / _MARK).is_file()


def namesakes(project: Path) -> Iterator[str]:
    """The project's own modules that Python would import in place of ours."""
    if is_checkout(project):
        return
    for name in _NEEDED:
        for path in (project / name / "__init__.py", project / f"{name}.py"):
            if path.is_file():
                yield path.relative_to(project).parts[0]


def hidden_module() -> str | None:
    """A sentence where a module of the user's is imported in place of `contract`; None where all is well.

    It imports nothing: whatever stands in our place must not run.
    """
    found = importlib.util.find_spec("contract")
    if found is None:
        return None
    needed = {path.name for path in (product_root() / "contract").glob("*.py")}
    places = [Path(place) for place in found.submodule_search_locations or ()]
    if any(needed <= {path.name for path in place.glob("*.py")} for place in places):
        return None
    where = places[0] if places else found.origin
    return (
        f"{where} is imported in place of the package `contract` of Shardyard: give it another name, "
        "or take its folder out of PYTHONPATH."
    )
