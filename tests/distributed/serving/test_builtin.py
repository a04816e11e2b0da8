"""A stand-in of a built-in algorithm in a real container process: DeepAR, whose network runs in forked workers."""

import json
from pathlib import Path

from tests.support.serving.server import started
from tests.support.training.builtin_jobs import trained

SERIES = json.dumps({"start": "2024-01-01 00:00:00", "target": [1, 2, 3, 4] * 6})
SMALL = {"time_freq": "D", "context_length": "4", "prediction_length": "2", "epochs": "2", "num_cells": "4"}


def test_deepar_answers_as_a_process_on_endpoints_and_in_batch_transforms(tmp_path: Path) -> None:
    trained(tmp_path, "deepar", SMALL, train=("json", SERIES))
    environ = {"DEEPAR_INFERENCE_CONFIG": json.dumps({"num_samples": 3, "output_types": ["samples"]})}
    with started(tmp_path, environ, entry=("training.builtin", "deepar")) as server:
        said = server.invoke(json.dumps({"instances": [json.loads(SERIES)] * 2}).encode())
        assert said.status == 200 and [len(one["mean"]) for one in said.json["predictions"]] == [2, 2]
        line = server.invoke(SERIES.encode(), "application/jsonlines")
        assert [len(path) for path in line.json["samples"]] == [2, 2, 2]
        wrong = server.invoke(b'{"instances": [{}]}')
        assert wrong.status == 400 and wrong.json["error"].startswith("instance 1 is no series: it has no start")
        log = server.log.read_text()
        assert log.startswith("This is no built-in algorithm of Amazon SageMaker")
        assert "serves with training.builtin.answers.forecasting" in log
