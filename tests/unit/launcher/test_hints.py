"""What is said beside an error about a module: what lies near it in the user's code."""

from pathlib import Path

import pytest

from training.launcher.endings.failure import Failure
from training.launcher.endings.reasons import describe, is_incurable
from training.launcher.package import PACKAGE_ROOT


@pytest.fixture
def base(tmp_path: Path) -> Path:
    for name in ("mypkg/sub/train.py", "mypkg/sub/evaluate.py", "mypkg/sub/__init__.py", "utils.py", "data/x.csv"):
        path = tmp_path / "code" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "code" / "__pycache__").mkdir()
    return tmp_path


def sentence(tail: str, base: Path, status: int = 1) -> str:
    failure = Failure(name="rank 0", host="algo-1", exit_status=status, tail=tail)
    assert is_incurable(failure, base=base)
    first = describe(failure, base=base).splitlines()[0]
    assert first.startswith("rank 0 on algo-1 failed: ")
    return first.removeprefix("rank 0 on algo-1 failed: ")


SPECIFICATION = "Error while finding module specification for"
ENTRIES = [
    (
        "No module named mypkg.sub.trian",
        "; did you mean mypkg.sub.train? ({code}/mypkg/sub holds evaluate, train)",
    ),
    (
        f"{SPECIFICATION} 'mypkg.sbu.train' (ModuleNotFoundError: No module named 'mypkg.sbu')",
        "; did you mean mypkg.sub.train? ({code}/mypkg holds sub)",
    ),
    (
        "No module named mypkg.sub.__main__; 'mypkg.sub' is a package and cannot be directly executed",
        " ({code}/mypkg/sub holds evaluate, train)",
    ),
    ("No module named something.quite.different", " ({code} holds data, mypkg, utils)"),
    (f"{SPECIFICATION} 'mypkg.sub.train' (ModuleNotFoundError: No module named 'einops')", ""),
]


@pytest.mark.parametrize(("words", "hint"), ENTRIES)
def test_an_entry_that_is_no_module_is_told_what_lies_near_it(words: str, hint: str, base: Path) -> None:
    expected = words + hint.format(code=base / "code")
    assert sentence(f"/usr/local/bin/python: {words}\n", base) == expected, "python -m prints no traceback"
    assert sentence(f"Traceback (most recent call last):\nImportError: {words}\n", base) == f"ImportError: {expected}"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("mypkg.sub.trian", "; did you mean mypkg.sub.train? ({code}/mypkg/sub holds evaluate, train)"),
        ("utlis", "; did you mean utils?"),
        ("transformers", ""),
        ("data", ""),
    ],
)
def test_an_import_is_told_so_where_the_code_has_something_like_it(name: str, hint: str, base: Path) -> None:
    error = f"ModuleNotFoundError: No module named '{name}'"
    expected = error + hint.format(code=base / "code")
    assert sentence(f"Traceback (most recent call last):\n  File 'x'\n{error}\n", base) == expected


def test_our_own_programs_are_looked_for_where_they_are(base: Path) -> None:
    said = sentence("python: No module named training.pytorch.programs.mnits\n", base)
    meant = "did you mean training.pytorch.programs.mnist?"
    assert said.startswith(f"No module named training.pytorch.programs.mnits; {meant} ({PACKAGE_ROOT}")


def test_a_package_of_the_users_may_be_called_training_too(base: Path) -> None:
    (base / "code" / "training").mkdir()
    (base / "code" / "training" / "main.py").touch()
    said = sentence("python: No module named training.mian\n", base)
    assert said == f"No module named training.mian; did you mean training.main? ({base}/code/training holds main)"


def test_without_code_an_entry_is_told_that_none_came(tmp_path: Path) -> None:
    assert sentence("python: No module named trian\n", tmp_path) == "No module named trian (no code came)"


RELATIVE = "ImportError: attempted relative import with no known parent package"
FRAMES = 'Traceback (most recent call last):\n  File "{first}", line 1, in <module>\n    from . import x\n'


def test_a_script_with_a_relative_import_is_told_the_name_of_its_module(base: Path) -> None:
    script = base / "code" / "mypkg" / "sub" / "train.py"
    said = sentence(FRAMES.format(first=script) + f"{RELATIVE}\n", base)
    assert said == f"{RELATIVE}; set the entry to mypkg.sub.train"
    frame = f'  File "{base}/code/mypkg/helper.py", line 1, in <module>\n    from . import y\n'
    assert sentence(FRAMES.format(first=script) + frame + f"{RELATIVE}\n", base) == RELATIVE, "it is not the entry"
    for lonely in (base / "code" / "train.py", Path("/elsewhere/pkg/train.py")):
        assert sentence(FRAMES.format(first=lonely) + f"{RELATIVE}\n", base) == RELATIVE


@pytest.mark.parametrize(
    "error",
    [
        "AttributeError: module 'torch._C' has no attribute '_cuda_setDevice'",
        "AssertionError: Torch not compiled with CUDA enabled",
        "RuntimeError: Distributed package doesn't have NCCL built in",
    ],
)
def test_a_program_that_takes_a_gpu_for_granted_is_told_so(error: str, base: Path) -> None:
    said = sentence(f"Traceback (most recent call last):\n{error}\n", base)
    assert said == (
        f'{error}; it takes a GPU for granted, and none is here: "cpu" and "gloo" where torch.cuda.is_available() is '
        "false"
    )
