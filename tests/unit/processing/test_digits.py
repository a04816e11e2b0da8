"""Raw pictures into shards: on two nodes at once, and what is said of bad or uneven data."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy
import pytest

from training.processing import job, pictures
from training.processing.digits import balance, is_test, main

ROOT = Path(__file__).parents[3]
NODES = ("127.0.0.1", "127.0.0.2")


def lay(base: Path, current: str, hosts: tuple[str, ...], images: dict[str, numpy.ndarray]) -> Path:
    (base / "config").mkdir(parents=True)
    (base / "config" / "resourceconfig.json").write_text(json.dumps({"current_host": current, "hosts": list(hosts)}))
    for name, pixels in images.items():
        path = base / "processing" / "input" / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pictures.write_png(path, pixels)
    return base


def made(count: int, label: str, start: int = 0) -> dict[str, numpy.ndarray]:
    return {f"{label}/{n:03d}.png": numpy.full((28, 28), n, numpy.uint8) for n in range(start, start + count)}


def test_two_nodes_prepare_their_shares_and_the_first_reports_on_all(tmp_path: Path) -> None:
    shares = {NODES[0]: {**made(12, "0"), **made(10, "1")}, NODES[1]: {**made(9, "0", 50), **made(11, "1", 50)}}
    started = []
    for host, images in shares.items():
        base = lay(tmp_path / host, host, NODES, images)
        command = [sys.executable, "-m", "training.processing.digits", "--shard", "8"]
        environ = {**os.environ, "SAGEMAKER_BASE_DIR": str(base)}
        started.append(subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.PIPE, text=True))
    for node in started:
        assert node.communicate(timeout=60)[1] == "" and node.returncode == 0
    report = json.loads((tmp_path / NODES[0] / "processing/output/report/balance.json").read_text())
    assert report["images"] == 42 and report["labels"] == {"0": 21, "1": 21}
    assert report["nodes"] == {NODES[0]: 22, NODES[1]: 20} and report["warnings"] == []
    assert (tmp_path / NODES[0] / "output" / "message").read_text() == "42 images of 2 labels on 2 nodes"
    assert not (tmp_path / NODES[1] / "processing/output/report").exists()
    labels = [numpy.load(path) for path in tmp_path.rglob("output/t*/*-labels.npy")]
    images = [numpy.load(path) for path in tmp_path.rglob("output/t*/*-images.npy")]
    assert sorted(numpy.concatenate(labels)) == [0] * 21 + [1] * 21
    assert {one.shape[1:] for one in images} == {(28, 28)} and max(map(len, images)) <= 8
    names = [path.name for path in tmp_path.rglob("*-labels.npy")]
    assert any(name.startswith(NODES[0]) for name in names) and any(name.startswith(NODES[1]) for name in names)


def alone(base: Path, monkeypatch: pytest.MonkeyPatch, images: dict[str, numpy.ndarray]) -> None:
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(lay(base, "algo-1", ("algo-1",), images)))


def test_pictures_of_another_size_are_fitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone(tmp_path, monkeypatch, {"3/a.png": numpy.full((56, 14), 100, numpy.uint8)})
    main(["--size", "28"])
    (found,) = tmp_path.rglob("*-images.npy")
    assert numpy.load(found).shape == (1, 28, 28) and set(numpy.load(found).flat) == {100}


def test_too_many_bad_pictures_fail_the_job_and_a_few_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone(tmp_path, monkeypatch, made(30, "1"))
    bad = tmp_path / "processing" / "input" / "raw" / "1" / "torn.png"
    bad.write_bytes(b"\x89PNG\r\n\x1a\nno more")
    with pytest.raises(SystemExit, match=r"1 of 31 images are bad, the first: 1/torn.png: torn.png is a PNG without"):
        main([])
    main(["--most-bad-percent", "5"])
    report = json.loads((tmp_path / "processing/output/report/balance.json").read_text())
    assert report["warnings"] == ["1 bad images"] and report["images"] == 30


def test_no_pictures_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone(tmp_path, monkeypatch, {})
    with pytest.raises(SystemExit, match=r"there are no \.png or \.pgm images"):
        main([])


def test_what_is_uneven_is_said() -> None:
    def node(**labels: int) -> dict[str, object]:
        return {"labels": {"train": labels, "test": {}}, "shards": {}, "bad": []}

    report = balance({"algo-1": node(a=90, b=10), "algo-2": node(a=20, b=10)})
    assert report["warnings"] == ["uneven labels: 110 of a, 20 of b", "uneven nodes: 100 of algo-1, 30 of algo-2"]


def test_the_part_of_a_picture_does_not_depend_on_the_others() -> None:
    share = sum(is_test("1", f"{n}.png", 6) for n in range(6000)) / 6000
    assert 0.14 < share < 0.19


def test_a_node_that_does_not_report_is_named() -> None:
    with pytest.raises(RuntimeError, match=r"127.0.0.2 did not report within 0 s"):
        job.gather(1, job.Hosts(current=NODES[0], all=NODES), port=17790, wait_seconds=0.2)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a",
        b"P5 2 2",
        b"P5 x y 255\n",
        b"P5 2 2 65535\n12341234",
        b"P5 9 9 255\n1",
        b"\x89PNG\r\n\x1a\n" + b"\0" * 40,
    ],
)
def test_what_is_no_picture_is_said_to_be_none(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(data)
    with pytest.raises(pictures.PictureError, match=r"a\.png"):
        pictures.read(path)


def test_pictures_are_read_as_they_were_written(tmp_path: Path) -> None:
    pixels = numpy.random.default_rng(1).integers(0, 256, (5, 7)).astype(numpy.uint8)
    pictures.write_png(tmp_path / "a.png", pixels)
    (tmp_path / "a.pgm").write_bytes(b"P5\n7 5\n255\n" + pixels.tobytes())
    for name in ("a.png", "a.pgm"):
        assert numpy.array_equal(pictures.read(tmp_path / name), pixels)
