"""Evaluate a run's model on test data, in a processing job: metrics as JSON, and a confusion picture.

    python -m training.pytorch.programs.evaluate

Reads the input `model` (model.tar.gz, or its files) and the input `test` (digits as .npy), writes the output `report`.
"""

import argparse
import json
import tarfile
from pathlib import Path

import numpy
import torch

from contract import places
from training.processing import evaluation, job
from training.pytorch.programs.mnist import Net

_LABELS = 10


def main(arguments: list[str] | None = None) -> None:
    """Evaluate, write the report, and leave the result as the exit message."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=256, help="images at once")
    parser.add_argument("--at-least", type=float, default=0.0, help="fail below this accuracy")
    options = parser.parse_args(arguments)
    folder = unpacked(job.input_folder("model"))
    about = json.loads((folder / "model.json").read_text())
    net = load(folder, about)
    images, labels = read_test(job.input_folder("test"))
    matrix = evaluation.confusion(labels, predict(net, images, options.batch), _LABELS)
    found = evaluation.write(job.output_folder("report"), matrix, {"weights_sha256": about.get("weights_sha256")})
    sentence = f"accuracy {found['accuracy']:.4f} on {found['samples']} samples"
    job.say(sentence)
    print(f"accuracy={found['accuracy']:.6f} macro_f1={found['macro_f1']:.6f} samples={found['samples']}")
    if found["accuracy"] < options.at_least:
        job.say(f"{sentence}, below {options.at_least:g}")
        raise SystemExit(1)


def unpacked(folder: Path) -> Path:
    """The folder with model.pt: the input itself, or its archive, unpacked beside it."""
    if (folder / "model.pt").is_file():
        return folder
    archives = sorted(folder.rglob("model.tar.gz"))
    if len(archives) != 1:
        raise SystemExit(f"{folder} holds no model.pt and {len(archives)} model.tar.gz: name one run's model")
    target = folder.parent / "unpacked-model"
    with tarfile.open(archives[0]) as archive:
        for member in archive:
            places.within(target, member.name)
        archive.extractall(target, filter="data")
    return target


def load(folder: Path, about: dict[str, object]) -> Net:
    """The network with its weights; weights only, since a file may come from anywhere."""
    if about.get("model") != "training.pytorch.programs.mnist.Net":
        raise SystemExit(f"{folder / 'model.json'} describes {about.get('model')!r}, and this evaluates mnist.Net")
    net = Net(int(str(about["width"])))
    net.load_state_dict(torch.load(folder / "model.pt", weights_only=True, map_location="cpu"))
    net.eval()
    return net


def read_test(folder: Path) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Every shard of the test data."""
    shards = sorted(folder.rglob("*-images.npy"))
    if not shards:
        raise SystemExit(f"there are no *-images.npy under {folder}")
    labels = [path.with_name(path.name.replace("-images.npy", "-labels.npy")) for path in shards]
    return (
        numpy.concatenate([numpy.load(path, allow_pickle=False) for path in shards]),
        numpy.concatenate([numpy.load(path, allow_pickle=False) for path in labels]),
    )


def predict(net: Net, images: numpy.ndarray, batch: int) -> numpy.ndarray:
    """The label that the network gives each image."""
    found = []
    with torch.inference_mode():
        for start in range(0, len(images), batch):
            pixels = torch.from_numpy(images[start : start + batch].astype(numpy.float32) / 255).unsqueeze(1)
            found.append(net(pixels).argmax(dim=1).numpy())
    return numpy.concatenate(found)


if __name__ == "__main__":
    main()
