"""containers/tensorflow/install.sh on each kind of base: what it has pip install, by a pip that writes it down."""

import os
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "containers" / "tensorflow"


def install(tmp_path: Path, variant: str, *, base_has: str = "") -> tuple[subprocess.CompletedProcess[str], str]:
    """Run the script where the base's Python says that it has this TensorFlow; what pip was to install."""
    programs = tmp_path / "bin"
    programs.mkdir()
    said = tmp_path / "said"
    said.touch()
    (programs / "pip").write_text(
        f'#!/bin/sh\necho "pip $*" >> {said}\nfor last; do :; done\ngrep -o "^[a-z0-9_-]*==[^ ]*" "$last" >> {said}\n'
    )
    (programs / "python").write_text(f'#!/bin/sh\n[ -n "{base_has}" ] && echo "{base_has}"\n')
    for program in programs.iterdir():
        program.chmod(0o755)
    script = tmp_path / "install.sh"
    text = (FOLDER / "install.sh").read_text()
    assert text.count("cd /build\n") == 1 and "/tmp/lists" in text
    script.write_text(text.replace("cd /build\n", f"cd {FOLDER}\n").replace("/tmp/lists", str(tmp_path / "lists")))
    environment = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "VARIANT": variant, "INDEX": ""}
    done = subprocess.run(["sh", script], env=environment, capture_output=True, text=True, check=False)
    return done, said.read_text()


def test_on_a_plain_base_all_of_the_lock_is_installed_by_checksum(tmp_path: Path) -> None:
    done, said = install(tmp_path, "cpu")
    assert done.returncode == 0, done.stderr
    assert "tensorflow-cpu==" in said and "numpy==" in said and "tf-keras==" in said
    locked = [line for line in (FOLDER / "requirements.lock").read_text().splitlines() if "==" in line]
    first = said.split("pip ")[1].splitlines()
    assert "--require-hashes" in first[0] and len(first) - 1 == len(locked)


def test_on_a_base_for_gpus_its_own_tensorflow_stays(tmp_path: Path) -> None:
    wanted = next(line for line in (FOLDER / "requirements.txt").read_text().splitlines() if "tensorflow-cpu==" in line)
    done, said = install(tmp_path, "gpu", base_has=wanted.partition("==")[2])
    assert done.returncode == 0, done.stderr
    assert "tensorflow-cpu" not in said
    assert "numpy==" in said and "termcolor==" in said and "tf-keras==" in said, "what stands before and behind it"


@pytest.mark.parametrize("has", ["", "2.20.0"])
def test_a_base_with_another_tensorflow_or_none_is_refused(tmp_path: Path, has: str) -> None:
    done, said = install(tmp_path, "gpu", base_has=has)
    assert done.returncode == 1 and said == ""
    assert f"the base has {has or 'none'}: write the same version in variants.toml" in done.stderr
