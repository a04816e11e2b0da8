"""Where the labs lie, and where a run of one keeps its files."""

import os
from dataclasses import dataclass
from pathlib import Path

from labs.frame.errors import LabError

ROOT = Path(__file__).resolve().parents[2]
LABS = ROOT / "labs"
ACCOUNT_VARIABLE = "SHARDYARD_LABS_ON"
"""`aws` sends the cells to the account of the shell; without it they go to an embedded cloud of the lab's own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """The folders of one lab."""

    name: str
    """The folder's name: two digits, a hyphen, words."""

    @property
    def folder(self) -> Path:
        """What is committed: story, script, notebook, jobs, results, pictures."""
        return LABS / self.name

    @property
    def work(self) -> Path:
        """What a run makes: the project, with its embedded cloud, and the results."""
        return ROOT / "build/labs" / self.name

    @property
    def project(self) -> Path:
        """The project that the lab deploys, as `yard init` makes one."""
        return self.work / "project"

    @property
    def results(self) -> Path:
        """Where a run writes results.json and its pictures."""
        return self.work / "results"

    @property
    def project_name(self) -> str:
        """The first part of every name in the account."""
        return f"lab-{self.name[:2]}"

    @property
    def title(self) -> str:
        """The first line of its page."""
        return (self.folder / "README.md").read_text(encoding="utf-8").splitlines()[0].lstrip("# ")


def all_labs() -> list[Place]:
    """Every lab, in order."""
    return [Place(name=path.parent.name) for path in sorted(LABS.glob("[0-9][0-9]-*/lab.py"))]


def find(name: str) -> Place:
    """A lab by its name or its number."""
    found = [place for place in all_labs() if name in (place.name, place.name[:2], place.name[:2].lstrip("0"))]
    if not found:
        names = ", ".join(place.name for place in all_labs())
        raise LabError(f"There is no lab {name!r}. The labs are {names}; the number is enough.")
    return found[0]


def is_on_aws() -> bool:
    """Whether the cells go to an account of AWS."""
    value = os.environ.get(ACCOUNT_VARIABLE, "embedded")
    if value not in ("aws", "embedded"):
        raise LabError(f"{ACCOUNT_VARIABLE} is {value!r}; it may be aws, or embedded, which is the default.")
    return value == "aws"
