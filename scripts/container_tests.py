"""`make test-containers`: the tests of real containers, on a Docker daemon.

Where none runs, it takes dockerd from the distribution's packages if it is missing, starts one whose data, socket and
process id lie in a folder for it, and stops it afterwards. It makes a base image of the distribution with debootstrap,
builds containers/pytorch and containers/tensorflow on it from folders of packages and without a network, and runs the
tests. Where this machine cannot have a daemon it says why: with `--if-possible` that is no failure.
"""

import argparse
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from embedded.process import daemon
from shardyard.spec.product import IMAGE_ROOMS

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / "build" / "containers"
"""What is slow to make and the same every time: the base's files, and the packages."""
BASE = "shardyard/base:test"
PYTORCH, TENSORFLOW = "shardyard/pytorch:test", "shardyard/tensorflow:test"
_ENGINE = {"YARD_TEST_ENGINE": "docker", "YARD_TEST_BASE": BASE}
"""What tests and benchmarks know by that there is a daemon."""
_PYTORCH = ROOT / "containers" / "pytorch"
_PACKAGES = {"dockerd": "docker.io", "debootstrap": "debootstrap", "iptables": "iptables"}
_SUITE = "bookworm"
_DEBS = CACHE / f"{_SUITE}-packages"
_READY_SECONDS = 60
_STOP_SECONDS = 30
_CONTRACTS = ("test_contract", "test_stops", "test_faults", "test_isolation", "test_outputs", "test_weather")
_SMOKE = ("test_contract", "test_stops")


class Impossible(Exception):
    """Why there are no containers here."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tests; the exit code is pytest's."""
    parser = argparse.ArgumentParser(prog="python -m scripts.container_tests", description=__doc__)
    parser.add_argument("--if-possible", action="store_true", help="a machine that cannot have a daemon is no failure")
    parser.add_argument("--smoke", action="store_true", help="the shorter round of CI, without building our image")
    parser.add_argument(
        "--bench", action="store_true", help="measure (python -m benchmarks containers) and test nothing"
    )
    given = parser.parse_args(arguments)
    try:
        _install()
        with _daemon() as environment:
            _make_base(environment)
            if not given.smoke:
                environment |= _build_pytorch(environment)
            if given.bench:
                return _bench(environment)
            if not given.smoke:
                environment |= _build_tensorflow(environment)
            return _pytest(environment, smoke=given.smoke)
    except Impossible as why:
        print(f"test-containers: not run: {why}", flush=True)
        return 0 if given.if_possible else 1


def _install() -> None:
    if sys.platform != "linux" or os.geteuid() != 0:
        raise Impossible("a Docker daemon needs Linux and root")
    missing = [package for program, package in _PACKAGES.items() if shutil.which(program) is None]
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise Impossible(f"{', '.join(missing)} are missing, and there is no apt-get to install them")
    _say(f"installing {', '.join(missing)}")
    update = _run("apt-get", "update", "-qq")
    install = _run("apt-get", "install", "-qq", "--yes", "--no-install-recommends", *missing)
    if update or install:
        raise Impossible(f"apt-get could not install {', '.join(missing)}")


@contextlib.contextmanager
def _daemon() -> Iterator[dict[str, str]]:
    """The daemon that runs here, or one of our own, in a short folder: a socket's path may not be long."""
    path = {"PATH": f"/usr/bin:{os.environ['PATH']}"}  # the distribution's docker builds with BuildKit by itself
    if daemon.refusal(os.environ) is None:
        _say(f"using the daemon at {daemon.socket_of(os.environ)}; the tests' images stay in it")
        yield {**os.environ, **path}
        return
    folder = Path(tempfile.mkdtemp(prefix="yard-dockerd-", dir="/tmp"))
    socket = folder / "docker.sock"
    words = ["--data-root", folder / "data", "--exec-root", folder / "run", "--pidfile", folder / "pid"]
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["dockerd", *map(str, words), "--host", f"unix://{socket}"],
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    environment = {
        **os.environ,
        "DOCKER_HOST": f"unix://{socket}",
        "DOCKER_CONFIG": str(folder / "config"),
        **path,
    }
    try:
        _wait_until_ready(process, environment, log)
        yield environment
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_ready(process: subprocess.Popen[bytes], environment: dict[str, str], log: Path) -> None:
    until = time.monotonic() + _READY_SECONDS
    while time.monotonic() < until and process.poll() is None:
        if _run("docker", "version", environment=environment, quiet=True) == 0:
            return
        time.sleep(0.2)
    last = log.read_text(errors="replace").strip().splitlines()[-1:]
    raise Impossible(f"dockerd does not start here: {''.join(last)[-400:]}")


def _make_base(environment: dict[str, str]) -> None:
    """A Python of the distribution, and nothing that a job never reads."""
    archive = CACHE / f"{_SUITE}.tar"
    if not archive.is_file() or not _DEBS.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        _say(f"making a base image of {_SUITE}; this takes a minute once")
        with tempfile.TemporaryDirectory(dir="/tmp") as folder:
            root = Path(folder) / "root"
            include = "--include=python3,python3-venv,python3-pip,ca-certificates"
            if _run("debootstrap", "--variant=minbase", include, _SUITE, str(root), *_mirror(), quiet=True):
                raise Impossible(f"debootstrap could not make {_SUITE}")
            (root / "usr/bin/python").symlink_to("python3")
            for found in root.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
                found.unlink()
            left_out = ("usr/share/doc", "usr/share/locale", "usr/share/man", "var/cache/apt", "var/lib/apt/lists")
            excluded = [f"--exclude=./{place}/*" for place in left_out]
            partial = archive.with_suffix(".partial")
            if _run("tar", "-C", str(root), *excluded, "-cf", str(partial), "."):
                raise Impossible("tar could not pack the base")
            partial.rename(archive)
            _fetch_debs(root)
    path = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    _must(environment, "docker", "import", "--change", path, str(archive), BASE)


def _fetch_debs(root: Path) -> None:
    """What install.sh installs of the distribution, and what that needs beyond the base."""
    wanted = re.search(r"install --yes --no-install-recommends (\w.*)$", (_PYTORCH / "install.sh").read_text(), re.M)
    assert wanted is not None
    apt = ["chroot", str(root), "apt-get", "-qq"]
    download = ["install", "--yes", "--no-install-recommends", "--download-only", *wanted[1].split()]
    if _run(*apt, "clean") or _run(*apt, "update") or _run(*apt, *download):
        raise Impossible(f"apt-get could not fetch {wanted[1]} for {_SUITE}")
    with tempfile.TemporaryDirectory(dir=CACHE) as place:
        partial = Path(place) / "debs"
        partial.mkdir()
        for found in root.glob("var/cache/apt/archives/*.deb"):
            shutil.copy(found, partial)
        shutil.rmtree(_DEBS, ignore_errors=True)
        partial.rename(_DEBS)


def _build_pytorch(environment: dict[str, str]) -> dict[str, str]:
    """For processors; nothing where torch's build for them cannot be had."""
    lines = (_PYTORCH / "requirements.txt").read_text().splitlines()
    torch = next(line for line in lines if line.startswith("torch=="))
    if _download("pytorch", f"{torch}+cpu", quiet=True):
        _say(f"containers/pytorch is not built: no index of pip's has {torch}+cpu (PIP_EXTRA_INDEX_URL names another)")
        return {}
    seconds = _build(environment, "pytorch", PYTORCH, _DEBS)
    return {"YARD_TEST_PYTORCH": PYTORCH, "YARD_TEST_PYTORCH_SECONDS": f"{seconds:.1f}"}


def _build_tensorflow(environment: dict[str, str]) -> dict[str, str]:
    alone = ROOT / "containers/tensorflow/requirements-alone.txt"
    if _download("tensorflow", "--requirement", str(alone)):
        raise Impossible(f"pip could not fetch what {alone.relative_to(ROOT)} names")
    _build(environment, "tensorflow", TENSORFLOW)
    return {"YARD_TEST_TENSORFLOW": TENSORFLOW}


def _build(environment: dict[str, str], name: str, tag: str, *packages: Path) -> float:
    """Build a folder's image without a network, from its lock's wheels and these packages; the seconds that took."""
    folder = f"containers/{name}"
    if _download(name, "--require-hashes", "--requirement", f"{folder}/requirements.lock"):
        raise Impossible(f"pip could not fetch the wheels of {folder}")
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        context = Path(place)
        for part in (*IMAGE_ROOMS, folder):
            ignored = shutil.ignore_patterns("__pycache__", "wheels")
            shutil.copytree(ROOT / part, context / part, ignore=ignored)
        for source in (CACHE / "wheels" / name, *packages):
            shutil.copytree(source, context / folder / "wheels", copy_function=_link_or_copy, dirs_exist_ok=True)
        words = ["--file", f"{folder}/Dockerfile", "--build-arg", f"BASE_IMAGE={BASE}", "--tag", tag, "."]
        began = time.monotonic()
        _must(environment, "docker", "build", "--no-cache", "--network", "none", *words, folder=context)
    seconds = time.monotonic() - began
    _say(f"{folder} was built in {seconds:.0f} s, without a network")
    return seconds


def _download(name: str, *wanted: str, quiet: bool = False) -> int:
    """Fetch wheels for an image; pip's exit code."""
    pip = [str(ROOT / ".venv/bin/pip"), "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    pip += ["--only-binary", ":all:", "--dest", str(CACHE / "wheels" / name)]
    return _run(*pip, *wanted, quiet=quiet)


def _bench(environment: dict[str, str]) -> int:
    command = [str(ROOT / ".venv/bin/python"), "-m", "benchmarks", "containers"]
    return subprocess.run(command, cwd=ROOT, env={**environment, **_ENGINE}, check=False).returncode


def _pytest(environment: dict[str, str], *, smoke: bool) -> int:
    contracts = _SMOKE if smoke else _CONTRACTS
    paths = [f"tests/cloud/training/{name}.py" for name in contracts]
    command = [str(ROOT / ".venv/bin/pytest"), "-m", "not cells and not e2e", "--durations=10"]
    return subprocess.run(
        [*command, *paths, "tests/cloud/containers"],
        cwd=ROOT,
        env={**environment, **_ENGINE},
        check=False,
    ).returncode


def _must(environment: dict[str, str], *command: str, folder: Path = ROOT) -> None:
    if _run(*command, environment={**environment, "DOCKER_BUILDKIT": "1"}, folder=folder):
        raise Impossible(f"`{' '.join(command[:3])} ...` failed")


def _mirror() -> list[str]:
    """Where this machine's own packages come from; nothing where it has another suite, for debootstrap's default."""
    command = ("apt-get", "indextargets", "--format", "$(CODENAME) $(REPO_URI)", "Created-By: Packages")
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except OSError:
        return []
    pairs = [line.partition(" ") for line in found.splitlines()]
    return [uri for suite, _, uri in pairs if suite == _SUITE and uri][:1]


def _run(*command: str, environment: dict[str, str] | None = None, folder: Path = ROOT, quiet: bool = False) -> int:
    silent = subprocess.DEVNULL if quiet else None
    try:
        return subprocess.run(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=silent, stderr=silent, check=False
        ).returncode
    except OSError as error:
        _say(str(error))
        return 127


def _link_or_copy(source: str, target: str) -> None:
    """A build's context in /tmp may lie on another disk than the packages."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy(source, target)


def _say(text: str) -> None:
    print(f"test-containers: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
