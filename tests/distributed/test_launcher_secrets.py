"""[secrets] as real processes: the ranks have the values, and nothing that they print shows one."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from tests.support.training.fake_secrets import KEYS, secrets_manager
from tests.support.training.launching import Node, nodes

VALUE = "wandb-0123456789abcdef"
PRINTS = """
import os, sys, time
value = os.environ["WANDB_API_KEY"]
assert len(value) == 22, "another value"
print("whole", value)
for letter in f"slowly {value}\\n":
    sys.stderr.write(letter)
    sys.stderr.flush()
os.write(1, value[:10].encode())
time.sleep(0.05)
os.write(1, value[10:].encode() + b" in two writes\\n")
print("user", os.environ.get("USER_NAME", "-"))
if "fail" in sys.argv:
    raise ValueError(f"bad key {value}")
"""
REFERENCE = {"SHARDYARD_SECRET_WANDB_API_KEY": "secret:team/wandb#key"}
SECRETS = {"team/wandb": json.dumps({"key": VALUE, "user": "ada"})}


def shows_nothing(node: Node, *, times: int) -> None:
    assert VALUE not in node.output and VALUE[:12] not in node.output
    assert node.output.count("[secret WANDB_API_KEY]") == times
    assert "slowly [secret WANDB_API_KEY]" in node.output
    assert "[secret WANDB_API_KEY] in two writes" in node.output


@pytest.mark.parametrize(("launcher", "processes"), [("plain", 1), ("torchrun", 1), ("torchrun", 2)])
def test_the_ranks_have_the_value_and_the_log_has_not(tmp_path: Path, launcher: str, processes: int) -> None:
    with (
        secrets_manager(SECRETS) as place,
        nodes(tmp_path, PRINTS, launcher=launcher, processes=processes, **place, **REFERENCE) as (node,),
    ):
        assert node.end() == 0
        shows_nothing(node, times=3 * processes)


def test_the_ranks_of_mpirun_have_it_too(tmp_path: Path) -> None:
    if shutil.which("mpirun") is None:
        pytest.skip("needs Open MPI")
    with (
        secrets_manager(SECRETS) as place,
        nodes(tmp_path, PRINTS, launcher="mpirun", processes=2, **place, **REFERENCE) as (node,),
    ):
        assert node.end() == 0
        shows_nothing(node, times=6)


@pytest.mark.parametrize("launcher", ["plain", "torchrun"])
def test_the_failure_file_shows_it_neither(tmp_path: Path, launcher: str) -> None:
    with (
        secrets_manager(SECRETS) as place,
        nodes(
            tmp_path,
            PRINTS,
            launcher=launcher,
            processes=1,
            arguments=["fail"],
            SHARDYARD_MAX_RESTARTS="0",
            **place,
            **REFERENCE,
        ) as (node,),
    ):
        assert node.end() == 1
        assert "ValueError: bad key [secret WANDB_API_KEY]" in node.failure
        assert VALUE not in node.failure + node.output


def test_a_short_value_is_given_and_said_to_show(tmp_path: Path) -> None:
    user = {**REFERENCE, "SHARDYARD_SECRET_USER_NAME": "secret:team/wandb#user"}
    with secrets_manager(SECRETS) as place, nodes(tmp_path, PRINTS, launcher="plain", **place, **user) as (node,):
        assert node.end() == 0
        assert "user ada" in node.output
        assert node.own_lines == [
            "the value of USER_NAME in [secrets] is too short to be hidden: what the program prints of it shows"
        ]


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("secret:nowhere", "the secret nowhere cannot be read: An error occurred (ResourceNotFoundException)"),
        ("secret:team/wandb#other", "the secret team/wandb has no key other (its keys: key, user)"),
        ("secret:text#key", "the secret text is no JSON object, so it has no key key"),
        ("secret:binary", "the secret binary is binary, and a variable is a text (keep it as text)"),
        ("secret:empty", "the secret empty for WANDB_API_KEY is empty"),
        ("value", "SHARDYARD_SECRET_WANDB_API_KEY: it is no reference to a secret"),
    ],
)
def test_what_cannot_be_read_is_refused_before_the_program_starts(tmp_path: Path, reference: str, says: str) -> None:
    held: dict[str, str | bytes] = {**SECRETS, "text": "plain words", "binary": b"AAEC", "empty": ""}
    with (
        secrets_manager(held) as place,
        nodes(tmp_path, PRINTS, launcher="plain", **place, SHARDYARD_SECRET_WANDB_API_KEY=reference) as (node,),
    ):
        assert node.end() == 78
        assert node.failure.startswith(says)
        assert "whole" not in node.output and "plain words" not in node.output


def test_an_image_without_boto3_is_refused_in_words(tmp_path: Path) -> None:
    hides = tmp_path / "hides"
    hides.mkdir()
    (hides / "boto3.py").write_text("raise ImportError('no boto3 here')")
    command = [
        sys.executable,
        "-c",
        f"import sys; sys.path.insert(0, {str(hides)!r}); import runpy; sys.argv[1:] = []; "
        "runpy.run_module('training.launcher', run_name='__main__')",
    ]
    with nodes(tmp_path, PRINTS, launcher="plain", command=command, **KEYS, **REFERENCE) as (node,):
        assert node.end() == 78
        assert node.failure == "the image has no boto3, which reads [secrets]: add it to the image's requirements.txt"


def test_a_service_that_does_not_answer_is_a_failure_that_names_the_endpoint(tmp_path: Path) -> None:
    nowhere = {**KEYS, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    with nodes(tmp_path, PRINTS, launcher="plain", **nowhere, **REFERENCE) as (node,):
        assert node.end() == 1
        assert "interface endpoint secretsmanager" in node.failure
