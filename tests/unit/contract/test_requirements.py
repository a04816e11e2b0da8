"""What pip says, as one sentence."""

from pathlib import Path

import pytest

from contract.requirements import digest, pip_errors, source_lines

CONFLICT = """WARNING: something else
ERROR: Cannot install a==1 and b==2 because these package versions have conflicting dependencies.
ERROR: ResolutionImpossible: for help visit https://pip.pypa.io/en/latest/topics/dependency-resolution/
"""
NO_WAY = """WARNING: Retrying (Retry(total=4)) after connection broken by 'NewConnectionError(...)': /simple/einops/
ERROR: Could not find a version that satisfies the requirement einops==0.8.1 (from versions: none)
ERROR: No matching distribution found for einops==0.8.1
"""


def test_only_pips_error_lines_are_told() -> None:
    assert pip_errors(CONFLICT) == (
        "Cannot install a==1 and b==2 because these package versions have conflicting dependencies.; "
        "ResolutionImpossible: for help visit https://pip.pypa.io/en/latest/topics/dependency-resolution/"
    )


def test_an_index_that_cannot_be_reached_is_told_as_such() -> None:
    assert pip_errors(NO_WAY).endswith("found for einops==0.8.1 (the package index cannot be reached from here)")


def test_without_an_error_line_the_end_of_the_output_is_told() -> None:
    assert pip_errors("x" * 1000 + "\nKilled\n").endswith("x\nKilled")


def test_a_comment_makes_no_other_list() -> None:
    assert digest(b"# why\na==1  # because\n") == digest(b"a==1")


@pytest.mark.parametrize(
    "line",
    [
        "numpy",
        "numpy==2.4.6  # why",
        "torch[extra]>=2 ; python_version < '4'",
        "./tiny-1.0-py3-none-any.whl",
        "tiny @ file:///tiny-1.0-py3-none-any.whl",
        "--find-links /wheels",
        "--hash=sha256:0",
        "--only-binary :all:",
    ],
)
def test_what_is_built_already_runs_no_code(tmp_path: Path, line: str) -> None:
    (tmp_path / "requirements.txt").write_text(line)
    assert source_lines(tmp_path / "requirements.txt") == []


@pytest.mark.parametrize(
    "line",
    [
        "-e .",
        "--editable=.",
        "--no-binary :all:",
        "--no-binary=numpy",
        "--only-binary=:none:",
        "git+https://example.com/a.git",
        "a @ git+https://example.com/a.git",
        "https://example.com/a-1.tar.gz",
        "a @ https://example.com/a-1.zip#sha256=0",
        "./a",
        "/a",
        "file:///a",
        "sub/a",
    ],
)
def test_what_would_be_built_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "sub/a").mkdir(parents=True)
    (tmp_path / "requirements.txt").write_text(line)
    assert source_lines(tmp_path / "requirements.txt") == [line]


def test_lists_that_a_list_names_are_read_too_and_circles_end(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("-r sub/more.txt\n--requirement requirements.txt\n-c gone.txt\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/more.txt").write_text("-e \\\n  .\n-r ../requirements.txt\n")
    (line,) = source_lines(tmp_path / "requirements.txt")
    assert line.split() == ["-e", "."]
