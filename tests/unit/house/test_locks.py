"""Every environment is locked with checksums, the locks follow from the requirements, and every licence is known."""

import importlib.metadata
import re
import shutil
from pathlib import Path

import pytest
from packaging.markers import Marker

from scripts import lock
from tests.support.some import some

ROOT = Path(__file__).parents[3]
ENTRY = re.compile(r"[a-z0-9._-]+==[\w.+!]+( ; .+?)? \\(\n    --hash=sha256:[0-9a-f]{64}( \\)?)+")
FREE = re.compile(
    r"\b(MIT|BSD|0BSD|Apache|ISC|PSF|Python Software Foundation|Python-2\.0|CNRI-Python|HPND|Zlib|Unlicense|CC0)\b",
    re.I,
)
"""Licences that ask for nothing but their own text."""
FILE_BY_FILE = {
    "certifi": "MPL-2.0: its file of certificates is passed on as it is",
    "hypothesis": "MPL-2.0: used by tests alone, unchanged",
    "pathspec": "MPL-2.0: used as it is",
}
"""Licences that ask for the source of what one changes in their own files; nothing is changed."""


@pytest.mark.parametrize("made", lock.LOCKS, ids=lambda made: made.file)
def test_a_lock_has_a_version_and_checksums_of_every_package(made: lock.Lock) -> None:
    text = (ROOT / made.file).read_text()
    entries = lock.packages(ROOT / made.file)
    for name, entry in some(entries.items()):
        assert ENTRY.fullmatch(entry), name
    assert not re.search(r"https?://|index-url|find-links|file:", text), "a lock is for whatever index one has"
    for requirements in made.requirements:
        for line in (ROOT / requirements).read_text().splitlines():
            pinned = re.match(r"([A-Za-z0-9._-]+)(?:\[\w+\])?==(\S+)", line)
            if pinned and not lock.is_left_out(made, pinned[1].lower()):
                assert entries[pinned[1].lower()].startswith(f"{pinned[1].lower()}=={pinned[2]} ")


def test_the_locks_follow_from_their_requirements() -> None:
    assert lock.differing() == []


def test_a_changed_requirement_is_noticed_and_a_comment_is_not(tmp_path: Path) -> None:
    for made in lock.LOCKS:
        for name in (made.file, *made.requirements):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    assert lock.differing(tmp_path) == []
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("# Another comment\n" + requirements.read_text())
    assert lock.differing(tmp_path) == []
    requirements.write_text(requirements.read_text().replace("rich==", "rich==9"))
    assert lock.differing(tmp_path) == ["requirements.lock", "requirements-test.lock"], "tests need what synth needs"
    (tmp_path / "requirements-sdk.lock").unlink()
    assert "requirements-sdk.lock" in lock.differing(tmp_path)


def test_both_parts_of_one_environment_agree() -> None:
    first, second = lock.packages(ROOT / "requirements.lock"), lock.packages(ROOT / "requirements-test.lock")
    both = some(sorted(first.keys() & second.keys()))
    assert {name: first[name].split()[0] for name in both} == {name: second[name].split()[0] for name in both}


def test_only_torch_and_what_it_brings_have_no_checksum() -> None:
    for file in ("requirements-test.lock", "requirements-sdk.lock"):
        (line,) = [line for line in (ROOT / file).read_text().splitlines() if line.startswith("# Left out")]
        names = line.partition(": ")[2].split(", ")
        assert "torch" in names
        assert all(any(re.fullmatch(pattern, name) for pattern in lock.TORCH) for name in names)


def installed() -> list[str]:
    """The packages of the locks that belong to this environment."""
    found = set()
    for file in ("requirements.lock", "requirements-test.lock"):
        for name, entry in lock.packages(ROOT / file).items():
            marker = re.match(r"\S+ ; (.+?) \\\n", entry)
            if marker is None or Marker(marker[1]).evaluate():
                found.add(name)
    return sorted(found)


def licence(name: str) -> str:
    about = importlib.metadata.metadata(name)
    said = [about.get("License-Expression") or "", *(about.get_all("Classifier") or [])]
    known = [
        one.removeprefix("License :: ") for one in said if one and (one == said[0] or one.startswith("License ::"))
    ]
    short = (about.get("License") or "").strip().splitlines()
    return "; ".join([*known, *short[:1]])


def test_no_exception_is_kept_that_nothing_needs() -> None:
    for name in FILE_BY_FILE:
        assert not FREE.search(licence(name)), name


@pytest.mark.parametrize("name", installed())
def test_every_licence_is_one_that_we_may_pass_on(name: str) -> None:
    said = licence(name)
    assert FREE.search(said) or name in FILE_BY_FILE, f"{name}: {said!r}"
    assert not re.search(r"\b(A?GPL|LGPL)\b", said), f"{name}: {said!r}"
