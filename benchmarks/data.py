"""Reading speed compared with webdataset and with hand-written loops, on the same files, in turns, in one run.

The page cache is warm and samples are looked at, not decoded: what is compared is the reading itself.
"""

import importlib.util
import io
import os
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from benchmarks._report import Figure, report
from training import data
from training.data import Dataset, Stream

SAMPLES = 2000
SAMPLE_BYTES = 12 * 1024
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "20"))


def main() -> int:
    """Measure and report."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        contents = [os.urandom(64) * (SAMPLE_BYTES // 64) for _ in range(SAMPLES)]
        shards = _write_tars(work / "input" / "data" / "tar", contents)
        files = _write_files(work / "input" / "data" / "files", contents)
        rates = _in_turns(_rows(work, shards, files))
    figures = [Figure(name=f"samples a second: {name}", value=rate, unit="1/s") for name, rate in rates.items()]
    figures += _ratios(rates)
    notes = f"{SAMPLES} samples of {SAMPLE_BYTES} bytes, best of {ROUNDS} passes in turns"
    if "tar: webdataset 1.0.2" not in rates:
        notes += "; webdataset is not installed (requirements-test.txt has it), so nothing is compared with it"
    return report("data", figures, notes=notes)


def _rows(work: Path, shards: list[Path], files: list[Path]) -> dict[str, Callable[[], Iterable[object]]]:
    environ = {"SAGEMAKER_BASE_DIR": str(work)}

    def ours(name: str, *, shuffle: bool = False, stream: bool | None = None) -> Dataset | Stream:
        return data.channel(name, environ=environ, shuffle=shuffle, stream=stream)

    # Opened once, as in a run: an epoch then costs only these calls
    tar, tar_shuffled = ours("tar"), ours("tar", shuffle=True)
    plain, plain_shuffled = ours("files"), ours("files", shuffle=True)

    rows: dict[str, Callable[[], Iterable[object]]] = {
        "tar: by hand": lambda: _tar_by_hand(shards),
        "tar: ours, read through": lambda: ours("tar", stream=True),
        "tar: ours, index and all": lambda: ours("tar"),
        "tar: ours, at any place": lambda: tar,
        "tar: ours, shuffled": lambda: tar_shuffled,
        "tar: tarfile": lambda: _tar_by_tarfile(shards),
        "files: bare Dataset": lambda: _bare_dataset(files),
        "files: ours": lambda: plain,
        "files: ours, shuffled": lambda: plain_shuffled,
        "files: ours, listing and all": lambda: ours("files"),
    }
    if importlib.util.find_spec("webdataset") is not None:
        rows["tar: webdataset 1.0.2"] = lambda: _webdataset(shards)
    return rows


def _ratios(rates: dict[str, float]) -> list[Figure]:
    through, indexed = rates["tar: ours, read through"], rates["tar: ours, index and all"]
    figures = [
        Figure(name="tar: ours / by hand", value=through / rates["tar: by hand"], unit="ratio", at_least=0.9),
        Figure(name="tar: ours, index and all / by hand", value=indexed / rates["tar: by hand"], unit="ratio"),
        Figure(
            name="files: ours / bare Dataset",
            value=rates["files: ours"] / rates["files: bare Dataset"],
            unit="ratio",
            at_least=0.9,
        ),
    ]
    if "tar: webdataset 1.0.2" in rates:
        theirs = rates["tar: webdataset 1.0.2"]
        figures.append(Figure(name="tar: ours / webdataset", value=through / theirs, unit="ratio", at_least=3.0))
        figures.append(Figure(name="tar: ours, index and all / webdataset", value=indexed / theirs, unit="ratio"))
    return figures


def _in_turns(rows: dict[str, Callable[[], Iterable[object]]]) -> dict[str, float]:
    best = dict.fromkeys(rows, 0.0)
    for _ in range(ROUNDS):
        for name, make in rows.items():
            began = time.perf_counter()
            count = sum(1 for _ in make())
            rate = count / (time.perf_counter() - began)
            assert count == SAMPLES, f"{name} read {count} samples"
            best[name] = max(best[name], rate)
    return best


def _tar_by_hand(shards: list[Path]) -> Iterator[dict[str, object]]:
    """What one writes in an afternoon: headers of 512 bytes, no errors reported, no long names supported."""
    for shard in shards:
        with open(shard, "rb", buffering=1 << 20) as file:
            sample: dict[str, object] = {}
            while (header := file.read(512)) and header[0]:
                name = header[:100].rstrip(b"\0").decode()
                size = int(header[124:135], 8)
                stem, _, extension = name.partition(".")
                content = file.read(size)
                file.seek(-size % 512, 1)
                if sample and sample["__key__"] != stem:
                    yield sample
                    sample = {}
                sample["__key__"] = stem
                sample[extension] = content
            if sample:
                yield sample


def _tar_by_tarfile(shards: list[Path]) -> Iterator[bytes]:
    for shard in shards:
        with tarfile.open(shard, "r|") as archive:
            for member in archive:
                extracted = archive.extractfile(member)
                assert extracted is not None
                content = extracted.read()
                if member.name.endswith(".bin"):
                    yield content


def _webdataset(shards: list[Path]) -> Iterable[object]:
    import webdataset

    return webdataset.WebDataset([str(shard) for shard in shards], shardshuffle=False, empty_check=False)


def _bare_dataset(files: list[Path]) -> Iterator[bytes]:
    class Bare:
        def __len__(self) -> int:
            return len(files)

        def __getitem__(self, number: int) -> bytes:
            with open(files[number], "rb") as file:
                return file.read()

    bare = Bare()
    for number in range(len(bare)):
        yield bare[number]


def _write_tars(folder: Path, contents: list[bytes]) -> list[Path]:
    folder.mkdir(parents=True)
    shards = []
    for number in range(4):
        path = folder / f"{number}.tar"
        with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
            for index in range(number, len(contents), 4):
                for extension, content in (("bin", contents[index]), ("cls", b"%d" % (index % 10))):
                    entry = tarfile.TarInfo(f"{index:06d}.{extension}")
                    entry.size = len(content)
                    archive.addfile(entry, io.BytesIO(content))
        shards.append(path)
    return shards


def _write_files(folder: Path, contents: list[bytes]) -> list[Path]:
    folder.mkdir(parents=True)
    paths = [folder / f"{number:06d}.bin" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return paths


if __name__ == "__main__":
    sys.exit(main())
