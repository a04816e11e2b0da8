"""From which step a resumed run goes on, by the names in S3."""

from types import SimpleNamespace
from typing import Any

import pytest

from yard.runs.saves import newest_step, where_it_begins


def manifest(step: int, rank: int, generation: int = 1) -> str:
    return f"checkpoints/gpt/r1/r1/step-{step:08}-g{generation}/rank-{rank:05}/manifest.json"


@pytest.mark.parametrize(
    ("keys", "step"),
    [
        ([manifest(10, 0), manifest(10, 1), manifest(20, 0), manifest(20, 1)], 20),
        ([manifest(10, 0), manifest(10, 1), manifest(20, 0)], 10),
        ([manifest(10, 0), manifest(20, 0, generation=2)], 20),
        ([manifest(10, 0), manifest(20, 0).replace("manifest.json", "tensors.bin")], 10),
        (["checkpoints/gpt/r1/ckpt.pt"], None),
        ([], None),
    ],
)
def test_the_newest_step_that_every_rank_has_saved(keys: list[str], step: int | None) -> None:
    assert newest_step(keys) == step


def account(keys: list[str], place: str | None = None) -> Any:
    pages = [{"Contents": [{"Key": key} for key in keys]}] if keys else [{}]
    s3 = SimpleNamespace(
        get_paginator=lambda _: SimpleNamespace(paginate=lambda **asked: asked_for.update(asked) or pages)
    )
    job = SimpleNamespace(checkpoints=SimpleNamespace(s3=place))
    asked_for.clear()
    project = SimpleNamespace(job=lambda _: job, deployed_name=str)
    return SimpleNamespace(client=lambda _: s3, artifact_bucket=lambda: "artifacts", project=project)


asked_for: dict[str, str] = {}


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ([manifest(20, 0)], "It goes on from step 20, or from an earlier save if one there is damaged."),
        (["a", "b"], "It has 2 files of its own in s3://artifacts/checkpoints/gpt/r1/; its program knows the step."),
        ([], "No checkpoint of it is in s3://artifacts/checkpoints/gpt/r1/: it begins anew, at step 0."),
    ],
)
def test_a_sentence_says_where_it_begins(keys: list[str], says: str) -> None:
    assert where_it_begins(account(keys), "gpt", "r1") == says
    assert asked_for == {"Bucket": "artifacts", "Prefix": "checkpoints/gpt/r1/"}


def test_a_place_of_the_jobs_own_is_looked_into() -> None:
    assert "s3://mine/here/" in where_it_begins(account(["x"], place="s3://mine/here/"), "gpt", "r1")
