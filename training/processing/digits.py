"""Raw images of digits into shards that training reads, on any number of nodes, with a report of their balance.

    python -m training.processing.digits --size 28 --shard 500

Reads `raw/<label>/<name>.png` (or .pgm), writes `train/` and `test/` as .npy shards and `report/balance.json`.
Which part an image belongs to depends on its name alone, so that it stays there when images are added.
"""

import argparse
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy

from training.processing import job, pictures

_UNEVEN = 1.5
"""The report warns where the largest class has this many times the smallest's images, or one node another's."""


def main(arguments: list[str] | None = None) -> None:
    """Prepare this node's images; the first node writes the report of all."""
    options = _options(arguments)
    nodes = job.hosts()
    images = list(_images(job.input_folder("raw")))
    if not images:
        raise SystemExit(f"there are no .png or .pgm images in folders of labels under {job.input_folder('raw')}")
    found = _prepare(images, options, nodes.current)
    reports = job.gather(found, nodes)
    if nodes.is_first:
        report = balance(reports)
        (job.output_folder("report") / "balance.json").write_text(json.dumps(report, indent=1, sort_keys=True) + "\n")
        sentence = f"{report['images']} images of {len(report['labels'])} labels on {len(reports)} nodes"
        job.say("; ".join([sentence, *report["warnings"]]))
        print("; ".join([sentence, *report["warnings"]]))


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=28, help="rows and columns of each image")
    parser.add_argument("--shard", type=int, default=500, help="images per shard")
    parser.add_argument("--test-part", type=int, default=6, help="one image of so many is for testing")
    parser.add_argument("--most-bad-percent", type=float, default=1.0, help="fail above this share of bad images")
    options = parser.parse_args(arguments)
    if options.size < 1 or options.shard < 1 or options.test_part < 2:
        parser.error("--size and --shard must be 1 or more, --test-part 2 or more")
    return options


def _images(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every image with its label, which is its folder's name."""
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in (".png", ".pgm") and path.parent != folder:
            yield path, path.parent.name


def is_test(label: str, name: str, part: int) -> bool:
    """Whether an image is for testing."""
    return int.from_bytes(hashlib.sha256(f"{label}/{name}".encode()).digest()[:4]) % part == 0


def _prepare(images: list[tuple[Path, str]], options: argparse.Namespace, host: str) -> dict[str, Any]:
    """Write this node's shards; what it found."""
    kept: dict[str, list[tuple[numpy.ndarray, int]]] = {"train": [], "test": []}
    counts: dict[str, Counter[str]] = {"train": Counter(), "test": Counter()}
    shards, bad = Counter[str](), list[str]()
    for path, label in images:
        part = "test" if is_test(label, path.name, options.test_part) else "train"
        try:
            if not label.isdigit():
                raise pictures.PictureError(f"{label!r} is no digit")
            kept[part].append((_fit(pictures.read(path), options.size), int(label)))
        except pictures.PictureError as error:
            bad.append(f"{label}/{path.name}: {error}")
            continue
        counts[part][label] += 1
        if len(kept[part]) == options.shard:
            _write(part, host, shards, kept[part])
    for part, rest in kept.items():
        if rest:
            _write(part, host, shards, rest)
    if 100 * len(bad) > options.most_bad_percent * len(images):
        raise SystemExit(f"{len(bad)} of {len(images)} images are bad, the first: {bad[0]}")
    return {"labels": {part: dict(found) for part, found in counts.items()}, "shards": dict(shards), "bad": bad[:20]}


def _fit(pixels: numpy.ndarray, size: int) -> numpy.ndarray:
    """The picture at `size` by `size`: the mean of what falls on each pixel, or the nearest where it is smaller."""
    rows = numpy.linspace(0, pixels.shape[0], size + 1)
    columns = numpy.linspace(0, pixels.shape[1], size + 1)
    if pixels.shape == (size, size):
        return pixels
    sums = numpy.zeros((pixels.shape[0] + 1, pixels.shape[1] + 1))
    sums[1:, 1:] = pixels.cumsum(0, dtype=float).cumsum(1)
    low_r, low_c = rows[:-1].astype(int), columns[:-1].astype(int)
    high_r = numpy.maximum(numpy.ceil(rows[1:] - 1e-9).astype(int), low_r + 1)
    high_c = numpy.maximum(numpy.ceil(columns[1:] - 1e-9).astype(int), low_c + 1)
    total = sums[numpy.ix_(high_r, high_c)] - sums[numpy.ix_(low_r, high_c)]
    total += sums[numpy.ix_(low_r, low_c)] - sums[numpy.ix_(high_r, low_c)]
    fitted: numpy.ndarray = numpy.rint(total / numpy.outer(high_r - low_r, high_c - low_c)).astype(numpy.uint8)
    return fitted


def _write(part: str, host: str, shards: Counter[str], rows: list[tuple[numpy.ndarray, int]]) -> None:
    """One shard as two arrays; a node's name is in the file's, since all nodes write to one prefix."""
    name = job.output_folder(part) / f"{host}-{shards[part]:04d}"
    numpy.save(f"{name}-images.npy", numpy.stack([pixels for pixels, _ in rows]))
    numpy.save(f"{name}-labels.npy", numpy.array([label for _, label in rows], numpy.int64))
    shards[part] += 1
    rows.clear()


def balance(reports: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """How the images are spread over labels and nodes, with a sentence for whatever is uneven."""
    labels: Counter[str] = Counter()
    by_part: dict[str, Counter[str]] = {"train": Counter(), "test": Counter()}
    nodes = {}
    for host, report in sorted(reports.items()):
        for part, counts in report["labels"].items():
            by_part[part].update(counts)
            labels.update(counts)
        nodes[host] = sum(sum(counts.values()) for counts in report["labels"].values())
    bad = [sentence for report in reports.values() for sentence in report["bad"]]
    return {
        "images": sum(labels.values()),
        "labels": dict(sorted(labels.items())),
        "parts": {part: dict(sorted(counts.items())) for part, counts in by_part.items()},
        "nodes": nodes,
        "shards": {host: report["shards"] for host, report in sorted(reports.items())},
        "bad": bad,
        "warnings": [*_uneven("labels", labels), *_uneven("nodes", nodes), *_bad(bad)],
    }


def _bad(sentences: list[str]) -> list[str]:
    return [f"{len(sentences)} bad images"] if sentences else []


def _uneven(what: str, counts: dict[str, int]) -> list[str]:
    if len(counts) < 2 or max(counts.values()) <= _UNEVEN * min(counts.values()):
        return []
    most, least = max(counts, key=lambda one: counts[one]), min(counts, key=lambda one: counts[one])
    return [f"uneven {what}: {counts[most]} of {most}, {counts[least]} of {least}"]


if __name__ == "__main__":
    main()
