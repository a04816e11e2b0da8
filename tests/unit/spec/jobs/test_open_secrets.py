"""Which names and values look like secrets, and which do not."""

import time

import pytest

from shardyard.spec.errors import Problem
from shardyard.spec.jobs.open_secrets import is_open_secret, open_arguments
from shardyard.spec.rules import check
from tests.support.spec.spec_tables import make

SECRET = [
    ("WANDB_API_KEY", "0123456789abcdef0123456789abcdef01234567"),
    ("WANDB_KEY", "0123456789abcdef"),
    ("HF_TOKEN", "hf_short1"),
    ("TEAM_TOKEN", "a1b2c3d4e5"),
    ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    ("DB_PASSWORD", "hunter2"),
    ("db-password", "123456"),
    ("api_key", "abcdefgh"),
    ("apiKey", "abcdefgh"),
    ("CLIENT_SECRET", "x"),
    ("secret", "swordfish"),
    ("comet_key", "a8f5f167f44f4964e6c998dee827110c"),
    ("ANYTHING", "ghp_0123456789abcdefghijABCDEFGHIJ012345"),
    ("MLFLOW_TRACKING_URI", "https://user:pass@mlflow.example.com"),
    ("NOTE", "-----BEGIN RSA PRIVATE KEY-----"),
]
NO_SECRET = [
    ("tokenizer", "bert-base-uncased"),
    ("TOKENIZERS_PARALLELISM", "false"),
    ("max_tokens", "512"),
    ("max_new_token", "512"),
    ("num_tokens_per_batch", "4096"),
    ("key_dim", "64"),
    ("num_key_value_heads", "8"),
    ("primary_key", "customer_id_2024_final"),
    ("SORT_KEY", "created_at"),
    ("image_key", "input_image_224x224"),
    ("label_key", "labels"),
    ("pad_token", "<pad>"),
    ("PAD_TOKEN", "[PAD_0123456789]"),
    ("hf_token", "true"),
    ("use_auth_token", "False"),
    ("S3_KEY", "datasets/mnist/train.npz"),
    ("WANDB_API_KEY_FILE", "/opt/ml/input/data/keys/wandb"),
    ("DB_PASSWORD", "/run/password"),
    ("query_key", "attention"),
    ("seed_key", "42"),
    ("keyboard", "qwertyuiop1234567890"),
    ("HF_TOKEN", ""),
    ("SECRET_SANTA", "1"),
    ("monkey", "0123456789abcdef0"),
    ("MLFLOW_TRACKING_URI", "https://mlflow.example.com"),
]


@pytest.mark.parametrize(("name", "value"), SECRET)
def test_looks_like_a_secret(name: str, value: str) -> None:
    assert is_open_secret(name, value)


@pytest.mark.parametrize(("name", "value"), NO_SECRET)
def test_is_no_secret(name: str, value: str) -> None:
    assert not is_open_secret(name, value)


def test_arguments_are_read_as_programs_read_them() -> None:
    words = [
        "train.py",
        "--api-key=abcdefgh",
        "--hf-token",
        "hf_abcdefgh",
        "--max_tokens=512",
        "wandb.api_key=abcdefgh",
    ]
    assert list(open_arguments(words)) == ["--api-key", "--hf-token", "wandb.api_key"]
    assert list(open_arguments(["--use-key", "--lr", "0.1", "--pad-token", "<pad>", "--tokenizer", "gpt2"])) == []


def test_every_place_is_looked_at_and_no_value_is_said() -> None:
    spec = make(
        environment={"HF_TOKEN": "hf_value-of-mine"},
        hyperparameters={"api_key": "value-of-mine"},
        program={"arguments": ["--password=value-of-mine"]},
        compute={"fallback": [{"instance_type": "ml.g6.xlarge", "environment": {"DB_PASSWORD": "value-of-mine"}}]},
    )
    problems: list[Problem] = check(spec)
    assert [str(problem).partition(": it looks")[0].partition(": the value")[0] for problem in problems] == [
        "environment.HF_TOKEN",
        "hyperparameters.api_key",
        "program.arguments",
        "compute.fallback[0]: environment.DB_PASSWORD",
    ]
    assert not any("value-of-mine" in str(problem) for problem in problems)


def test_what_is_named_as_no_secret_is_none() -> None:
    assert check(make(environment={"TEAM_TOKEN": "a1b2c3d4e5"}, not_secret=["TEAM_TOKEN"])) == []
    assert check(make(program={"arguments": ["--api-key=abcdefgh"]}, not_secret=["api-key"])) == []


@pytest.mark.parametrize("piece", ["x", "x1+", "a:", "a://b:", "-----BEGIN ", "hf_", "="])
def test_a_long_value_is_read_once(piece: str) -> None:
    """A launch's input is a megabyte at most, and the one who reads it a function with a limit of its own."""

    def seconds(length: int) -> float:
        began = time.process_time()
        is_open_secret("note", piece * (length // len(piece)))
        return time.process_time() - began

    assert seconds(400_000) < 20 * seconds(100_000) + 0.1
    assert seconds(1_000_000) < 5
