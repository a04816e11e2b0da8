"""Records of TFRecord files: this library's reader, tf.data's, and the reader of the `tfrecord` package.

Run with the Python that has TensorFlow; prints the processor's seconds of each pass as JSON, of all threads together: a
busy machine makes tf.data's threads wait for one another. `--package` compares with the package, which cannot be
imported beside TensorFlow.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy

from training.data.media import open_through
from training.data.tfrecord import checksum, records
from training.data.tfrecord.records import record_of, stream_records

RECORDS, BYTES, ROUNDS = 4000, 3100, 15
"""As many bytes as an image of CIFAR-10 has."""


def ours(path: str, *, check: bool) -> int:
    """This library's."""
    with open_through(path) as stream:
        return sum(len(record) for record in stream_records(stream, path, check=check))


def with_numpy(path: str) -> int:
    """This library's where google-crc32c is not installed."""
    with mock.patch.object(records, "plain", lambda: checksum.of_own):
        return ours(path, check=True)


def by_hand(path: str) -> int:
    """A loop over tf.data's records."""
    import tensorflow as tf

    return sum(len(record) for record in tf.data.TFRecordDataset(path).as_numpy_iterator())


def by_package(path: str) -> int:
    """The plain Python reader that the `tfrecord` package has."""
    from tfrecord.reader import tfrecord_iterator

    return sum(len(record) for record in tfrecord_iterator(path))


def main() -> None:
    """Each way in turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--package", action="store_true")
    ways: dict[str, Callable[[str], int]] = {
        "checked": lambda path: ours(path, check=True),
        "with numpy": with_numpy,
    }
    ways.update({"tfrecord": by_package} if parser.parse_args().package else {"tf.data": by_hand})
    random = numpy.random.default_rng(0)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.tfrecord")
        path.write_bytes(b"".join(record_of(random.bytes(BYTES)) for _ in range(RECORDS)))
        for _ in range(ROUNDS):
            for name, way in ways.items():
                started = time.process_time()
                assert way(str(path)) == RECORDS * BYTES
                seconds[name].append(time.process_time() - started)
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
