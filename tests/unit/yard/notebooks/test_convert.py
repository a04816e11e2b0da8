"""Notebooks as people write them: each becomes a script that runs, or is refused with all its reasons."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.notebooks import book
from tests.support.notebooks.book import Book
from tests.support.notebooks.converted import CONVERTED
from tests.support.notebooks.refused import REFUSED
from yard.notebooks import converting
from yard.notebooks.converting import Conversion, NotConvertedError, Wanted
from yard.notebooks.paths import Given
from yard.project import Project

STAND_INS = Path(book.__file__).parent / "stand_ins"


def converted(project: Project, one: Book) -> Conversion:
    options = dict(one.options)
    given = Given(channels=options.pop("channels", {}), kept=options.pop("kept", {}))
    first = [options.pop("first")] if "first" in options else []
    path = book.write(project.root / "notebooks/train.ipynb", [*first, *one.cells], language=one.language)
    for name, text in one.files.items():
        (path.parent / name).parent.mkdir(parents=True, exist_ok=True)
        (path.parent / name).write_text(text)
    return converting.convert(project, Wanted(notebook=path, name="churn", given=given, **options))


def run(project: Project, one: Book) -> str:
    """Run the script as a container would, elsewhere than where the notebook lies."""
    beside, places = project.root / "notebooks", {}
    for name, source in one.channels.items():
        places[f"SM_CHANNEL_{name.upper()}"] = str(beside / source)
    for name, folder in (("SM_MODEL_DIR", "model"), ("SM_OUTPUT_DATA_DIR", "output")):
        (project.root / folder).mkdir()
        places[name] = str(project.root / folder)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LD_LIBRARY_PATH") if name in os.environ}
    alone = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0", "RANK": "0", "WORLD_SIZE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "train.py", *one.arguments],
        cwd=project.root / "code/churn",
        env={**kept, **places, **alone, "PYTHONPATH": str(STAND_INS)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _runs(one: Book) -> Any:
    """A run that imports torch is slow."""
    return pytest.param(one, id=one.name, marks=[pytest.mark.slow] if "torch" in one.name else [])


@pytest.mark.parametrize("one", [_runs(one) for one in CONVERTED])
def test_it_becomes_a_job_whose_script_runs(project: Project, one: Book) -> None:
    done = converted(project, one)
    spec = project.job("churn")
    assert (spec.source.dir, spec.program.entry) == ("code/churn", "train.py")
    assert set(spec.channels) == set(one.channels)
    said = [str(note) for note in done.notes]
    assert [note for note in one.notes if not any(line.startswith(note) for line in said)] == []
    printed = run(project, one)
    assert [text for text in one.prints if text not in printed] == [], printed
    left = [path.relative_to(project.root).as_posix() for path in project.root.rglob("*") if path.is_file()]
    assert sorted(path for path in left if path.startswith(("model/", "output/"))) == sorted(one.leaves)


@pytest.mark.parametrize("one", REFUSED, ids=lambda one: one.name)
def test_it_is_refused_with_every_reason_and_nothing_is_written(project: Project, one: Book) -> None:
    before = sorted(project.root.rglob("*"))
    with pytest.raises(NotConvertedError) as refusal:
        converted(project, one)
    said = [str(remark) for remark in refusal.value.refusals]
    assert len(said) == len(one.refused), said
    assert [why for why in one.refused if not any(line.startswith(why) for line in said)] == [], said
    written = set(project.root.rglob("*")) - set(before)
    assert {path.relative_to(project.root).parts[0] for path in written} == {"notebooks"}
