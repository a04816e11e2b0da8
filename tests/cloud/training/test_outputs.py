"""What a training job leaves: checkpoints that go to S3 and come back, links, and TensorBoard files."""

import io
import json
import tarfile

from tests.support.clouds.training_cloud import BUCKET, NOT_DOWNLOADED, TrainingCloud, wait_until

CHECKPOINTS = """
import json, os, socket, time
host, root = socket.gethostname(), "/opt/ml/checkpoints"
before = sorted(os.listdir(root))
print(json.dumps(before), flush=True)
for name in ("kept", "gone"):
    open(f"{root}/{name}-{host}", "w").write(name)
print("written", flush=True)
while not os.path.exists(root + "/sent-" + host):
    time.sleep(0.05)
os.remove(f"{root}/gone-{host}")
open(f"{root}/kept-{host}", "w").write("changed")
time.sleep(0.5)
print(json.dumps(sorted(os.listdir(root))))
"""


def test_checkpoints_go_to_s3_and_come_back_once(cloud: TrainingCloud) -> None:
    image = cloud.image("checkpoints", CHECKPOINTS)
    config = {"S3Uri": f"s3://{BUCKET}/checkpoints/run/"}
    cloud.put("checkpoints/run/old/shard", "old")
    cloud.create("save", image, CheckpointConfig=config, ResourceConfig__InstanceCount=2)
    names = [f"checkpoints/run/{name}-{host}" for name in ("gone", "kept") for host in ("algo-1", "algo-2")]
    wait_until(lambda: set(names) <= set(cloud.keys("checkpoints/run/")), 20, "the checkpoints in S3")
    cloud.put("checkpoints/run/put-by-another", "late")
    for host in ("algo-1", "algo-2"):
        (folder,) = cloud.work.glob(f"*/{host}/ml/checkpoints")
        (folder / f"sent-{host}").touch()
    described = cloud.finished("save")
    assert described["TrainingJobStatus"] == "Completed"
    assert json.loads(cloud.lines("save")["algo-1"][0]) == ["old"], "what was in S3 is there at the start"
    last = cloud.said("save")
    assert "put-by-another" not in last, "nothing comes from S3 once the node runs"
    assert "gone-algo-1" not in last
    assert cloud.get("checkpoints/run/gone-algo-1") == b"gone", "deletions are not carried over"
    assert cloud.get("checkpoints/run/kept-algo-2") == b"changed", "the last change is carried before the end"

    tree = cloud.image("listing", "import json, os; print(json.dumps(sorted(os.listdir('/opt/ml/checkpoints'))))")
    cloud.run("load", tree, CheckpointConfig=config, ResourceConfig__InstanceCount=2)
    union = sorted({key.removeprefix("checkpoints/run/").split("/")[0] for key in cloud.keys("checkpoints/run/")})
    assert cloud.said("load", "algo-1") == cloud.said("load", "algo-2") == union
    assert {"kept-algo-1", "kept-algo-2", "put-by-another", "old"} <= set(union)


def test_checkpoints_at_another_local_path(cloud: TrainingCloud) -> None:
    image = cloud.image("elsewhere", "open('/opt/ml/local/checkpoints/x', 'w').write('x')")
    config = {"S3Uri": f"s3://{BUCKET}/elsewhere", "LocalPath": "/opt/ml/local/checkpoints"}
    assert cloud.run("elsewhere", image, CheckpointConfig=config)["TrainingJobStatus"] == "Completed"
    assert cloud.keys("elsewhere/") == ["elsewhere/x"]


def test_a_checkpoint_that_was_a_file_and_became_a_folder_fails_the_next_job_and_is_named(cloud: TrainingCloud) -> None:
    for key in ("both/state", "both/state/part"):
        cloud.put(key, "x")
    image = cloud.image("listing", "print('here')")
    ended = cloud.run("both", image, CheckpointConfig={"S3Uri": f"s3://{BUCKET}/both"})
    assert ended["FailureReason"] == f"{NOT_DOWNLOADED}both/state/part (File exists)"


def test_links_are_followed_on_the_node_and_never_out_of_it(cloud: TrainingCloud) -> None:
    program = """
        import os
        for folder in ("/opt/ml/checkpoints", "/opt/ml/model"):
            os.makedirs(folder + "/step-1")
            open(folder + "/step-1/state", "w").write("one")
            os.symlink(folder + "/step-1/state", folder + "/absolute")
            os.symlink("step-1/state", folder + "/relative")
            os.symlink("/etc/passwd", folder + "/outside")
            os.symlink("../../../../../../../../etc/passwd", folder + "/above")
            os.symlink("circle", folder + "/circle")
            os.symlink("nowhere", folder + "/dangling")
            os.mkfifo(folder + "/fifo")
        os.symlink("/etc/passwd", "/opt/ml/output/failure")
        raise SystemExit(WAY)
    """
    config = {"S3Uri": f"s3://{BUCKET}/links"}
    for way, status in ((0, "Completed"), (1, "Failed")):
        image = cloud.image(f"links-{way}", program.replace("WAY", str(way)))
        ended = cloud.run(f"links-{way}", image, CheckpointConfig={"S3Uri": f"{config['S3Uri']}/{way}"})
        assert ended["TrainingJobStatus"] == status
        assert [cloud.get(key) for key in cloud.keys(f"links/{way}/")] == [b"one"] * 3
        assert [key.rpartition("/")[2] for key in cloud.keys(f"links/{way}/")] == ["absolute", "relative", "state"]
    assert ended["FailureReason"] == "AlgorithmError: , exit code: 1"
    with tarfile.open(fileobj=io.BytesIO(cloud.get("out/links-0/output/model.tar.gz"))) as tar:
        assert {item.name: item.isfile() for item in tar} == {
            "absolute": True,
            "relative": True,
            "step-1/state": True,
        }


def test_tensorboard_files_go_to_s3_below_the_jobs_name(cloud: TrainingCloud) -> None:
    program = """
        import os, pathlib, socket, time
        folder = pathlib.Path("/opt/ml/output/tensorboard")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"events.{socket.gethostname()}").write_text("early")
        while not os.path.exists("/opt/ml/output/data/go"):
            time.sleep(0.05)
        (folder / f"events.{socket.gethostname()}").write_text("and late")
    """
    image = cloud.image("board", program)
    config = {"S3OutputPath": f"s3://{BUCKET}/boards"}
    cloud.create("board", image, ResourceConfig__InstanceCount=2, TensorBoardOutputConfig=config)
    place = "boards/board/tensorboard-output/events.algo-"
    wait_until(lambda: cloud.keys("boards/") == [f"{place}1", f"{place}2"], 20, "the files, while the job runs")
    assert cloud.get(f"{place}1") == b"early"
    nodes = list(cloud.work.glob("*/algo-*/ml/output/data"))
    assert len(nodes) == 2
    for data in nodes:
        (data / "go").touch()
    assert cloud.finished("board")["TrainingJobStatus"] == "Completed"
    assert cloud.get(f"{place}2") == b"and late"
