"""The command line of `smspark-submit`, as AWS's Spark container takes it."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from contract.paths import local_path
from training.spark.failure import SparkError


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What to submit, and how."""

    app: str
    arguments: tuple[str, ...]
    main_class: str | None
    jars: str | None
    """Comma-separated, as spark-submit takes them; so are `py_files` and `files`."""
    py_files: str | None
    files: str | None
    event_logs: Path | None
    """Where finished event logs are left, for the history server."""
    verbose: bool


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise SparkError(f"smspark-submit: {message}")


def parse(words: Sequence[str]) -> Options:
    """Read the command line; everything after the program is the program's."""
    parser = _Parser(prog="smspark-submit", allow_abbrev=False, add_help=False)
    parser.add_argument("--class", dest="main_class")
    for name in ("--jars", "--py-files", "--files"):
        parser.add_argument(name)
    parser.add_argument("--local-spark-event-logs-dir", dest="event_logs")
    parser.add_argument("--spark-event-logs-s3-uri", dest="event_logs_s3")
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("app")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    found = parser.parse_args(list(words))
    if found.event_logs_s3 is not None:
        raise SparkError(
            "--spark-event-logs-s3-uri needs Hadoop's S3 client, which this image does not have: name a folder with "
            "--local-spark-event-logs-dir and let an output of the job upload it, as the SageMaker SDK does"
        )
    return Options(
        app=_here(found.app),
        arguments=tuple(found.arguments),
        main_class=found.main_class,
        jars=_listed("--jars", found.jars),
        py_files=_listed("--py-files", found.py_files),
        files=_listed("--files", found.files),
        event_logs=None if found.event_logs is None else local_path(found.event_logs),
        verbose=found.verbose,
    )


def _here(app: str) -> str:
    path = local_path(app)
    if "://" not in app and not path.is_file():
        raise SparkError(f"the program {app} is not there: say which file of which input it is")
    return app if "://" in app else str(path)


def _listed(option: str, given: str | None) -> str | None:
    """Each folder's files in place of the folder; spark-submit takes files alone."""
    if given is None:
        return None
    found: list[str] = []
    for word in given.split(","):
        path = local_path(word.removeprefix("file://"))
        if "://" in word and not word.startswith("file://"):
            raise SparkError(f"{option} {word}: only files of this node can be given; bring it here as an input")
        if not path.is_absolute():
            raise SparkError(f"{option} {word} must be an absolute path to a file or a folder")
        if not path.exists():
            raise SparkError(f"{option} {word} is not there: is it an input of the job?")
        files = sorted(str(one) for one in path.iterdir() if one.is_file()) if path.is_dir() else [str(path)]
        if not files:
            raise SparkError(f"{option} {word} is an empty folder")
        found += files
    return ",".join(found)
