"""A job that starts again when its code is saved: stopped first, never with code that does not compile."""

import os
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from shardyard.spec.errors import Problem, SpecError
from yard.errors import UserError
from yard.launches import launching, rerun
from yard.launches.rerun import Rerun
from yard.runs import runs
from yard.runs.logs import Line


class Stage:
    """Files that change by a script, one action for each look; a run per start."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.events, self.looks = root, list[str](), 0
        self.script: dict[int, Any] = {}
        self.broken = False
        self.project = SimpleNamespace(root=root)
        (root / "code").mkdir()
        self.save("first")
        monkeypatch.setattr(launching, "start", self.start)
        monkeypatch.setattr(launching, "refuse_wrong_code", self.compile)
        monkeypatch.setattr(runs, "refresh", lambda aws, run: (run, {}))
        monkeypatch.setattr(runs, "attempts", lambda aws, run: [{"TrainingJobName": "j-1"}])
        self.kind = "training"
        monkeypatch.setattr(rerun, "Tail", self.tail)
        monkeypatch.setattr(
            rerun, "time", SimpleNamespace(sleep=self.look, monotonic=lambda: self.looks * 9, time=lambda: 5.0)
        )

    def save(self, text: str) -> None:
        path = self.root / "code/train.py"
        path.write_text(text)
        os.utime(path, (100.0 + len(self.events), 100.0 + len(self.events)))

    def look(self, _: float) -> None:
        self.looks += 1
        action = self.script.get(self.looks)
        if action is not None:
            action()

    def start(self, aws: Any, job: str, launch: Any, **_: Any) -> runs.Run:
        self.events.append(f"start {(self.root / 'code/train.py').read_text()}")
        now, arn = datetime.now(UTC), "arn"
        return runs.Run(
            job=job, run_id="r", execution_arn=arn, status="RUNNING", started=now, stopped=None, kind=self.kind
        )

    def tail(self, aws: Any, run_id: str, *, log_group: str) -> "Stage":
        assert log_group == f"/aws/sagemaker/{self.kind.title()}Jobs"
        return self

    def compile(self, aws: Any, job: Any) -> None:
        if self.broken:
            raise SpecError([Problem("source.dir", "train.py is no Python")])

    def client(self, _: str) -> "Stage":
        return self

    def stop_execution(self, **_: Any) -> None:
        self.events.append("stop")

    def describe_training_job(self, **_: Any) -> dict[str, Any]:
        return {"AlgorithmSpecification": {}}

    def describe_processing_job(self, **_: Any) -> dict[str, Any]:
        job = {"ProcessingJobName": "j-1", "ProcessingJobArn": "arn:j-1", "ProcessingJobStatus": "InProgress"}
        return {**job, "ProcessingStartTime": datetime.now(UTC)}

    def lines(self, names: list[str]) -> list[Line]:
        return [Line(102_500, "algo-1", f"step 1/9 loss: {self.looks}")]


def leave() -> None:
    raise KeyboardInterrupt


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(tmp_path, monkeypatch)


def begin(stage: Stage, source: Any = SimpleNamespace(dir="code")) -> None:  # noqa: B008
    job: Any = SimpleNamespace(name="hello", source=source)
    aws: Any = stage
    with pytest.raises(KeyboardInterrupt):
        Rerun(aws, job, {}).forever()


def test_a_saved_file_stops_the_run_and_starts_another(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.script = {2: lambda: stage.save("second"), 4: leave}
    begin(stage)
    assert stage.events == ["start first", "stop", "start second", "stop"]
    said = capsys.readouterr()
    assert "-- saved: train.py" in said.err
    assert "-- first step 1.5 s after the save" in said.err, "from the file's own time, 101 s"
    assert "algo-1  step 1/9 loss: 1" in said.out


def test_a_processing_job_is_watched_by_its_own_logs(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.kind = "processing"
    stage.script = {4: leave}
    begin(stage)
    said = capsys.readouterr()
    assert "algo-1  step 1/9 loss: 1" in said.out and "-- first step" in said.err


def test_code_that_does_not_compile_starts_nothing(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    def save(text: str, *, broken: bool) -> None:
        stage.broken = broken
        stage.save(text)

    stage.script = {
        2: lambda: save("def (", broken=True),
        4: lambda: save("def ((", broken=True),
        6: lambda: save("pass", broken=False),
        8: leave,
    }
    begin(stage)
    assert stage.events == ["start first", "stop", "start pass", "stop"]
    assert capsys.readouterr().err.count("train.py is no Python") == 2


def test_a_new_file_and_one_that_goes_count_too(stage: Stage) -> None:
    other = stage.root / "code/model.py"
    stage.script = {1: lambda: other.write_text("x"), 2: other.unlink, 3: leave}
    begin(stage)
    assert stage.events.count("start first") == 3


def test_a_job_without_code_of_its_own_has_nothing_to_watch(stage: Stage) -> None:
    job: Any = SimpleNamespace(name="hello", source=None)
    aws: Any = stage
    with pytest.raises(UserError, match=r"The job 'hello' has no \[source\]"):
        Rerun(aws, job, {}).forever()
