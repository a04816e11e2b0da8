"""Records of TFRecord files: this library's reader, tf.data's, and the reader of the `tfrecord` package.

Run with the Python that has TensorFlow; prints the processor's seconds of each pass as JSON, of all threads together: a
busy machine makes tf.data's threads wait for one another. `--package` compares with the package, which cannot be
imported beside TensorFlow. Its reader checks nothing, and each record is a view of a buffer that the next overwrites.
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

RECORDS, MANY, BYTES, ROUNDS = 4000, 60_000, 3100, 15
"""As many bytes as an image of CIFAR-10 has. Many, where the slower way takes microseconds for one."""
_BATCH = 100


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


def by_batches(path: str) -> int:
    """The same by batches, as a loop over steps takes them."""
    import tensorflow as tf

    batches = tf.data.TFRecordDataset(path).batch(_BATCH).as_numpy_iterator()
    return sum(len(record) for batch in batches for record in batch)


def by_package(path: str) -> int:
    """The plain Python reader that the `tfrecord` package has."""
    from tfrecord.reader import tfrecord_iterator

    return sum(len(record) for record in tfrecord_iterator(path))


def main() -> None:
    """Each way in turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--package", action="store_true")
    ways: dict[str, Callable[[str], int]] = {"checked": lambda path: ours(path, check=True)}
    if parser.parse_args().package:
        count = MANY
        ways |= {"unchecked": lambda path: ours(path, check=False), "tfrecord": by_package}
    else:
        count = RECORDS
        ways |= {"with numpy": with_numpy, "tf.data": by_hand, "tf.data in batches": by_batches}
    random = numpy.random.default_rng(0)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.tfrecord")
        with path.open("wb") as file:
            file.writelines(record_of(random.bytes(BYTES)) for _ in range(count))
        for _ in range(ROUNDS):
            for name, way in ways.items():
                started = time.process_time()
                assert way(str(path)) == count * BYTES
                seconds[name].append(time.process_time() - started)
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
