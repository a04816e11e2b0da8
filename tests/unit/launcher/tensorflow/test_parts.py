"""The small parts of the strategy `tensorflow`: forks, ports, and tasks that a signal has stopped."""

import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from tests.support.orders import make_order
from training.launcher.forking.order import Order, Task
from training.launcher.supervise import Child
from training.launcher.tensorflow import stills
from training.launcher.tensorflow.forks import bears_fork
from training.launcher.tensorflow.ports import reserve

EARLY = [
    'import os\nos.environ["TF_USE_LEGACY_KERAS"] = "1"\nimport tensorflow\n',
    "os.environ['KERAS_BACKEND'] = 'tensorflow'",
    'os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")',
    'os.environ["XLA_FLAGS"] = "--xla_cpu_foo"',
]
LATE = ["import tensorflow as tf\n", 'config = os.environ["TF_CONFIG"]', "TF_WEIGHTS = 3", '"MY_TF_RECORDS"']


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("code", [*EARLY, *LATE])
def test_code_that_sets_what_is_read_at_import_bears_no_fork(code: str, zipped: bool, tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    environ = {}
    if zipped:
        environ["SHARDYARD_SOURCE_SHA256"] = "0" * 64
        with zipfile.ZipFile(tmp_path / "bundle.zip", "w") as bundle:
            bundle.writestr("package/train.py", code)
    else:
        (tmp_path / "code" / "train.py").write_text(code)
    assert bears_fork(tmp_path, tmp_path / "code", environ) == (code in LATE)


def test_a_broken_bundle_is_left_to_whoever_unpacks_it(tmp_path: Path) -> None:
    (tmp_path / "bundle.zip").write_bytes(b"no zip")
    assert bears_fork(tmp_path, tmp_path, {"SHARDYARD_SOURCE_SHA256": "0" * 64})


def test_a_reserved_port_can_be_listened_on_and_is_given_to_nobody_else() -> None:
    with reserve() as holder, socket.socket() as server, socket.socket() as other:
        port = holder.getsockname()[1]
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        with pytest.raises(OSError, match="in use"):
            other.bind(("", port))
        # As a server of gRPC's does
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("", port))
        server.listen()
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            pass


def test_a_task_that_a_signal_has_stopped_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stills, "_LOOK_SECONDS", 0.0)
    monkeypatch.setattr(stills, "LONGEST_SECONDS", 0.05)
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        child = Child(name="worker 1", pid=sleeper.pid)
        watch = stills.Stills()
        assert watch.look({"worker 1": child}) == {}
        os.kill(sleeper.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, sleeper.pid, os.WSTOPPED)
        assert watch.look({"worker 1": child}) == {}, "not long enough"
        time.sleep(0.06)
        assert watch.look({"worker 1": child})["worker 1"] >= 0.05
        os.kill(sleeper.pid, signal.SIGCONT)
        os.waitid(os.P_PID, sleeper.pid, os.WCONTINUED)
        assert watch.look({"worker 1": child}) == {}
    finally:
        sleeper.kill()
        sleeper.wait()


def test_an_order_survives_the_pipe_with_its_tasks() -> None:
    order = make_order(tasks=(Task(kind="ps", index=2, host="algo-1", address="10.0.0.1"),))
    assert Order.from_json(order.to_json()) == order
