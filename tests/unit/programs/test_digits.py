"""Digits from every kind of channel, and the ones that we write ourselves."""

import gzip
import hashlib
import io
import struct
from pathlib import Path

import numpy
import pytest

from tests.support.training.data_files import write_tar
from training.data import ShardError
from training.data.tfrecord.example import encode_example
from training.data.tfrecord.records import record_of
from training.programs import make_digits
from training.programs.digits import NoDigits, read_digits


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("format_", ["npy", "tar", "tfrecords"])
def test_the_digits_that_are_written_are_read_back(tmp_path: Path, format_: str) -> None:
    make_digits.main([str(tmp_path), "--shards", "3", "--format", format_])
    for part, test in (("train", False), ("test", True)):
        images, labels = read_digits(files(tmp_path / part))
        expected, answers = make_digits.real_digits(test=test)
        order = numpy.concatenate([numpy.arange(len(answers))[shard::3] for shard in range(3)])
        numpy.testing.assert_array_equal(images, expected[order])
        numpy.testing.assert_array_equal(labels, answers[order])


@pytest.mark.parametrize("format_", ["npy", "tar", "tfrecords"])
def test_writing_twice_gives_the_same_bytes(tmp_path: Path, format_: str) -> None:
    digests = []
    for name in "ab":
        make_digits.main([str(tmp_path / name), "--shards", "2", "--format", format_])
        digests.append([hashlib.sha256(path.read_bytes()).hexdigest() for path in files(tmp_path / name)])
    assert digests[0] == digests[1]


def test_the_digits_are_all_there_and_look_like_mnist() -> None:
    images, labels = make_digits.real_digits(test=False)
    more, _ = make_digits.real_digits(test=True)
    assert len(images) + len(more) == 1797
    assert sorted(set(labels.tolist())) == list(range(10))
    assert images.shape[1:] == (28, 28)
    assert images.dtype == numpy.uint8
    assert images[:, :4].max() == 0, "there is a border, as in MNIST"
    assert images.max() == 255


@pytest.mark.parametrize("packed", [False, True])
def test_mnists_own_files_are_read_each_set_for_itself(tmp_path: Path, packed: bool) -> None:
    for name, count in (("train", 5), ("t10k", 2)):
        images = struct.pack(">IIII", 2051, count, 28, 28) + bytes(range(count)) * 784
        labels = struct.pack(">II", 2049, count) + bytes(range(count))
        for kind, data in (("images-idx3", images), ("labels-idx1", labels)):
            path = tmp_path / f"{name}-{kind}-ubyte{'.gz' if packed else ''}"
            path.write_bytes(gzip.compress(data) if packed else data)
    assert read_digits(files(tmp_path))[1].tolist() == [0, 1, 2, 3, 4]
    assert read_digits(files(tmp_path), test=True)[1].tolist() == [0, 1]


def test_a_channel_without_digits_is_refused_with_what_was_found(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("hello")
    with pytest.raises(NoDigits, match=r"no digits among the channel's files \(readme\.txt\)"):
        read_digits(files(tmp_path))


def test_images_without_their_labels_are_refused(tmp_path: Path) -> None:
    numpy.save(tmp_path / "a-images.npy", numpy.zeros((3, 28, 28), numpy.uint8))
    numpy.save(tmp_path / "a-labels.npy", numpy.zeros(2, numpy.int64))
    with pytest.raises(NoDigits, match="are not n x 28 x 28 and n"):
        read_digits(files(tmp_path))


def npy(array: numpy.ndarray) -> bytes:
    stream = io.BytesIO()
    numpy.save(stream, array)
    return stream.getvalue()


IMAGES = numpy.zeros((3, 28, 28), numpy.uint8)
LABELS = npy(numpy.arange(3))


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"a-images.npy": npy(IMAGES)}, "cannot be read: .*No such file"),
        ({"a-images.npy": b"", "a-labels.npy": LABELS}, "a-images.npy and its labels cannot be read: No data left"),
        (
            {"a-images.npy": b"PK\x03\x04", "a-labels.npy": LABELS},
            "a-images.npy and its labels cannot be read: File is not",
        ),
        (
            {"a-images.npy": npy(IMAGES + 0.5), "a-labels.npy": LABELS},
            "images are not whole numbers from 0 to 255, but float64",
        ),
        (
            {"a-images.npy": npy(IMAGES), "a-labels.npy": npy(numpy.array([0, 1, 10]))},
            "labels are .* from 0 to 9, but int64 up to 10",
        ),
        (
            {"train-images-idx3-ubyte": bytes(100), "train-labels-idx1-ubyte": bytes(9)},
            "cannot be read: cannot reshape",
        ),
        (
            {"train-images-idx3-ubyte.gz": b"no", "train-labels-idx1-ubyte.gz": b""},
            "cannot be read: Not a gzipped file",
        ),
    ],
)
def test_files_that_are_no_digits_are_named(tmp_path: Path, found: dict[str, bytes], message: str) -> None:
    for name, content in found.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(NoDigits, match=message):
        read_digits(files(tmp_path))


def test_a_tar_of_a_folder_is_read_and_a_damaged_one_named(tmp_path: Path) -> None:
    image = npy(IMAGES[0])
    path = write_tar(
        tmp_path / "a.tar", [("./a.b/1.npy", image), ("./a.b/1.cls", b"7"), ("./c/1.npy", image), ("./c/1.cls", b"8")]
    )
    assert read_digits([path])[1].tolist() == [7, 8]
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(ShardError, match=r"a\.tar cannot be read at byte 900"):
        read_digits([path])
    write_tar(path, [("1.npy", image)])
    with pytest.raises(NoDigits, match=r"its 1 samples are not one \.npy image and one \.cls label each"):
        read_digits([path])


def test_a_tfrecord_of_other_features_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.tfrecords"
    path.write_bytes(record_of(encode_example({"image": IMAGES[0].tobytes(), "label": 7})))
    with pytest.raises(NoDigits, match=r"record 0 has \['image', 'label'\], and image_raw and label are meant"):
        read_digits([path])
    path.write_bytes(record_of(encode_example({"image_raw": IMAGES[0].tobytes(), "label": 11})))
    with pytest.raises(NoDigits, match="its labels are not whole numbers from 0 to 9, but int64 up to 11"):
        read_digits([path])
