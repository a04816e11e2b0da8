"""The launcher in a processing container: what the program is given, and what is left where SageMaker reads it."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from contract.exit_codes import REFUSED
from contract.zips import make_zip
from training.launcher.sm_variables import count_gpus

ROOT = Path(__file__).parents[4]


def start(base: Path, *words: str, code: dict[str, str] | None = None, **variables: str) -> "subprocess.Popen[str]":
    config = base / "config"
    config.mkdir(parents=True, exist_ok=True)
    (config / "resourceconfig.json").write_text(json.dumps({"current_host": "algo-10", "hosts": ["algo-10", "algo-9"]}))
    if code is not None:
        bundle = make_zip({name: text.encode() for name, text in code.items()})
        folder = base / "processing" / "input" / "code"
        folder.mkdir(parents=True)
        (folder / "bundle.zip").write_bytes(bundle)
        variables["SHARDYARD_SOURCE_SHA256"] = hashlib.sha256(bundle).hexdigest()
    environ = {**os.environ, "SAGEMAKER_BASE_DIR": str(base), **variables}
    command = [sys.executable, "-m", "training.launcher", "process", *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, env=environ, stdout=pipe, stderr=pipe, text=True)


def run(base: Path, *words: str, code: dict[str, str] | None = None, **variables: str) -> tuple[int, str, str]:
    done = start(base, *words, code=code, **variables)
    out, said = done.communicate(timeout=60)
    return done.returncode, out, said


def message(base: Path) -> str:
    return (base / "output" / "message").read_text()


TELLS = "import os, sys; print(sys.argv[1:], [os.environ[n] for n in ('SM_CURRENT_HOST', 'SM_CURRENT_HOST_RANK')])"


def test_a_script_of_the_bundle_gets_its_words_and_its_place_among_the_hosts(tmp_path: Path) -> None:
    code, out, _ = run(tmp_path, "prepare.py", "--classes", "a b", code={"prepare.py": TELLS})
    assert (code, out) == (0, "['--classes', 'a b'] ['algo-10', '1']\n")
    assert not (tmp_path / "output" / "message").exists(), "a job that ends well says what its program says"


def test_a_program_that_fails_leaves_its_reason_as_the_exit_message(tmp_path: Path) -> None:
    code, _, said = run(tmp_path, "fail.py", code={"fail.py": "raise ValueError('no labels in train.csv')"})
    assert code == 1
    assert "no labels in train.csv" in message(tmp_path) and "no labels in train.csv" in said


def test_a_program_that_has_its_own_words_keeps_them(tmp_path: Path) -> None:
    says = "import pathlib, os, sys; p = pathlib.Path(os.environ['SAGEMAKER_BASE_DIR'], 'output')\n"
    says += "p.mkdir(exist_ok=True); (p / 'message').write_text('3 rows are no dates'); sys.exit(1)"
    assert run(tmp_path, "fail.py", code={"fail.py": says})[0] == 1
    assert message(tmp_path) == "3 rows are no dates"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "name the program after `process`"),
        (["absent.py"], "the program 'absent.py' is not in"),
    ],
)
def test_what_cannot_be_started_is_said(tmp_path: Path, words: list[str], says: str) -> None:
    assert run(tmp_path, *words)[0] == 1
    assert says in message(tmp_path)


def on(base: Path, cluster: object, **variables: str) -> int:
    """Run a program in a job with this cluster; the machine of a test has no GPU."""
    (base / "config").mkdir()
    config = {"ProcessingResources": {"ClusterConfig": cluster}}
    (base / "config" / "processingjobconfig.json").write_text(json.dumps(config))
    return run(base, "this", **variables)[0]


def types(*kinds: str) -> dict[str, object]:
    return {"InstancePreferences": [{"InstanceType": kind, "InstanceCount": 1} for kind in kinds]}


@pytest.mark.skipif(count_gpus() > 0, reason="this machine has GPUs")
@pytest.mark.parametrize(
    "cluster",
    [
        {"InstanceType": "ml.g5.12xlarge"},
        {**types("ml.m5.large", "ml.g5.12xlarge"), "SelectedInstanceType": "ml.g5.12xlarge"},
        types("ml.g5.12xlarge", "ml.g5.xlarge"),
    ],
    ids=["its type", "the preference that it got", "all preferences"],
)
def test_gpus_that_the_container_does_not_see_are_refused(tmp_path: Path, cluster: dict[str, object]) -> None:
    assert on(tmp_path, cluster) == REFUSED
    assert message(tmp_path).startswith("ml.g5.12xlarge has 4 GPUs, and this container sees none: its image must set ")


@pytest.mark.parametrize(
    ("cluster", "variables"),
    [
        ({"InstanceType": "ml.m5.large"}, {}),
        ({"InstanceType": "ml.brand.new"}, {}),
        (types("ml.g5.12xlarge", "ml.m5.large"), {}),
        ({"InstanceType": "ml.g5.12xlarge"}, {"SHARDYARD_WITHOUT_GPUS": "1"}),
        ({"InstancePreferences": "ml.g5.12xlarge"}, {}),
        ("ml.g5.12xlarge", {}),
    ],
    ids=["no GPUs", "an unknown type", "one of two has none", "not asked for", "torn", "no table"],
)
def test_a_container_without_gpus_runs_where_there_may_be_none(
    tmp_path: Path, cluster: object, variables: dict[str, str]
) -> None:
    assert on(tmp_path, cluster, **variables) == 0


def test_code_that_was_changed_in_s3_is_refused(tmp_path: Path) -> None:
    done = start(tmp_path, "a.py", code={"a.py": ""})
    done.communicate(timeout=60)
    (tmp_path / "output").mkdir(exist_ok=True)
    code, _, _ = run(tmp_path, "a.py", SHARDYARD_SOURCE_SHA256="0" * 64)
    assert code == 1
    assert "the object in S3 was changed" in message(tmp_path)


@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_torn_resource_config_is_said(tmp_path: Path, content: str) -> None:
    done = start(tmp_path, "time")
    done.communicate(timeout=60)
    (tmp_path / "config" / "resourceconfig.json").write_text(content)
    environ = {**os.environ, "SAGEMAKER_BASE_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "training.launcher", "process", "time"]
    (tmp_path / "output" / "message").unlink(missing_ok=True)
    assert subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, timeout=60).returncode == 1
    assert "resourceconfig.json" in message(tmp_path)


def test_a_stop_reaches_the_program_which_may_still_write(tmp_path: Path) -> None:
    waits = "import signal, sys, time, pathlib\n"
    waits += "signal.signal(signal.SIGTERM, lambda *_: (print('saved', flush=True), sys.exit(0)))\n"
    waits += f"pathlib.Path({str(tmp_path / 'ready')!r}).touch()\ntime.sleep(60)"
    done = start(tmp_path, "wait.py", code={"wait.py": waits})
    deadline = time.monotonic() + 30
    while not (tmp_path / "ready").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    done.send_signal(signal.SIGTERM)
    out, _ = done.communicate(timeout=60)
    assert (done.returncode, out) == (0, "saved\n")
