"""Which saves stay on the disk while SageMaker copies them to S3 slowly, and carries over each deletion."""

import contextlib
import os
import random
import sys
from pathlib import Path

import pytest
import torch.distributed as dist

from tests.support.training.checkpoint_training import Training, saved
from tests.support.training.fake_mirror import FakeBucket
from training.pytorch.checkpoint.messages import peers_of
from training.pytorch.process_group import Ranks
from training.saves import mirror as mirror_module
from training.saves.agreement import Agreement, Wishes
from training.saves.in_s3 import InS3, place_of, to_keep
from training.saves.manifest import Save


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeBucket:
    """S3, and the variables of a job whose checkpoints are copied there."""
    found = FakeBucket()
    monkeypatch.setattr(mirror_module, "_make_client", lambda: found)
    monkeypatch.setattr(InS3, "look", lambda known, saves: known._look(sorted(saves, reverse=True)))
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    monkeypatch.setenv("SHARDYARD_CHECKPOINT_S3", "s3://bucket/place/")
    return found


class SlowCopy:
    """SageMaker's copy at its worst: a few files at a time, in no order, and every deletion at once."""

    def __init__(self, folder: Path, bucket: FakeBucket, files_at_once: int) -> None:
        self.folder, self.bucket, self.files_at_once = folder, bucket, files_at_once
        self.chance = random.Random(1)
        self.whole: list[int] = []
        """After each look, the newest step that is whole in S3."""

    def look(self, step: int) -> None:
        """Copy and delete, and see what S3 has."""
        paths = [Path(place, name) for place, _, names in os.walk(self.folder) for name in names]
        here = {f"place/{path.relative_to(self.folder)}": path for path in paths}
        for key in self.bucket.objects.keys() - here.keys():
            del self.bucket.objects[key]
        objects = self.bucket.objects
        missing = sorted(
            key for key, path in here.items() if "/step-" in key and size_of(path) != len(objects.get(key, b""))
        )
        for key in self.chance.sample(missing, min(self.files_at_once, len(missing))):
            with contextlib.suppress(FileNotFoundError):
                self.bucket.put(key, here[key].read_bytes())
        counts: dict[str, int] = {}
        for key in objects.keys() - missing:
            # What is still being written is copied as well, and makes no save whole
            if not key.endswith(".tmp"):
                counts[key.split("/")[2]] = counts.get(key.split("/")[2], 0) + 1
        steps = [save.step for name, count in counts.items() if count == 3 and (save := Save.parse(name)) is not None]
        self.whole.append(max(steps, default=0))


def size_of(path: Path) -> int:
    """How large a file is now; 0 if it is no longer there."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


@pytest.mark.parametrize("files_at_once", [1, 100])
def test_s3_is_never_without_a_whole_save_once_it_had_one_and_gets_on(
    tmp_path: Path, bucket: FakeBucket, files_at_once: int
) -> None:
    folder = tmp_path / "checkpoints"
    copy = SlowCopy(folder, bucket, files_at_once)
    Training(folder, every_steps=1).run(50, copy.look)
    first = next(number for number, step in enumerate(copy.whole) if step)
    assert first < 20
    assert min(copy.whole[first:]) > 0, "S3 is never without"
    assert copy.whole[first] < min(copy.whole[-5:]), "and gets on"
    assert len(saved(folder)) <= 5, "the last three, the one in S3, and the one that is on its way"


def test_a_node_that_may_not_look_keeps_twice_as_many_and_says_so_once(
    tmp_path: Path, bucket: FakeBucket, capfd: pytest.CaptureFixture[str]
) -> None:
    bucket.refuse.add("list_objects_v2")
    Training(tmp_path / "checkpoints", every_steps=1).run(12)
    names = saved(tmp_path / "checkpoints")
    assert names[-6:] == [f"step-{step:08d}-g1" for step in range(7, 13)]
    assert len(names) == 7, "and the first one, which had the most time to be copied"
    said = capfd.readouterr().err
    assert said.count("warning: it is not known which saves are in S3: ") == 1
    assert "AccessDenied" in said and "twice as many stay on the disk" in said


def test_an_image_without_boto3_keeps_twice_as_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.setattr(InS3, "look", lambda known, saves: known._look(saves))
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    monkeypatch.setenv("SHARDYARD_CHECKPOINT_S3", "s3://bucket/place/")
    Training(tmp_path / "checkpoints", every_steps=1).run(12)
    assert len(saved(tmp_path / "checkpoints")) == 7


def test_a_run_of_few_saves_asks_s3_for_nothing(tmp_path: Path, bucket: FakeBucket) -> None:
    Training(tmp_path / "checkpoints", every_steps=5).run(15)
    assert bucket.lists == 0 and len(saved(tmp_path / "checkpoints")) == 3


def test_a_folder_that_nobody_copies_is_not_looked_up(tmp_path: Path, bucket: FakeBucket) -> None:
    assert place_of(tmp_path / "elsewhere", "run") is None
    assert place_of("s3://bucket/place/straight", "run") is None
    found = place_of(tmp_path / "checkpoints" / "mine", "run")
    assert found is not None and found[1] == "mine/run"


def test_what_is_looked_for_a_moment_ago_is_not_looked_for_again(
    tmp_path: Path, bucket: FakeBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(mirror_module, "_make_client", lambda: bucket)
    known = InS3(mirror_module.Mirror(tmp_path, "s3://bucket/place"), "run")
    for _ in range(3):
        known.look([Save(step=1, generation=1)])
        assert known._asking is not None
        known._asking.join()
    assert bucket.lists == 1 and known.held == {Save(step=1, generation=1)}


def saves(*steps: int) -> list[Save]:
    return [Save(step=step, generation=1) for step in steps]


@pytest.mark.parametrize(
    ("complete", "safe", "kept"),
    [
        ([5, 4, 3, 2, 1], None, [5, 4, 3, 1]),
        ([5, 4, 3, 1], 1, [5, 4, 3, 1]),
        ([6, 5, 4, 3, 1], 1, [6, 5, 4, 3, 1]),
        ([7, 6, 5, 4, 3, 1], 1, [7, 6, 5, 3, 1]),
        ([7, 6, 5, 3, 1], 3, [7, 6, 5, 3]),
        ([7, 6, 5, 3, 1], 7, [7, 6, 5]),
        ([2, 1], None, [2, 1]),
    ],
)
def test_what_is_kept(complete: list[int], safe: int | None, kept: list[int]) -> None:
    found = to_keep(saves(*complete), 3, None if safe is None else saves(safe)[0], [])
    assert [save.step for save in found] == kept


def test_what_a_run_began_with_stays_until_s3_has_been_asked() -> None:
    complete, restored = saves(9, 8, 7, 6, 5, 1), saves(5, 1)
    assert to_keep(complete, 3, None, restored) == saves(9, 8, 7, 5, 1)
    assert to_keep(complete, 3, restored[0], restored) == saves(9, 8, 7, 6, 5)


def test_a_resumed_run_does_not_delete_in_s3_what_it_came_from(
    tmp_path: Path, bucket: FakeBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "checkpoints"
    Training(folder, every_steps=1).run(7)
    assert "step-00000007-g1" in saved(folder)
    monkeypatch.setattr(InS3, "look", lambda known, saves: None)  # S3 has not answered yet
    Training(folder, every_steps=1).run(20)
    assert {"step-00000007-g1", "step-00000018-g2", "step-00000019-g2", "step-00000020-g2"} <= set(saved(folder))


def test_ranks_vote_on_what_is_in_s3_apart_from_what_is_on_their_disks() -> None:
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        agreement = Agreement(peers_of(Ranks(control=dist.group.WORLD)).ballot)
        begun, complete = saves(7, 8), saves(6, 5)
        mine = Wishes(save=False, stop=False, durable=tuple(saves(8)), carried=tuple(saves(5)))
        agreed = agreement.exchange_now(mine, begun, complete)
    finally:
        dist.destroy_process_group()
    assert (list(agreed.durable), list(agreed.carried)) == (saves(8), saves(5))
