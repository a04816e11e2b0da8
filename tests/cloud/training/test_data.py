"""Channels: which node gets what, under which name, and in which way."""

import base64
import errno
import gzip
import hashlib
import json
import struct
from typing import Any

import pytest

from tests.support.clouds.training_cloud import BUCKET, NOT_DOWNLOADED, TrainingCloud, channel

TREE = """
import json, os
root = "/opt/ml/input/data"
found = {}
for folder, _, files in os.walk(root):
    for name in files:
        path = os.path.join(folder, name)
        with open(path) as file:
            found[os.path.relpath(path, root)] = file.read()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def cloud(cloud: TrainingCloud) -> TrainingCloud:
    for index in range(5):
        cloud.put(f"five/part-{index}", str(index))
    cloud.put("five/deep/inside", "deep")
    cloud.put("five/folder/", "")
    return cloud


def run_tree(cloud: TrainingCloud, name: str, channels: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    described = cloud.run(name, cloud.image("tree", TREE), InputDataConfig=channels, **fields)
    assert described["TrainingJobStatus"] == "Completed", described.get("FailureReason")
    return described


def test_every_node_gets_all_of_a_replicated_channel(cloud: TrainingCloud) -> None:
    run_tree(cloud, "replicated", [channel("train", "five")], ResourceConfig__InstanceCount=2)
    whole = {f"train/part-{index}": str(index) for index in range(5)} | {"train/deep/inside": "deep"}
    assert cloud.said("replicated", "algo-1") == whole
    assert cloud.said("replicated", "algo-2") == whole


def test_a_sharded_channel_is_dealt_out_in_key_order_and_host_order(cloud: TrainingCloud) -> None:
    shards = channel("train", "five/", S3DataDistributionType="ShardedByS3Key")
    run_tree(cloud, "sharded", [shards], ResourceConfig__InstanceCount=2)
    # in the order of keys: deep/inside, part-0, part-1, ...
    assert sorted(cloud.said("sharded", "algo-1")) == ["train/deep/inside", "train/part-1", "train/part-3"]
    assert sorted(cloud.said("sharded", "algo-2")) == ["train/part-0", "train/part-2", "train/part-4"]


def test_local_names_of_objects(cloud: TrainingCloud) -> None:
    channels = [channel("one", "five/part-3"), channel("start", "five/part-"), channel("deep", "five/deep/")]
    run_tree(cloud, "names", channels)
    said = cloud.said("names")
    assert said["one/part-3"] == "3"
    assert {f"start/part-{index}" for index in range(5)} <= set(said)
    assert said["deep/inside"] == "deep"


def test_a_manifest_names_objects_one_by_one(cloud: TrainingCloud) -> None:
    manifest = [{"prefix": f"s3://{BUCKET}/five/"}, "part-4", "deep/inside", "part-0"]
    cloud.put("lists/five.manifest", json.dumps(manifest))
    listed = channel("train", "lists/five.manifest", S3DataType="ManifestFile")
    run_tree(cloud, "manifest", [listed])
    assert cloud.said("manifest") == {"train/part-4": "4", "train/deep/inside": "deep", "train/part-0": "0"}


def test_channels_of_instance_groups(cloud: TrainingCloud) -> None:
    groups = [
        {"InstanceGroupName": "readers", "InstanceType": "ml.m5.large", "InstanceCount": 2},
        {"InstanceGroupName": "writer", "InstanceType": "ml.c5.xlarge", "InstanceCount": 1},
    ]
    channels = [
        channel("data", "five/part", S3DataDistributionType="ShardedByS3Key", InstanceGroupNames=["readers"]),
        channel("config", "five/deep/", InstanceGroupNames=["writer"]),
    ]
    run_tree(cloud, "groups", channels, ResourceConfig={"InstanceGroups": groups, "VolumeSizeInGB": 10})
    assert sorted(cloud.said("groups", "algo-1")) == ["data/part-0", "data/part-2", "data/part-4"]
    assert sorted(cloud.said("groups", "algo-2")) == ["data/part-1", "data/part-3"]
    assert sorted(cloud.said("groups", "algo-3")) == ["config/inside"]


READ_PIPES = """
import base64, hashlib, json, os, sys
names = sys.argv[1:]
said = {}
for name in names:
    path = "/opt/ml/input/data/" + name
    import stat
    assert stat.S_ISFIFO(os.stat(path).st_mode), path
    with open(path, "rb") as pipe:
        content = pipe.read()
        if len(content) > 10000:
            content = hashlib.sha256(content).digest()
        said[name] = base64.b64encode(content).decode()
print(json.dumps(said))
"""


def run_pipes(cloud: TrainingCloud, name: str, channels: list[dict[str, Any]], pipes: list[str]) -> dict[str, bytes]:
    image = cloud.image("pipes", READ_PIPES)
    spec = {"TrainingImage": image, "TrainingInputMode": "Pipe", "ContainerArguments": pipes}
    described = cloud.run(name, image, AlgorithmSpecification=spec, InputDataConfig=channels)
    assert described["TrainingJobStatus"] == "Completed", (described.get("FailureReason"), cloud.lines(name))
    return {pipe: base64.b64decode(text) for pipe, text in cloud.said(name).items()}


def test_pipe_mode_streams_one_fifo_for_each_epoch(cloud: TrainingCloud) -> None:
    cloud.put("big/a", b"a" * 3_000_000)
    cloud.put("big/b", b"b" * 10)
    cloud.put("packed/a.gz", gzip.compress(b"unpacked on the way"))
    channels = [
        channel("train", "five/part-"),
        channel("big", "big/"),
        channel("packed", "packed/", extra={"CompressionType": "Gzip"}),
        channel("records", "five/part-1", extra={"RecordWrapperType": "RecordIO"}),
    ]
    pipes = ["train_0", "train_1", "train_2", "big_0", "packed_0", "records_0"]
    said = run_pipes(cloud, "pipe", channels, pipes)
    assert said["train_0"] == said["train_1"] == said["train_2"] == b"01234"
    assert said["big_0"] == hashlib.sha256(b"a" * 3_000_000 + b"b" * 10).digest()
    assert said["packed_0"] == b"unpacked on the way"
    assert said["records_0"] == struct.pack("<II", 0xCED7230A, 1) + b"1\0\0\0"


def test_pipe_mode_shuffles_by_seed_and_epoch(cloud: TrainingCloud) -> None:
    for index in range(20):
        cloud.put(f"letters/{index:02}", chr(97 + index))
    channels = [channel("train", "letters/", extra={"ShuffleConfig": {"Seed": 7}})]
    said = run_pipes(cloud, "shuffled", channels, ["train_0", "train_1"])
    ordered = bytes(range(97, 117))
    assert said["train_0"] != said["train_1"]
    assert sorted(said["train_0"]) == sorted(said["train_1"]) == list(ordered)
    again = run_pipes(cloud, "shuffled-again", channels, ["train_0"])
    assert again["train_0"] == said["train_0"]


def test_an_augmented_manifest_streams_attributes(cloud: TrainingCloud) -> None:
    lines = [{"source-ref": f"s3://{BUCKET}/five/part-{index}", "label": index * 10} for index in (3, 1)]
    cloud.put("lists/augmented.jsonl", "\n".join(json.dumps(line) for line in lines))
    config = channel(
        "train",
        "lists/augmented.jsonl",
        S3DataType="AugmentedManifestFile",
        AttributeNames=["source-ref", "label"],
        extra={"RecordWrapperType": "RecordIO"},
    )
    stream = run_pipes(cloud, "augmented", [config], ["train_0"])["train_0"]
    records = []
    while stream:
        magic, length = struct.unpack("<II", stream[:8])
        assert magic == 0xCED7230A
        records.append(stream[8 : 8 + length])
        stream = stream[8 + length + (-length % 4) :]
    assert records == [b"3", b"30", b"1", b"10"]


def test_fast_file_mode_does_not_wait_for_the_copy(cloud: TrainingCloud) -> None:
    cloud.put("fast/large", bytes(range(256)) * 4096 * 40)
    cloud.put("fast/deep/small", "small")
    image = cloud.image(
        "fast",
        """
        import hashlib, json, os
        root = "/opt/ml/input/data/train"
        said = {"names": sorted(os.listdir(root)), "deep": os.listdir(root + "/deep")}
        said["size"] = os.path.getsize(root + "/large")
        with open(root + "/large", "rb") as file:
            file.seek(1_000_001)
            said["middle"] = list(file.read(3))
            file.seek(0)
            said["sha"] = hashlib.sha256(file.read()).hexdigest()
        said["small"] = open(root + "/deep/small").read()
        try:
            open(root + "/new", "w")
        except OSError as error:
            said["write"] = error.errno
        told = json.load(open("/opt/ml/input/config/inputdataconfig.json"))
        said["told"] = told["train"]["TrainingInputMode"]
        said["mounts"] = [line.split()[2][:4] for line in open("/proc/mounts") if line.split()[1] == root]
        print(json.dumps(said))
        """,
    )
    described = cloud.run("fast", image, InputDataConfig=[channel("train", "fast/", mode="FastFile")])
    assert described["TrainingJobStatus"] == "Completed", cloud.lines("fast")
    content = bytes(range(256)) * 4096 * 40
    assert cloud.said("fast") == {
        "names": ["deep", "large"],
        "deep": ["small"],
        "size": len(content),
        "middle": list(content[1_000_001:1_000_004]),
        "sha": hashlib.sha256(content).hexdigest(),
        "small": "small",
        "write": errno.EROFS,
        "told": "File",
        "mounts": ["fuse"],
    }


def test_a_file_system_channel_is_a_folder_of_the_machine(cloud: TrainingCloud) -> None:
    cloud.admin("settings", file_systems_root=str(cloud.folder / "filesystems"))
    folder = cloud.folder / "filesystems" / "fs-0123456789abcdef0" / "data"
    folder.mkdir(parents=True)
    (folder / "file").write_text("shared")
    source = {
        "FileSystemId": "fs-0123456789abcdef0",
        "FileSystemAccessMode": "ro",
        "FileSystemType": "FSxLustre",
        "DirectoryPath": "/data",
    }
    config = {"ChannelName": "train", "DataSource": {"FileSystemDataSource": source}}
    ec2 = cloud.client("ec2")
    network = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=network, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(VpcId=network, GroupName="g", Description="d")["GroupId"]
    place = {"Subnets": [subnet], "SecurityGroupIds": [group]}
    run_tree(cloud, "shared", [config], ResourceConfig__InstanceCount=2, VpcConfig=place)
    assert cloud.said("shared", "algo-2") == {"train/file": "shared"}
    missing = {**source, "DirectoryPath": "/elsewhere"}
    image = cloud.image("tree", TREE)
    described = cloud.run(
        "unshared",
        image,
        InputDataConfig=[{"ChannelName": "train", "DataSource": {"FileSystemDataSource": missing}}],
        VpcConfig=place,
    )
    assert described["FailureReason"].startswith("ClientError: Unable to mount file system: fs-0123456789abcdef0")
    outside = {**source, "DirectoryPath": "/data/../../..", "FileSystemAccessMode": "rw"}
    described = cloud.run(
        "outside",
        image,
        InputDataConfig=[{"ChannelName": "train", "DataSource": {"FileSystemDataSource": outside}}],
        VpcConfig=place,
    )
    assert described["FailureReason"] == (
        "ClientError: Unable to mount file system: fs-0123456789abcdef0, directory path: /data/../../... "
        "It leads out of the file system"
    )


BAD_KEYS: dict[str, tuple[list[str], str]] = {
    "empty part": (["bad1/a//b"], f"{NOT_DOWNLOADED}bad1/a//b has an illegal char sub-sequence '//' in it"),
    "way out": (["bad2/../../x"], f"{NOT_DOWNLOADED}bad2/../../x has an illegal part '..' in it"),
    "long name": (["bad3/" + "n" * 256], f"{NOT_DOWNLOADED}bad3/{'n' * 256} has a part of more than 255 bytes in it"),
    "file and folder": (["bad4/a", "bad4/a/b"], f"{NOT_DOWNLOADED}bad4/a/b (File exists)"),
}


@pytest.mark.parametrize(("keys", "reason"), BAD_KEYS.values(), ids=BAD_KEYS)
def test_a_key_that_no_file_can_have_fails_the_job_and_is_named(
    cloud: TrainingCloud, keys: list[str], reason: str
) -> None:
    for key in keys:
        cloud.put(key, "x")
    folder = keys[0].split("/")[0]
    ended = cloud.run(f"keys-{folder}", cloud.image("tree", TREE), InputDataConfig=[channel("train", f"{folder}/")])
    assert (ended["TrainingJobStatus"], ended["FailureReason"]) == ("Failed", reason)


def test_a_name_of_255_bytes_in_many_folders_arrives(cloud: TrainingCloud) -> None:
    name = "/".join(["d" * 200] * 3) + "/" + "n" * 255
    cloud.put(f"deep/{name}", "x")
    run_tree(cloud, "deep", [channel("train", "deep/")])
    assert cloud.said("deep") == {f"train/{name}": "x"}


PIPED = {"S3DataType": "AugmentedManifestFile", "AttributeNames": ["label", "text"], "mode": "Pipe"}
BAD_MANIFESTS: dict[str, tuple[str, dict[str, Any], str]] = {
    "no json": ("[", {"S3DataType": "ManifestFile"}, " is not JSON: Expecting value"),
    "no list": ('{"prefix": "s3://a"}', {"S3DataType": "ManifestFile"}, " is not a list of names that begins with"),
    "no prefix": ('["a", "b"]', {"S3DataType": "ManifestFile"}, " is not a list of names that begins with"),
    "no names": ('[{"prefix": "s3://a"}, 1]', {"S3DataType": "ManifestFile"}, " is not a list of names that begins"),
    "bad line": ('{"label": 1, "text": "a"}\n{oops', PIPED, ", line 2, is not JSON: Expecting property name"),
    "bare line": ('{"label": 1, "text": "a"}\n3', PIPED, ", line 2, is not an object"),
    "lacking": ('{"label": 1, "text": "a"}\n\n{"label": 1}', PIPED, ", line 3, has no attribute 'text'"),
}


@pytest.mark.parametrize(("text", "source", "reason"), BAD_MANIFESTS.values(), ids=BAD_MANIFESTS)
def test_a_manifest_that_is_none_fails_the_job_and_says_where(
    cloud: TrainingCloud, text: str, source: dict[str, Any], reason: str
) -> None:
    key = f"manifests/{abs(hash(reason + text))}"
    cloud.put(key, text)
    name = key.replace("/", "-")
    ended = cloud.run(name, cloud.image("tree", TREE), InputDataConfig=[channel("train", key, **source)])
    assert ended["TrainingJobStatus"] == "Failed"
    assert ended["FailureReason"].startswith(f"ClientError: The manifest s3://training-bucket/{key}{reason}")
