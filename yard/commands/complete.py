"""Shell completion of names."""

from collections.abc import Iterator
from pathlib import Path


def complete_jobs(incomplete: str) -> Iterator[str]:
    """The jobs of the project around the current folder, by their file names alone."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "cdk.json").exists():
            yield from sorted(path.stem for path in (folder / "jobs").glob(f"{incomplete}*.toml"))
            return


def complete_folders(incomplete: str) -> Iterator[str]:
    """The folders of containers/ that hold an image."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "cdk.json").exists():
            yield from sorted(path.parent.name for path in (folder / "containers").glob(f"{incomplete}*/Dockerfile"))
            return


def complete_endpoints(incomplete: str) -> Iterator[str]:
    """The endpoints of the project around the current folder, by their file names alone."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "cdk.json").exists():
            yield from sorted(path.stem for path in (folder / "endpoints").glob(f"{incomplete}*.toml"))
            return
