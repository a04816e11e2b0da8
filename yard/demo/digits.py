"""The handwritten digits of the demo: made, uploaded, and three of them for the endpoint."""

import ast
import json
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

from yard.account.stages import Stage
from yard.aws import Aws
from yard.demo.training import JOB
from yard.project import Project
from yard.transfer import data_folder, upload
from yard.transfer.uploaded import Uploaded

_SIDE = 28
_MARGIN = 4
"""Pixels around a digit that are always empty, in MNIST as here."""
_SHADES = " .:+#"


@dataclass(frozen=True, kw_only=True, slots=True)
class Digit:
    """A picture that the model has not seen in training."""

    pixels: bytes
    """28 rows of 28 greys, 0 to 255."""
    label: int
    """Which digit it is, as people have read it."""

    @property
    def rows(self) -> list[list[int]]:
        """The rows of pixels."""
        return [list(self.pixels[begin : begin + _SIDE]) for begin in range(0, _SIDE * _SIDE, _SIDE)]


def environment_folder(project: Project) -> Path:
    """The environment of the image that trains and serves."""
    from embedded.nodes import image_environment

    return image_environment.environment_folder(project.root / "containers/pytorch/requirements.txt")


def upload_digits(aws: Aws, stage: Stage) -> None:
    """Make the digits if they are not here, and upload those that the bucket lacks."""
    folder = _folder(aws.project)
    if not folder.exists():
        _make(aws.project, folder)
    bucket, s3 = aws.data_bucket(), aws.client("s3")
    from yard.sample_data import places

    for name, channel in places(aws.project.job(JOB)).items():
        prefix = str(channel.s3)
        uploaded = Uploaded.of(aws.project.root / ".yard", bucket, prefix)
        items = upload.plan(data_folder.read(folder / name, prefix), prefix)
        wanted = upload.missing(s3, bucket, items, upload.list_objects(s3, bucket, prefix), uploaded)
        upload.send(s3, bucket, wanted, uploaded, on_file=lambda item: None)
        stage.tell(f"{name}: {len(items)} files in s3://{bucket}/{channel.s3}, {len(wanted)} of them new")


def _folder(project: Project) -> Path:
    return project.root / ".yard/demo/digits"


def _make(project: Project, folder: Path) -> None:
    """Write the digits with the image's environment, which has scikit-learn and its copy of them."""
    python = environment_folder(project) / "bin/python"
    command = [str(python), "-m", "training.programs.make_digits", str(folder), "--shards", "4"]
    subprocess.run(command, cwd=project.root, check=True, stdout=subprocess.DEVNULL)


def different_digits(project: Project, count: int) -> list[Digit]:
    """The first test digits that differ, as they were uploaded."""
    shard = _folder(project) / "test/digits-0000"
    pixels, labels = (_content(shard.with_name(f"{shard.name}-{part}.npy")) for part in ("images", "labels"))
    size = _SIDE * _SIDE
    found: dict[int, Digit] = {}
    for place, (label,) in enumerate(struct.iter_unpack("<q", labels)):
        found.setdefault(label, Digit(pixels=pixels[size * place : size * (place + 1)], label=label))
    return list(found.values())[:count]


def _content(path: Path) -> bytes:
    """What follows the head of a .npy file of make_digits; the command has no numpy to ask."""
    packed = path.read_bytes()
    begin = 10 + int.from_bytes(packed[8:10], "little")
    head = ast.literal_eval(packed[10:begin].decode("latin-1"))
    assert head["descr"] in ("|u1", "<i8") and not head["fortran_order"], head
    return packed[begin:]


def write_request(path: Path, digits: list[Digit]) -> bytes:
    """The request of these digits, also as a file for whoever wants to send it again."""
    body = json.dumps([digit.rows for digit in digits]).encode()
    path.write_bytes(body)
    return body


def drawn(digits: list[Digit]) -> list[str]:
    """The pictures side by side; a letter is twice as high as wide, so it stands for two pixels."""
    lines = []
    inner = range(_MARGIN, _SIDE - _MARGIN)
    for row in inner[::2]:
        parts = []
        for digit in digits:
            upper, lower = digit.rows[row], digit.rows[row + 1]
            parts.append("".join(_SHADES[(upper[x] + lower[x]) * (len(_SHADES) - 1) // 510] for x in inner))
        lines.append("  ".join(parts).rstrip())
    return lines
