"""A folder of a container on this machine, and how it is copied to S3."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from boto3.exceptions import S3UploadFailedError

from embedded.nodes.channels import ChannelError
from embedded.nodes.folder_sync import FolderSync, Synced, on_node
from embedded.nodes.locations import Location
from embedded.weather import forecast


def test_a_folder_of_a_node_lies_in_its_opt_ml(tmp_path: Path) -> None:
    assert on_node(tmp_path, "/opt/ml/checkpoints/deep") == tmp_path / "checkpoints/deep"


@pytest.mark.parametrize("path", ["/opt/ml/../../../home/x", "/opt/ml/link/x"])
def test_no_way_leads_out_of_opt_ml(tmp_path: Path, path: str) -> None:
    ml = tmp_path / "ml"
    ml.mkdir()
    (ml / "link").symlink_to(tmp_path)
    with pytest.raises(ChannelError, match=f"The folder {path} leads out of /opt/ml"):
        on_node(ml, path)


class Bucket:
    """A client of S3 that keeps what it is given."""

    def __init__(self) -> None:
        self.keys: set[str] = set()

    def upload_file(self, path: str, bucket: str, key: str, ExtraArgs: dict[str, str] | None = None) -> None:
        self.keys.add(key)

    def delete_object(self, *, Bucket: str, Key: str) -> None:
        self.keys.discard(Key)


class Nodes:
    """Two nodes with checkpoint folders, and what copies them."""

    def __init__(self, root: Path) -> None:
        self.folders = [root / host / "ml" / "checkpoints" for host in ("algo-1", "algo-2")]
        for folder in self.folders:
            folder.mkdir(parents=True)
            (folder / "restored").write_text("from S3")
        self.bucket = Bucket()
        self.bucket.keys = {"run/restored"}
        synced = Synced(local_path="/opt/ml/checkpoints", location=Location.parse("s3://bucket/run"))
        self.sync = FolderSync(self.bucket, synced, [folder.parent for folder in self.folders], 1000)


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    yield Nodes(tmp_path)
    forecast.change("fair", {})


def test_an_upload_that_s3_refuses_is_not_forgotten(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise S3UploadFailedError("AccessDenied")

    monkeypatch.setattr(nodes.bucket, "upload_file", refuse)
    (nodes.folders[0] / "new").write_text("x")
    nodes.sync.start()
    nodes.sync.stop(last_look=True)
    nodes.sync.join()
    assert isinstance(nodes.sync.error, S3UploadFailedError), "its thread died of it, and the job was called Completed"


def test_links_are_left_out_where_they_are_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "ml" / "processing" / "out"
    folder.mkdir(parents=True)
    (folder / "link").symlink_to("file")
    (folder / "elsewhere").symlink_to("/opt/ml/processing")
    bucket = Bucket()
    synced = Synced(
        local_path="/opt/ml/processing/out",
        location=Location.parse("s3://bucket/run"),
        follows_links=False,
        carries_deletions=False,
    )
    sync = FolderSync(bucket, synced, [tmp_path / "ml"], 1000)
    (folder / "file").write_text("x")
    sync._look()
    assert bucket.keys == {"run/file"}


def test_in_fair_weather_a_deletion_stays_on_the_node(nodes: Nodes) -> None:
    (nodes.folders[0] / "restored").unlink()
    nodes.sync._look()
    assert nodes.bucket.keys == {"run/restored"}


def test_a_carried_deletion_follows_after_the_lag_even_where_another_node_holds_the_file(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    forecast.change(None, {"deletions": "carried", "deletion_lag_seconds": 10})
    seconds = [0.0]
    monkeypatch.setattr("embedded.nodes.folder_sync.time.monotonic", lambda: seconds[0])
    (nodes.folders[0] / "new").write_text("x")
    nodes.sync._look()
    for name in ("new", "restored"):
        (nodes.folders[0] / name).unlink()
    nodes.sync._look()
    seconds[0] = 9.0
    nodes.sync._look()
    assert nodes.bucket.keys == {"run/new", "run/restored"}
    (nodes.folders[0] / "new").write_text("again")
    seconds[0] = 10.0
    nodes.sync._look()
    assert nodes.bucket.keys == {"run/new"}


def test_a_slow_upload_takes_its_time_and_is_lost_with_the_node(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    forecast.change(None, {"upload_bytes_per_second": 100})
    waited: list[float] = []
    monkeypatch.setattr(nodes.sync._gone, "wait", lambda seconds: waited.append(seconds) or len(waited) > 1)
    for name in ("a", "b", "c"):
        (nodes.folders[0] / name).write_text("x" * 50)
    nodes.sync._look()
    assert waited == [0.25, 0.25], "two nodes send at once"
    assert len(nodes.bucket.keys - {"run/restored"}) == 1


def test_a_folder_that_goes_while_it_is_looked_through_is_no_error(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (nodes.folders[0] / "kept").write_text("x")
    (nodes.folders[0] / "going" / "deep").mkdir(parents=True)
    scandir = os.scandir

    def removed(path: Path) -> object:
        if str(path).endswith("deep"):
            raise FileNotFoundError(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", removed)
    nodes.sync._look()
    assert nodes.sync.error is None and "run/kept" in nodes.bucket.keys


def test_what_a_node_deleted_stays_in_s3_also_when_the_copying_ends(nodes: Nodes) -> None:
    assert (
        not {name for name in vars(FolderSync) if hasattr(threading.Thread, name)}
        - {"__init__", "__doc__", "run"}
        - {"__module__"}
    ), "a method that the thread itself calls by this name"
    (nodes.folders[0] / "restored").unlink()
    nodes.sync.start()
    nodes.sync.stop(last_look=True)
    nodes.sync.join()
    assert nodes.bucket.keys == {"run/restored"}
