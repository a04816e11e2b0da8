"""The cloud's folder, damaged, full, foreign or not a folder; and a port that somebody else has."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from embedded import lifecycle
from embedded.lifecycle import CloudError


@pytest.mark.parametrize("text", ["{}", "[]", '{"pid": 1, "port": "x", "endpoint": 1, "log": "a"}', "", "nonsense"])
def test_a_damaged_state_file_is_no_cloud(tmp_path: Path, text: str) -> None:
    (tmp_path / "state.json").write_text(text)
    assert lifecycle.status(tmp_path) is None
    assert lifecycle.down(tmp_path) is False


def test_a_file_where_the_folder_should_be_is_said(tmp_path: Path) -> None:
    place = tmp_path / "cloud"
    place.write_text("")
    with pytest.raises(CloudError, match=str(place)):
        lifecycle.up(place)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_users_folder_is_said(tmp_path: Path) -> None:
    """Two users share a checkout: the second cannot start, stop or take over the first one's cloud."""
    folder = tmp_path / "cloud"
    folder.mkdir(mode=0o755)
    (folder / "lock").write_text("")
    (folder / "state.json").write_text("{}")
    program = f"""
import os
from pathlib import Path
from embedded import lifecycle
os.setuid(65534)
for verb in (lifecycle.up, lifecycle.down):
    try:
        verb(Path({str(folder)!r}))
    except lifecycle.CloudError as error:
        print(error)
"""
    for parent in [tmp_path, *tmp_path.parents]:
        if not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o001)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    started, stopped = done.stdout.splitlines()
    assert str(folder) in started and "Permission denied" in started
    assert str(folder) in stopped and "belongs to another user" in stopped


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "cloud"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", folder], check=True)
    try:
        with pytest.raises(OSError), (folder / "fill").open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        with pytest.raises(CloudError, match="no space left"):
            lifecycle.up(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_port_that_is_taken_is_said_and_a_free_one_helps(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CloudError, match=f"Port {port} is in use"):
            lifecycle.up(tmp_path, port=port)
    state = lifecycle.up(tmp_path, port=port)
    assert state.port == port
    os.kill(state.pid, signal.SIGKILL)
    os.waitpid(state.pid, 0)
    # after kill -9 nobody has tidied up: the next one takes the folder and the port over
    again = lifecycle.up(tmp_path, port=port)
    assert (again.port, again.pid != state.pid) == (port, True)
    assert lifecycle.down(tmp_path)
