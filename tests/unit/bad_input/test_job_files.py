"""Files of jobs: wrong types, sizes, names, encodings and kinds of files."""

import os
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from shardyard.spec.jobs.job import JobSpec
from tests.support.bad_input import JOB, everything, hold_the_rule, project, yard

WHERE = r"jobs/|training\.jobs"


def places(cls: type[Any], before: str = "") -> list[str]:
    """Every table and value of a job's file, as dotted names."""
    found = []
    hints = get_type_hints(cls)
    for field in fields(cls):
        if field.metadata.get("internal"):
            continue
        name = before + (field.metadata.get("key") or field.name)
        found.append(name)
        inner = [one for one in (hints[field.name], *get_args(hints[field.name])) if is_dataclass(one)]
        if inner and isinstance(inner[0], type):
            found += places(inner[0], f"{name}.")
    return found


def with_value(place: str, value: str) -> str:
    """The small job with one value more, in a table of its own at the end of the file."""
    *tables, key = place.split(".")
    if not tables:
        return f"{key} = {value}\n" + "\n".join(_without(JOB, key))
    return "\n".join(_without(JOB, ".".join(tables))) + f"\n[{'.'.join(tables)}]\n{key} = {value}\n"


def _without(text: str, table: str) -> list[str]:
    kept, inside = [], False
    for line in text.splitlines():
        if line.startswith("["):
            inside = line.strip("[]") == table
        if not inside:
            kept.append(line)
    return kept


PLACES = places(JobSpec)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("value", ["1979-05-27", "[[1], {a = 2}]"], ids=["date", "lists"])
def test_a_value_of_a_type_that_nothing_has(tmp_path: Path, place: str, value: str) -> None:
    root = project(tmp_path / "p", job=with_value(place, value))
    before = everything(root)
    hold_the_rule(yard(root, "check"), starts=WHERE)
    assert everything(root) == before


def job(*lines: str, base: str = JOB) -> str:
    return base + "\n".join(lines) + "\n"


DEEP = "[overrides.prod." + ".".join(["a"] * 2000) + "]\nx = 1\n"
WRONG: dict[str, str | bytes] = {
    "empty": "",
    "nul": b"\0",
    "a nul in a text": 'description = "a\\u0000b"\n' + JOB,
    "utf-16": JOB.encode("utf-16"),
    "latin-1": b'description = "caf\xe9"\n' + JOB.encode(),
    "half a letter as bytes": b'description = "\xed\xa0\x80"\n' + JOB.encode(),
    "half a letter as escape": 'description = "\\ud800"\n' + JOB,
    "json": '{"image": {"folder": "pytorch"}}',
    "yaml": "image:\n  folder: pytorch\n",
    "html": "<!doctype html>\n<html>",
    "a shell script": "#!/bin/sh\nexit 0\n",
    "merge markers": "<<<<<<< HEAD\n" + JOB + "=======\n>>>>>>> other\n",
    "a key twice": job("[limits]", 'max_runtime = "1h"', 'max_runtime = "2h"'),
    "a table twice": job("[compute]", "count = 3"),
    "an open text": job("[limits]", 'max_runtime = "1h'),
    "an open table": job("[limits"),
    "a number of 5,000 digits": job("[hyperparameters]", "a = " + "9" * 5000),
    "a list 3,000 deep": job("[hyperparameters]", "a = " + "[" * 3000 + "]" * 3000),
    "inline tables 3,000 deep": job("[hyperparameters]", "a = " + "{b=" * 3000 + "1" + "}" * 3000),
    "a table 2,000 deep": JOB + DEEP,
    "a dotted key 2,000 deep": job(".".join(["limits"] * 2000) + " = 1", base=""),
    "many unknown keys": "".join(f"k{number} = 1\n" for number in range(20_000)) + JOB,
    "many unknown tables": JOB + "".join(f"[t{number}]\n" for number in range(2_000)),
    "a key with a line break": '"a\\nb" = 1\n' + JOB,
    "a key with an escape": '"a\\u001b[2Jb" = 1\n' + JOB,
    "a key of a megabyte": f'"{"k" * 1_000_000}" = 1\n' + JOB,
    "a value of a megabyte": f'stack = "{"v" * 1_000_000}"\n' + JOB,
    "an empty key": '"" = 1\n' + JOB,
    "five megabytes": "# " + "x" * 5_000_000 + "\n" + JOB,
    "nan": job("[cost]", "cap_usd = nan"),
    "inf": job("[cost]", "cap_usd = inf"),
    "minus inf": job("[cost]", "cap_usd = -inf"),
    "nan as a hyperparameter": job("[hyperparameters]", "lr = nan"),
    "nan as parameters": job("[model]", "parameters = nan"),
    "a negative count": JOB.replace("count = 2", "count = -2"),
    "no machine": JOB.replace("count = 2", "count = 0"),
    "a count as text": JOB.replace("count = 2", 'count = "2"'),
    "a count with a fraction": JOB.replace("count = 2", "count = 2.5"),
    "a count beyond reason": JOB.replace("count = 2", "count = 99999999999999999999"),
    "a type that is none": JOB.replace("ml.m5.xlarge", "m5.xlarge"),
    "an empty type": JOB.replace("ml.m5.xlarge", ""),
    "a type with blanks": JOB.replace("ml.m5.xlarge", " ml.m5.xlarge"),
    "a type with a line break": JOB.replace("ml.m5.xlarge", "ml.m5.xlarge\\n"),
    "both one type and groups": job("[[compute.groups]]", 'name = "a"', 'instance_type = "ml.m5.xlarge"', "count = 1"),
    "no compute": JOB.replace("[compute]", "[compte]"),
    "no image": JOB.replace("[image]", "[imag]"),
    "a folder that is not there": JOB.replace('"pytorch"', '"torch"'),
    "an image's folder of 500 letters": JOB.replace('"pytorch"', f'"{"p" * 500}"'),
    "an image's folder above": JOB.replace('"pytorch"', '"../pytorch"'),
    "an absolute image's folder": JOB.replace('"pytorch"', '"/etc"'),
    "an image's folder with nul": JOB.replace('"pytorch"', '"py\\u0000torch"'),
    "a source that is not there": JOB.replace('"code"', '"cod"'),
    "a source above": JOB.replace('"code"', '"../"'),
    "an absolute source": JOB.replace('"code"', '"/etc"'),
    "a source with nul": JOB.replace('"code"', '"co\\u0000de"'),
    "a source of 5,000 letters": JOB.replace('"code"', f'"{"c" * 5000}"'),
    "a source that is a file": JOB.replace('"code"', '"code/train.py"'),
    "an entry that is not there": JOB.replace("train.py", "trian.py"),
    "an entry above": JOB.replace("train.py", "../train.py"),
    "an absolute entry": JOB.replace("train.py", "/etc/passwd.py"),
    "an entry with nul": JOB.replace("train.py", "tr\\u0000ain.py"),
    "an entry of 5,000 letters": JOB.replace("train.py", "t" * 5000 + ".py"),
    "an empty entry": JOB.replace("train.py", ""),
    "a launcher that is none": JOB.replace("[program]", '[program]\nlauncher = "slurm"'),
    "a channel without a place": job("[channels.a]"),
    "a channel with two places": job(
        "[channels.a]", 's3 = "a/"', 'dataset_arn = "arn:aws:sagemaker:x:1:hub-content/x"'
    ),
    "a channel named ..": job('[channels.".."]', 's3 = "a/"'),
    "a channel named .": job('[channels."."]', 's3 = "a/"'),
    "a channel named a/b": job('[channels."a/b"]', 's3 = "a/"'),
    "a channel without a name": job('[channels.""]', 's3 = "a/"'),
    "a channel named code": job("[channels.code]", 's3 = "a/"'),
    "a channel's name of 65 letters": job(f"[channels.{'c' * 65}]", 's3 = "a/"'),
    "a channel's name with nul": job('[channels."a\\u0000"]', 's3 = "a/"'),
    "a prefix with .. before": JOB.replace("digits/train/", "../../x"),
    "a prefix with .. inside": JOB.replace("digits/train/", "digits/../x/"),
    "a prefix with . inside": JOB.replace("digits/train/", "digits/./x/"),
    "a prefix with //": JOB.replace("digits/train/", "digits//train/"),
    "a prefix with nul": JOB.replace("digits/train/", "digits/\\u0000/"),
    "a prefix with a line break": JOB.replace("digits/train/", "digits/\\n/"),
    "a prefix from the root": JOB.replace("digits/train/", "/digits"),
    "an empty prefix": JOB.replace("digits/train/", ""),
    "a prefix of 2,000 letters": JOB.replace("digits/train/", "d" * 2000),
    "a bucket in capitals": JOB.replace("digits/train/", "s3://B_UP/x"),
    "a bucket without a name": JOB.replace("digits/train/", "s3:///x"),
    "a bucket of two letters": JOB.replace("digits/train/", "s3://ab/x"),
    "a bucket like an address": JOB.replace("digits/train/", "s3://192.168.1.1/x"),
    "a bucket's prefix with ..": JOB.replace("digits/train/", "s3://bucket/../x"),
    "a bucket's prefix with //": JOB.replace("digits/train/", "s3://bucket/a//b"),
    "another scheme": JOB.replace("digits/train/", "gs://bucket/x"),
    "https": JOB.replace("digits/train/", "https://bucket.s3.amazonaws.com/x"),
    "checkpoints above": job("[checkpoints]", "enabled = true", 'local_path = "/opt/ml/../../home"'),
    "checkpoints that end in ..": job("[checkpoints]", "enabled = true", 'local_path = "/opt/ml/.."'),
    "checkpoints beside": job("[checkpoints]", "enabled = true", 'local_path = "checkpoints"'),
    "checkpoints with nul": job("[checkpoints]", "enabled = true", 'local_path = "/opt/ml/\\u0000"'),
    "checkpoints in a bucket with ..": job("[checkpoints]", "enabled = true", 's3 = "s3://bucket/../x"'),
    "checkpoints in no bucket": job("[checkpoints]", "enabled = true", 's3 = "bucket/x"'),
    "tensorboard above": job("[tensorboard]", "enabled = true", 'local_path = "/opt/ml/../x"'),
    "a file system above": JOB.replace(
        's3 = "digits/train/"', 'file_system = { id = "fs-0123456789abcdef0", path = "/../../etc" }'
    ),
    "a file system without an id": JOB.replace('s3 = "digits/train/"', 'file_system = { path = "/x" }'),
    "a duration without a unit": job("[limits]", 'max_runtime = "10"'),
    "a negative duration": job("[limits]", 'max_runtime = "-1h"'),
    "a duration of many digits": job("[limits]", f'max_runtime = "{"9" * 300}h"'),
    "a duration of nothing": job("[limits]", 'max_runtime = ""'),
    "a size without a unit": JOB.replace("count = 2", 'count = 2\nvolume = "10"'),
    "a size of nothing": JOB.replace("count = 2", 'count = 2\nvolume = "0GB"'),
    "a variable with a blank": job("[environment]", '"A B" = "x"'),
    "a variable with =": job("[environment]", '"A=B" = "x"'),
    "a variable without a name": job("[environment]", '"" = "x"'),
    "a variable that is a number": job("[environment]", "A = 1"),
    "a variable of 600 letters": job("[environment]", f'A = "{"x" * 600}"'),
    "a variable that is ours": job("[environment]", 'SHARDYARD_RUN_ID = "x"'),
    "a hyperparameter that is a list": job("[hyperparameters]", "a = [1]"),
    "a hyperparameter that is a table": job("[hyperparameters.a]", "b = 1"),
    "a hyperparameter with a line break": job("[hyperparameters]", 'a = "x\\ny"'),
    "a hyperparameter's name of 300 letters": job("[hyperparameters]", f"{'h' * 300} = 1"),
    "101 hyperparameters": job("[hyperparameters]", *(f"h{number} = 1" for number in range(101))),
    "60 tags": job("[tags]", *(f't{number} = "x"' for number in range(60))),
    "a tag of aws": job("[tags]", '"aws:x" = "x"'),
    "a tag that is empty": job("[tags]", '"" = "x"'),
    "a pattern that is none": job("[[metrics]]", 'name = "a"', 'regex = "("'),
    "a pattern without a group": job("[[metrics]]", 'name = "a"', 'regex = "loss"'),
    "an override of no stage": job("[overrides.nightly.compute]", "count = 1"),
    "overrides that are a number": "overrides = 1\n" + JOB,
    "a stage that is a number": job("[overrides]", "prod = 1"),
    "a name": 'name = "y"\n' + JOB,
    "what is internal": 'from_stage = ["a"]\n' + JOB,
    "spot without checkpoints": job("[spot]", "enabled = true"),
    "a stack that is taken": 'stack = "storage"\n' + JOB,
    "a stack in capitals": 'stack = "Training"\n' + JOB,
    "a table where a list is": job("[metrics]", 'name = "a"'),
    "a list where a table is": job("[[limits]]", 'max_runtime = "1h"'),
    "a placeholder of CloudFormation": job("[environment]", 'A = "${AWS::Region}"'),
}


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG.keys())
def test_a_file_that_is_wrong_is_said_to_be(tmp_path: Path, content: str | bytes) -> None:
    root = project(tmp_path / "p", job=content)
    before = everything(root)
    hold_the_rule(yard(root, "check"), starts=WHERE)
    assert everything(root) == before


@pytest.mark.parametrize(
    "name",
    ["X.toml", "x_y.toml", "1x.toml", "-x.toml", ".toml", "x y.toml", "x" * 40 + ".toml", "\u00e4.toml", "x.y.toml"],
)
def test_a_name_that_is_no_jobs(tmp_path: Path, name: str) -> None:
    root = project(tmp_path / "p", job=None)
    (root / "jobs" / name).write_text(JOB)
    hold_the_rule(yard(root, "check"), starts=WHERE)


def test_names_that_differ_in_hyphens_alone(tmp_path: Path) -> None:
    root = project(tmp_path / "p", job=None)
    for name in ("a-b", "a--b"):
        (root / f"jobs/{name}.toml").write_text(JOB)
    hold_the_rule(yard(root, "check"), starts=WHERE)


@pytest.mark.parametrize("kind", ["pipe", "folder", "no target", "circle", "device", "socket name", "outside"])
def test_what_is_no_file(tmp_path: Path, kind: str) -> None:
    root = project(tmp_path / "p", job=None)
    path = root / "jobs/xy.toml"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        target = {
            "no target": "gone",
            "circle": "xy.toml",
            "device": "/dev/zero",
            "socket name": "y.toml",
            "outside": "/etc/hosts",
        }
        path.symlink_to(target[kind])
    hold_the_rule(yard(root, "check"), starts=WHERE)


def test_a_job_that_is_right_is_no_problem(tmp_path: Path) -> None:
    said = yard(project(tmp_path / "p"), "check")
    assert (said.code, said.lines[0]) == (0, "1 job checked: no problems.")
