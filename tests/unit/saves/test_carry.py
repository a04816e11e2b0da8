"""What is brought to S3 before a container ends."""

import json
from pathlib import Path

import pytest

from tests.support.training.fake_mirror import FakeBucket
from training.saves import carry
from training.saves import mirror as mirror_module
from training.saves.mirror import Mirror

NEWEST = "run/step-00000020-g1"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> FakeBucket:
    found = FakeBucket()
    monkeypatch.setattr(mirror_module, "_make_client", lambda: found)
    return found


def files_of(rank: int) -> dict[str, bytes]:
    """What a rank of two writes into its folder."""
    manifest = json.dumps({"world_size": 2, "files": {"tensors": {"bytes": 7, "sha256": "x"}}}).encode()
    return {f"rank-{rank:05d}/tensors": b"tensors", f"rank-{rank:05d}/manifest.json": manifest}


def save(folder: Path, name: str, rank: int = 0) -> None:
    for file, data in files_of(rank).items():
        path = folder / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def test_the_newest_save_is_sent_and_no_older_one_and_the_other_nodes_part_is_awaited(
    tmp_path: Path, bucket: FakeBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("run/step-00000010-g1", NEWEST, "other/step-00000099-g1"):
        save(tmp_path, name)
    said: list[str] = []
    parts = iter(files_of(1).items())

    def other_node(seconds: float) -> None:
        file, data = next(parts)
        bucket.put(f"place/{NEWEST}/{file}", data)

    monkeypatch.setattr(carry.time, "sleep", other_node)
    carry.carry(Mirror(tmp_path, "s3://bucket/place"), "run", since=0, note=said.append)
    assert sorted(bucket.sent) == [f"place/{NEWEST}/rank-00000/{name}" for name in ("manifest.json", "tensors")]
    assert said == [
        f"2 files of {tmp_path}/{NEWEST} are not sent yet",
        *[f"rank 1 of {NEWEST} is not there"] * 2,
    ]


def test_a_manifest_that_came_before_its_files_is_no_save(tmp_path: Path, bucket: FakeBucket) -> None:
    mirror = Mirror(tmp_path, "s3://bucket")
    for rank in (0, 1):
        for file, data in files_of(rank).items():
            bucket.put(f"{NEWEST}/{file}", data)
    assert carry.missing_part(mirror, NEWEST, 2) == ""
    bucket.put(f"{NEWEST}/rank-00001/tensors", b"cut")
    assert carry.missing_part(mirror, NEWEST, 2) == f"{NEWEST}/rank-00001/tensors is not there as it was written"
    del bucket.objects[f"{NEWEST}/rank-00001/tensors"]
    assert carry.missing_part(mirror, NEWEST, 2).startswith(f"{NEWEST}/rank-00001/tensors is not there")
    assert carry.missing_part(mirror, NEWEST, 4) == f"rank 2 and 1 more of {NEWEST} is not there"


def test_the_save_of_the_last_start_is_the_newest(tmp_path: Path) -> None:
    for name in ("run/step-00000030-g1", "run/step-00000020-g2"):
        save(tmp_path, name)
    (tmp_path / "run/step-00000040-g2/rank-00000").mkdir(parents=True)
    found = carry.newest_save(tmp_path / "run")
    assert found is not None and found.name == "step-00000020-g2", "the one of step 40 is not finished"
    assert carry.newest_save(tmp_path / "none") is None


def test_a_program_with_files_of_its_own_make_has_all_of_them_sent(tmp_path: Path, bucket: FakeBucket) -> None:
    (tmp_path / "checkpoint-5").mkdir()
    (tmp_path / "checkpoint-5/model.bin").write_text("x")
    carry.carry(Mirror(tmp_path, "s3://bucket/place"), "run", since=0, note=lambda text: None)
    assert bucket.sent == ["place/checkpoint-5/model.bin"]


def test_after_a_failure_every_save_is_sent_and_nobody_is_awaited(tmp_path: Path, bucket: FakeBucket) -> None:
    for name in ("run/step-00000010-g1", NEWEST):
        save(tmp_path, name)
    carry.carry_what_there_is(Mirror(tmp_path, "s3://bucket"), since=0, note=lambda text: None)
    assert len(bucket.sent) == 4
