"""What the launcher runs: the user's code, the program in it, and its arguments."""

import argparse
import hashlib
import io
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.training.contract_files import write_config
from training.launcher import source
from training.launcher.endings.failure import LaunchError
from training.launcher.program import read_program, to_arguments


def test_hyperparameters_become_arguments_as_the_toolkit_writes_them() -> None:
    values = {"lr": 0.1, "name": "adam", "flag": True, "n": -3, "layers": {"a": 1, "b": 2}, "none": None, "x y": "a b"}
    assert to_arguments(values) == (
        *("--flag", "True"),
        *("--layers", "a=1,b=2"),
        *("--lr", "0.1"),
        *("-n", "-3"),
        *("--name", "adam"),
        *("--none", ""),
        *("--x y", "a b"),
    )


@pytest.mark.parametrize("value", ["--evil", "-x", "-"])
def test_a_value_cannot_become_another_argument(value: str) -> None:
    assert to_arguments({"note": value}) == (f"--note={value}",)


@pytest.mark.parametrize("value", [-1, -0.5, -1e-05, "-3.", "-.5", "-1e3", "-\u0661", True, [-1], {"a": -1}])
def test_argparse_reads_every_value(value: Any) -> None:
    """It takes a negative number with an exponent for an option."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate")
    assert parser.parse_args(list(to_arguments({"rate": value}))).rate == (
        "a=-1" if isinstance(value, dict) else str(value)
    )


@pytest.mark.parametrize(
    ("key", "value"), [("a=b", 1), ("", 1), ("a\0", 1), ("a", "\0"), ("a", {"b": "\0"}), ("a", "\ud800"), ("\ud800", 1)]
)
def test_what_no_process_can_be_given_is_refused_by_its_name(key: str, value: Any) -> None:
    with pytest.raises(LaunchError, match="cannot be handed to a program") as refused:
        to_arguments({key: value})
    assert f"the hyperparameter {key!a} " in str(refused.value)


@given(value=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_any_value_reaches_the_program_as_it_is(value: str) -> None:
    """Quotes, dollars, line breaks: there is no shell that could read them."""
    (*_, last) = to_arguments({"note": value})
    assert last.removeprefix("--note=") == value


def zipped(**files: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as bundle:
        for name, text in files.items():
            bundle.writestr(name.replace("__", "/").replace("_py", ".py"), text)
    return content.getvalue()


def test_code_is_verified_and_unpacked(tmp_path: Path) -> None:
    archive = zipped(train_py="print(1)", package__mod_py="")
    (tmp_path / "channel").mkdir()
    (tmp_path / "channel" / "abc.zip").write_bytes(archive)
    environ = {"SHARDYARD_SOURCE_SHA256": hashlib.sha256(archive).hexdigest()}
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "stale.py").touch()
    assert source.unpack_source(tmp_path / "channel", tmp_path / "code", environ) == tmp_path / "code"
    found = sorted(path.relative_to(tmp_path / "code").as_posix() for path in (tmp_path / "code").rglob("*.py"))
    assert found == ["package/mod.py", "train.py"]
    assert source.unpack_source(tmp_path / "channel", tmp_path / "code", {}) is None


def test_changed_code_is_refused(tmp_path: Path) -> None:
    (tmp_path / "abc.zip").write_bytes(zipped(train_py=""))
    with pytest.raises(LaunchError, match="the object in S3 was changed"):
        source.unpack_source(tmp_path, tmp_path / "code", {"SHARDYARD_SOURCE_SHA256": "0" * 64})
    assert not (tmp_path / "code").exists()


def test_a_missing_zip_is_said(tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match=r"must hold one zip, but .* holds 0"):
        source.unpack_source(tmp_path, tmp_path / "code", {"SHARDYARD_SOURCE_SHA256": "0" * 64})


def test_a_zip_cannot_write_outside(tmp_path: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as bundle:
        bundle.writestr("../evil.py", "")
    (tmp_path / "abc.zip").write_bytes(content.getvalue())
    environ = {"SHARDYARD_SOURCE_SHA256": hashlib.sha256(content.getvalue()).hexdigest()}
    with pytest.raises(LaunchError, match=r"holds '\.\./evil\.py', which lies outside"):
        source.unpack_source(tmp_path, tmp_path / "code", environ)


@pytest.mark.parametrize(
    ("entry", "kind", "words"),
    [
        ("training.pytorch.programs.mnist", "module", ["-u", "-m", "training.pytorch.programs.mnist"]),
        ("train.py", "script", ["-u", "{code}/train.py"]),
        ("run", "executable", []),
    ],
)
def test_a_program_is_a_module_a_script_or_an_executable(
    tmp_path: Path, entry: str, kind: str, words: list[str]
) -> None:
    contract = write_config(tmp_path, hyperparameters={"lr": "0.1"})
    contract.code_dir.mkdir()
    for name in ("train.py", "run"):
        (contract.code_dir / name).touch(mode=0o755)
    program = read_program(contract, {"SHARDYARD_ENTRY": entry, "SHARDYARD_ARGUMENTS": '["--fast"]'})
    assert program.kind == kind
    head = [sys.executable] if kind != "executable" else [str(contract.code_dir / "run")]
    expected = [*head, *(word.replace("{code}", str(contract.code_dir)) for word in words), "--fast", "--lr", "0.1"]
    assert program.command() == expected


def test_a_program_that_is_missing_is_said(tmp_path: Path) -> None:
    contract = write_config(tmp_path)
    with pytest.raises(LaunchError, match="the job names no program"):
        read_program(contract, {})
    contract.code_dir.mkdir()
    (contract.code_dir / "train.py").touch()
    with pytest.raises(LaunchError, match=r"the program 'trian\.py' is not in .* \(train\.py\)"):
        read_program(contract, {"SHARDYARD_ENTRY": "trian.py"})
    for arguments in ("--fast", "[1]", '["\\u0000"]'):
        with pytest.raises(LaunchError, match="SHARDYARD_ARGUMENTS must be a JSON list of strings without NUL letters"):
            read_program(contract, {"SHARDYARD_ENTRY": "train.py", "SHARDYARD_ARGUMENTS": arguments})


def test_a_program_that_nobody_may_execute_is_said(tmp_path: Path) -> None:
    contract = write_config(tmp_path)
    contract.code_dir.mkdir()
    (contract.code_dir / "run.sh").touch(mode=0o644)
    with pytest.raises(LaunchError, match=r"the program 'run\.sh' is neither a \.py file nor executable: chmod \+x"):
        read_program(contract, {"SHARDYARD_ENTRY": "run.sh"})


def test_the_sdks_own_way_to_name_a_program_works(tmp_path: Path) -> None:
    contract = write_config(tmp_path, hyperparameters={"sagemaker_program": '"train.py"'})
    contract.code_dir.mkdir()
    (contract.code_dir / "train.py").touch()
    assert read_program(contract, {}).target == str(contract.code_dir / "train.py")
