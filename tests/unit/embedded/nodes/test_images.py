"""Images: their folders, how their Dockerfiles say that they are run, and their environments."""

import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from embedded.nodes import image, image_environment
from tests.support.training.wheels import tiny_wheel

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize(
    ("uri", "folder"),
    [
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/shardyard-dev/pytorch:0123456789abcdef", "pytorch"),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/own:latest", "own"),
        ("763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.9-cpu", "pytorch"),
        ("763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch:2.13-cpu-amzn2023-sagemaker", "pytorch"),
        ("763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:2.6-cpu-py312", "pytorch"),
        ("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3", "sklearn"),
        ("763104351884.dkr.ecr.cn-north-1.amazonaws.com.cn/tensorflow-training:2.21-cpu-py312", "tensorflow"),
        (f"123456789012.dkr.ecr.us-east-1.amazonaws.com/a/b@sha256:{'0' * 64}", "b"),
    ],
)
def test_the_folder_of_an_image(uri: str, folder: str) -> None:
    assert image.parse_name(uri).folder == folder


def test_an_image_of_another_registry() -> None:
    with pytest.raises(image.ImageError, match="knows images of Amazon ECR only"):
        image.parse_name("docker.io/library/python:3.11")


DOCKERFILE = """
ARG BASE=python:3.11
FROM ${BASE} AS builder
COPY secret /opt/secret
FROM ${BASE}
# a comment
RUN apt-get update \\
    && apt-get install --yes g++
COPY --from=builder /x /y
COPY containers/own/requirements.txt /opt/own/
COPY training /opt/shardyard/training
ENV PYTHONPATH=/opt/shardyard \\
    GREETING="hello world"
ENV PATH=/opt/own/bin:$PATH
WORKDIR /opt/ml
ENTRYPOINT ["python", "-m", "training.launcher"]
"""


def write_image(root: Path, dockerfile: str) -> str:
    folder = root / "containers" / "own"
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text(dockerfile)
    (folder / "requirements.txt").write_text("")
    return "123456789012.dkr.ecr.us-east-1.amazonaws.com/test/own:1"


def test_what_a_dockerfile_says_of_a_run(tmp_path: Path) -> None:
    found = image.load(write_image(tmp_path, DOCKERFILE), tmp_path)
    assert found.entrypoint == ("python", "-m", "training.launcher")
    assert found.work_folder == "/opt/ml"
    assert found.environment["PYTHONPATH"] == "/opt/shardyard"
    assert found.environment["GREETING"] == "hello world"
    assert found.environment["PATH"].startswith("/opt/own/bin:/usr/local/sbin:")
    assert found.copies == (
        (tmp_path / "containers/own/requirements.txt", "/opt/own/requirements.txt"),
        (ROOT / "training", "/opt/shardyard/training"),
    )


def test_a_project_without_the_folder_runs_an_image_of_aws_as_the_folder_of_ours(tmp_path: Path) -> None:
    found = image.load("763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch:2.13-cpu-amzn2023-sagemaker", tmp_path)
    assert found.requirements == ROOT / "containers/pytorch/requirements.txt"
    assert {source.relative_to(ROOT).as_posix() for source, _ in found.copies} == {
        "contract",
        "serving",
        "training",
    }
    assert {target for _, target in found.copies} == {
        "/opt/shardyard/contract",
        "/opt/shardyard/serving",
        "/opt/shardyard/training",
    }


def test_a_shell_form_entrypoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(image.ImageError, match=r"ENTRYPOINT 'python run\.py' is not in exec form"):
        image.load(write_image(tmp_path, "FROM x\nENTRYPOINT python run.py\n"), tmp_path)


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ('CMD ["--all"]', ("--all",)),
        ("CMD echo $HOME", ("/bin/sh", "-c", "echo $HOME")),
        ("", ()),
        ('CMD ["--one"]\nFROM y', ()),
    ],
)
def test_the_arguments_of_an_image(tmp_path: Path, command: str, arguments: tuple[str, ...]) -> None:
    found = image.load(write_image(tmp_path, f'FROM x\nENTRYPOINT ["run"]\n{command}\n'), tmp_path)
    assert found.arguments == arguments


def test_an_image_without_a_folder_names_those_that_are_there(tmp_path: Path) -> None:
    write_image(tmp_path, DOCKERFILE)
    with pytest.raises(image.ImageError, match=r"no containers/other/Dockerfile in this project; there are: own"):
        image.load("123456789012.dkr.ecr.us-east-1.amazonaws.com/other:1", tmp_path)


def test_a_comment_makes_no_other_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    first.write_text("numpy==1\n")
    second.write_text("# why\nnumpy==1  # because\n\n")
    third.write_text("numpy==2\n")
    assert image_environment.environment_folder(first) == image_environment.environment_folder(second)
    assert image_environment.environment_folder(first) != image_environment.environment_folder(third)
    assert image_environment.environment_folder(first).is_relative_to(tmp_path / "shardyard" / "environments")


def test_a_package_that_is_listed_alone_comes_without_its_dependencies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    requirements = own_packages(tmp_path / "image", "first_word", "WORD = 'first'")
    before = image_environment.environment_folder(requirements)
    wheel = requirements.parent / "lonely-1.0-py3-none-any.whl"
    wheel.write_bytes(tiny_wheel("lonely", "WORD = 'alone'", needs="no-such-package-anywhere"))
    (requirements.parent / "requirements-alone.txt").write_text(f"{wheel}\n")
    made = image_environment.ensure(requirements)
    assert made != before, "another list is another environment"
    assert imports(made, "first_word", "lonely")


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An image's environment with one package."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return image_environment.ensure(own_packages(tmp_path / "image", "first_word", "WORD = 'first'"))


def own_packages(folder: Path, name: str, code: str) -> Path:
    folder.mkdir()
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    wheel.write_bytes(tiny_wheel(name, code))
    (folder / "requirements.txt").write_text(f"{wheel}\n")
    return folder / "requirements.txt"


def imports(environment: Path, *names: str) -> bool:
    python = environment / "bin" / "python"
    return subprocess.run([python, "-c", f"import {', '.join(names)}"], stderr=subprocess.DEVNULL).returncode == 0


def test_the_codes_own_packages_are_laid_over_the_images_and_change_nothing_in_it(base: Path, tmp_path: Path) -> None:
    own = own_packages(tmp_path / "code", "second_word", "WORD = 'second'")
    laid = image_environment.extend(base, own)
    assert imports(laid, "first_word", "second_word")
    assert imports(base, "first_word") and not imports(base, "second_word")
    # the first line, or the second where the path is too long for the kernel
    for environment, other in ((laid, base), (base, laid)):
        script = (environment / "bin" / "pip").read_text()
        assert f"{environment}/bin/python" in script and f"{other}/bin/python" not in script
    assert image_environment.extend(base, own) == laid
    (tmp_path / "code" / "second_word-1.0-py3-none-any.whl").write_bytes(tiny_wheel("second_word", "WORD = 'third'"))
    assert image_environment.extend(base, own) != laid, "a file that the list names has changed"


def test_while_one_job_installs_another_does_not_begin_without_the_packages(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mark of the base came along with its files, and whoever looked in that second took it for their own."""
    link, seen = os.link, list[bool]()

    def linked(source: str, target: str, **more: Any) -> None:
        link(source, target, **more)
        (folder,) = (one for one in base.parent.iterdir() if one.is_dir() and one != base)
        seen.append((folder / image_environment._COMPLETE).exists())

    monkeypatch.setattr(os, "link", linked)
    image_environment.extend(base, own_packages(tmp_path / "code", "second_word", "WORD = 'second'"))
    assert len(seen) > 10 and not any(seen)


def test_packages_that_cannot_be_had_leave_nothing_behind(base: Path, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("./no-such-1.0-py3-none-any.whl\n")
    with pytest.raises(image.ImageError, match=r"^AlgorithmError: requirements.txt of the code cannot be installed: "):
        image_environment.extend(base, tmp_path / "requirements.txt")
    assert [path.name for path in base.parent.iterdir() if path.is_dir()] == [base.name]


SETUP = """
import pathlib, setuptools
pathlib.Path(__file__).with_name("ran").write_text("as you")
setuptools.setup(name="evil", version="1")
"""


@pytest.mark.parametrize("line", [".", "./evil", "-e ./evil", "evil @ file:evil", "-r more.txt", "./evil.tar.gz"])
def test_nothing_of_somebodys_is_built_on_this_machine(
    tmp_path: Path, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    base = image_environment.environment_folder(tmp_path / "none")
    code = tmp_path / "code"
    (code / "evil").mkdir(parents=True)
    for folder in (code, code / "evil"):
        (folder / "setup.py").write_text(SETUP)
    (code / "more.txt").write_text("--no-binary :all:\n./evil\n")
    (code / "requirements.txt").write_text(f"{line}\n")
    with pytest.raises(
        image.ImageError, match=r"would be built here\. Only packages that are built already are installed"
    ):
        image_environment.extend(base, code / "requirements.txt")
    assert not [*code.rglob("ran")]


def test_a_package_that_comes_as_source_alone_is_said_to(base: Path, tmp_path: Path) -> None:
    (tmp_path / "index").mkdir()
    with tarfile.open(tmp_path / "index/evil-1.tar.gz", "w:gz") as archive:
        (tmp_path / "setup.py").write_text(SETUP)
        archive.add(tmp_path / "setup.py", "evil-1/setup.py")
    (tmp_path / "requirements.txt").write_text(f"--no-index\n--find-links {tmp_path / 'index'}\nevil==1\n")
    with pytest.raises(image.ImageError, match=r"No matching distribution found for evil==1\. Only packages that are"):
        image_environment.extend(base, tmp_path / "requirements.txt")


def test_what_exists_as_source_alone_is_built_if_it_is_our_own_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(image_environment, "_run", lambda command, failed, cwd=None: ran.append(command))
    monkeypatch.setattr(image_environment, "product_root", lambda: tmp_path / "product")
    for root in ("product", "project"):
        folder = tmp_path / root / "containers" / "spark"
        folder.mkdir(parents=True)
        (folder / "built.lock").write_text("pyspark==1 --hash=sha256:ab\n")
    image_environment._build("python", tmp_path / "project/containers/spark/built.lock", "failed")
    assert {"--require-hashes", "--no-deps", "--no-build-isolation"} <= set(ran[0])
    (tmp_path / "project/containers/spark/built.lock").write_text("other==1 --hash=sha256:cd\n")
    with pytest.raises(image.ImageError, match=r"spark/built\.lock would be built here"):
        image_environment._build("python", tmp_path / "project/containers/spark/built.lock", "failed")
    assert len(ran) == 1
