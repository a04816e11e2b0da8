"""`smspark-submit`: its command line, its configuration, and who waits for whom."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from contract.paths import BASE_VARIABLE
from contract.variables import CPUS
from training.spark import classifications, cluster, roll_call, submit, tails
from training.spark.cluster import Cluster
from training.spark.failure import SparkError, conclude
from training.spark.options import parse

NODES = Cluster(hosts=("algo-1", "algo-2"), current="algo-1", addresses={"algo-1": "127.0.0.1", "algo-2": "127.0.0.2"})


@pytest.fixture(autouse=True)
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(BASE_VARIABLE, str(tmp_path))
    folder = tmp_path / "processing" / "input"
    for name in ("code/app.py", "jars/b.jar", "jars/a.jar", "py-files/one.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    (folder / "empty").mkdir()
    return tmp_path


def test_the_command_line_of_the_sdk(base: Path) -> None:
    inputs = "/opt/ml/processing/input"
    words = ["--py-files", f"{inputs}/py-files", "--jars", f"{inputs}/jars", "--class", "Main", "-v"]
    words += [
        "--local-spark-event-logs-dir",
        "/opt/ml/processing/spark-events/",
        f"{inputs}/code/app.py",
        "--jars",
        "x",
    ]
    options = parse(words)
    here = base / "processing" / "input"
    assert options.app == str(here / "code/app.py")
    assert options.arguments == ("--jars", "x"), "what follows the program is the program's"
    assert options.jars == f"{here / 'jars/a.jar'},{here / 'jars/b.jar'}"
    assert options.event_logs == base / "processing" / "spark-events"
    assert (options.main_class, options.verbose, options.files) == ("Main", True, None)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "the following arguments are required: app"),
        (["--conf", "a=b", "app.py"], "the program a=b is not there|unrecognized|--conf"),
        (["/opt/ml/processing/input/code/none.py"], "the program .*none.py is not there"),
        (["--jars", "relative.jar", "/opt/ml/processing/input/code/app.py"], "must be an absolute path"),
        (["--jars", "s3://b/x.jar", "/opt/ml/processing/input/code/app.py"], "only files of this node can be given"),
        (["--files", "/opt/ml/nothing", "/opt/ml/processing/input/code/app.py"], "is not there: is it an input"),
        (["--files", "/opt/ml/processing/input/empty", "/opt/ml/processing/input/code/app.py"], "an empty folder"),
        (["--spark-event-logs-s3-uri", "s3://b/x", "/opt/ml/processing/input/code/app.py"], "needs Hadoop's S3 client"),
    ],
)
def test_a_wrong_command_line_is_named(words: list[str], says: str) -> None:
    with pytest.raises(SparkError, match=says):
        parse(words)


def test_classifications(base: Path) -> None:
    path = base / "configuration.json"
    found = [
        {"Classification": "spark-defaults", "Properties": {"spark.executor.memory": "2g", "spark.executor.cores": 1}},
        {"Classification": "core-site", "Properties": {"io.file.buffer.size": "65536"}},
        {
            "Classification": "spark-env",
            "Properties": {},
            "Configurations": [{"Classification": "export", "Properties": {"TZ": "UTC"}}],
        },
        {"Classification": "yarn-site", "Properties": {"yarn.x": "1"}},
    ]
    path.write_text(json.dumps(found))
    configuration = classifications.read(path)
    assert configuration.properties == {
        "spark.executor.memory": "2g",
        "spark.executor.cores": "1",
        "spark.hadoop.io.file.buffer.size": "65536",
    }
    assert configuration.variables == {"TZ": "UTC"}
    assert configuration.ignored == ("yarn-site",)
    path.write_text(json.dumps(found[0]))
    assert classifications.read(path).properties["spark.executor.memory"] == "2g", "one needs no list"
    assert classifications.read(base / "none").properties == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is not JSON"),
        ('[{"Classification": "spark-default"}]', "'spark-default' is none of spark-defaults, spark-env"),
        ("[3]", "the classification None is none of"),
        ('{"Classification": "spark-defaults", "Properties": []}', "Properties of spark-defaults are no object"),
        ('{"Classification": "spark-env", "Configurations": [{"Classification": "x"}]}', "named export alone"),
    ],
)
def test_a_wrong_configuration_is_named(base: Path, text: str, says: str) -> None:
    (base / "configuration.json").write_text(text)
    with pytest.raises(SparkError, match=says):
        classifications.read(base / "configuration.json")


def test_the_jobs_own_properties_win(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "home", lambda: Path("/spark"))
    monkeypatch.setenv(CPUS, "1")
    properties = submit.defaults(NODES, base, base / "events") | {"spark.executor.memory": "7g"}
    assert properties["spark.default.parallelism"] == "4", "two tasks for each core of both nodes"
    assert properties["spark.eventLog.dir"] == (base / "events").as_uri()
    command = submit.submit_command(NODES, parse(["/opt/ml/processing/input/code/app.py", "-x"]), properties)
    assert command[:5] == ["/spark/bin/spark-submit", "--master", "spark://127.0.0.1:7077", "--deploy-mode", "client"]
    assert "spark.executor.memory=7g" in command
    assert command[-2:] == [str(base / "processing/input/code/app.py"), "-x"]


@pytest.mark.parametrize("text", ["", "[]", '{"hosts": ["algo-1"]}'])
def test_who_takes_part_must_be_said(base: Path, text: str) -> None:
    (base / "config").mkdir()
    (base / "config" / "resourceconfig.json").write_text(text)
    with pytest.raises(SparkError, match="does not say who takes part"):
        cluster.find()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"AppSpecification": {"ImageUri": "1.dkr.ecr.x.amazonaws.com/sagemaker-spark-processing:3.5"}}', True),
        ('{"AppSpecification": {"ImageUri": "1.dkr.ecr.x.amazonaws.com/dev/spark:1"}}', False),
        ("[]", False),
    ],
)
def test_it_knows_that_it_stands_in_for_awss_image(base: Path, text: str, expected: bool) -> None:
    assert not cluster.stands_in()
    (base / "config").mkdir()
    (base / "config" / "processingjobconfig.json").write_text(text)
    assert cluster.stands_in() is expected


def test_the_others_wait_for_the_primary() -> None:
    primary = roll_call.Primary("127.0.0.1", 1)
    ended: list[str] = []

    def follow() -> None:
        connection = roll_call.join("127.0.0.1", 5)
        roll_call.wait_for_release(connection, lambda: None)
        ended.append("released")

    other = threading.Thread(target=follow)
    other.start()
    primary.wait(5)
    assert ended == []
    primary.release()
    other.join(5)
    assert ended == ["released"]


def test_a_primary_that_dies_is_noticed() -> None:
    primary = roll_call.Primary("127.0.0.1", 1)
    connection = roll_call.join("127.0.0.1", 5)
    primary.wait(5)
    primary._connections[0].close()
    with pytest.raises(SparkError, match="the primary ended without a word"):
        roll_call.wait_for_release(connection, lambda: None)
    primary.release()


def test_a_node_that_never_comes_is_said() -> None:
    primary = roll_call.Primary("127.0.0.1", 2)
    with pytest.raises(SparkError, match="only 0 of 2 other nodes came within 0 s"):
        primary.wait(0.05)
    primary.release()
    with pytest.raises(SparkError, match="the primary did not answer within 0 s"):
        roll_call.join("127.0.0.1", 0)


def test_event_logs_are_left_under_their_last_names(base: Path) -> None:
    events, target = base / "events", base / "target"
    copies = tails.event_logs(events, target)
    (events / "app-1.inprogress").write_text("half")
    copies.start()
    (events / "app-1.inprogress").rename(events / "app-1")
    (events / "app-1").write_text("whole")
    copies.stop()
    assert {path.name: path.read_text() for path in target.iterdir()} == {"app-1": "whole"}


def test_executors_lines_are_printed_once(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs = tails.executor_logs(base)
    (base / "app-1" / "0").mkdir(parents=True)
    (base / "app-1" / "0" / "stderr").write_text("one\n")
    logs.start()
    logs.stop()
    assert capsys.readouterr().out == "[0 stderr] one\n"


def test_a_failure_is_left_as_the_exit_message(base: Path) -> None:
    assert conclude(SparkError("x" * 2000, 7)) == 7
    text = (base / "output" / "message").read_text()
    assert text.startswith("Algorithm Error: xxx") and len(text) == 1024


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    found: Any = None
    monkeypatch.setattr(cluster.importlib.util, "find_spec", lambda name: found)
    with pytest.raises(SparkError, match="the image has no pyspark"):
        cluster.home()
