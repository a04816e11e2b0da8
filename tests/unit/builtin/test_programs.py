"""The stand-ins of built-in algorithms: channels, hyperparameters, metrics, and what they refuse."""

import importlib
import os
import sys
from pathlib import Path

import pytest

from contract.builtin import ALGORITHMS, algorithm_of
from contract.serving import ACCEPT_VARIABLE, WORKERS_VARIABLE
from contract.variables import SERVING_MODULE
from embedded.nodes.image import built_in, load
from shardyard.spec.catalogue.builtin import BUILTIN_ACCOUNTS
from tests.support.training.builtin_jobs import metric, record, write_job
from training.builtin.__main__ import main
from training.builtin.protobuf import DamagedRecord, records

REGRESSOR = {"predictor_type": "regressor"}
LINE = "\n".join(f"{2 * x + 1},{x},{x % 3}" for x in range(30))
TWO = "\n".join(f"{int(x > 15)},{x},{x % 3}" for x in range(30))
POINTS = "\n".join(f"{x % 2 * 10 + x / 100},{x % 2 * 10}" for x in range(30))


def test_linear_learner_measures_and_tells_apart(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_job(base, REGRESSOR, train=("text/csv", LINE), validation=("text/csv", LINE))
    assert main(["linear-learner", "train"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("This is no built-in algorithm of Amazon SageMaker") and "linear-learner" in said
    assert metric("linear-learner", "train:objective_loss", said) < 0.01
    assert metric("linear-learner", "validation:r2", said) > 0.99
    assert (base / "model" / "linear-learner.joblib").is_file()


def test_linear_learner_knows_two_classes(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = {"predictor_type": "binary_classifier", "feature_dim": "2", "wd": "0.01", "_tuning_objective_metric": "x"}
    write_job(base, given, train=("text/csv", TWO), test=("text/csv", TWO))
    assert main(["linear-learner", "train"]) == 0
    assert metric("linear-learner", "test:binary_classification_accuracy", capsys.readouterr().out) > 0.9


def test_k_means_finds_centres(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = ("text/csv;label_size=0", POINTS)
    write_job(base, {"k": "2", "feature_dim": "2"}, train=table, test=table)
    assert main(["kmeans", "train"]) == 0
    said = capsys.readouterr().out
    found = metric("kmeans", "test:msd", said)
    assert found < 0.1 and found == pytest.approx(metric("kmeans", "train:msd", said))


@pytest.mark.parametrize(
    ("algorithm", "given", "table", "said"),
    [
        ("linear-learner", {}, ("text/csv", LINE), "the hyperparameter predictor_type is required"),
        ("linear-learner", {"predictor_type": "tree"}, ("text/csv", LINE), "it can be regressor, binary_classifier"),
        ("linear-learner", {"predictor_type": "regressor", "wd": "much"}, ("text/csv", LINE), "and no number"),
        ("linear-learner", {"predictor_type": "regressor", "feature_dim": "9"}, ("text/csv", LINE), "feature_dim is 9"),
        ("linear-learner", {"predictor_type": "binary_classifier"}, ("text/csv", LINE), "must be 0 and 1, not 1, 3"),
        (
            "linear-learner",
            REGRESSOR,
            ("application/json", "{}"),
            "reads text/csv, text/libsvm and",
        ),
        (
            "linear-learner",
            REGRESSOR,
            ("text/csv", "1,2\n1,x"),
            "non-numeric value 'x' in line 2",
        ),
        ("linear-learner", REGRESSOR, ("text/csv", "1,2\n1,2,3"), "has 3 values, and others 2"),
        ("linear-learner", REGRESSOR, ("text/libsvm", "1 a:b"), "is no libsvm line: '1 a:b'"),
        ("kmeans", {"k": "40", "feature_dim": "2"}, ("text/csv", POINTS), "k is 40, and the channel train has 30 rows"),
        ("kmeans", {"k": "2.5", "feature_dim": "2"}, ("text/csv", POINTS), "is 2.5, and no whole number"),
        ("kmeans", {"k": "1", "feature_dim": "2"}, ("text/csv", POINTS), "it must be from 2 to inf"),
    ],
)
def test_what_the_user_can_change_is_a_customer_error(
    base: Path, algorithm: str, given: dict[str, str], table: tuple[str, str], said: str
) -> None:
    write_job(base, given, train=table)
    assert main([algorithm, "train"]) == 1
    failure = (base / "output" / "failure").read_text()
    assert failure.startswith("Customer Error: ") and said in failure


@pytest.mark.parametrize(
    ("name", "accept", "module"),
    [("xgboost", "text/csv", None), ("kmeans", None, "training.builtin.answers.clusters")],
)
def test_serve_becomes_the_runtime_with_what_the_algorithm_answers(
    monkeypatch: pytest.MonkeyPatch, name: str, accept: str | None, module: str | None
) -> None:
    monkeypatch.setattr(os, "environ", {"MODEL_SERVER_WORKERS": "3"})
    ran: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda path, command: ran.append(command))
    main([name, "serve"])
    assert ran == [[sys.executable, "-m", "training.launcher", "serve"]]
    assert (os.environ.get(ACCEPT_VARIABLE), os.environ.get(SERVING_MODULE)) == (accept, module)
    assert WORKERS_VARIABLE not in os.environ, "the variable is DeepAR's alone"


@pytest.mark.parametrize("name", sorted(set(ALGORITHMS) - {"xgboost"}))
def test_each_algorithm_names_a_module_with_its_functions(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(os, "environ", {"MODEL_SERVER_WORKERS": "3"})
    monkeypatch.setattr(os, "execv", lambda path, command: None)
    main([name, "serve"])
    module = importlib.import_module(os.environ[SERVING_MODULE])
    assert callable(module.model_fn) and callable(module.transform_fn)
    assert os.environ.get(WORKERS_VARIABLE) == ("3" if name == "deepar" else None)


def test_images_are_known_by_registry_and_name() -> None:
    account = min(BUILTIN_ACCOUNTS)
    found = built_in(f"{account}.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:1.7-1")
    assert found is algorithm_of("sagemaker-xgboost") is ALGORITHMS["xgboost"]
    assert built_in("123456789012.dkr.ecr.eu-west-1.amazonaws.com/kmeans:1") is None, "somebody's own"
    assert built_in(f"{account}.dkr.ecr.eu-west-1.amazonaws.com/object-detection:1") is None
    assert built_in("no address") is None


@pytest.mark.parametrize(("repository", "folder"), [("forecasting-deepar", "pytorch"), ("blazingtext", "automl")])
def test_a_stand_in_runs_in_the_image_that_has_its_packages(repository: str, folder: str) -> None:
    image = load(f"{min(BUILTIN_ACCOUNTS)}.dkr.ecr.eu-west-1.amazonaws.com/{repository}:1", Path("elsewhere"))
    assert image.requirements.parent.name == folder
    algorithm = algorithm_of(repository)
    assert algorithm is not None and image.entrypoint == ("python", "-m", "training.builtin", algorithm.name)


def test_records_of_protocol_buffers_are_rows_dense_or_sparse() -> None:
    data = record([1.5, 2.0], 1.0) + record([7.0], 0.0, keys=[2], width=3) + record([3.0])
    (dense, label), (sparse, zero), (_, none) = records(data)
    assert dense.values.tolist() == [1.5, 2.0] and label is not None and label.values.tolist() == [1.0]
    assert sparse.keys is not None and (sparse.keys.tolist(), sparse.width) == ([2], 3)
    assert zero is not None and none is None


@pytest.mark.parametrize("cut", [3, 9, 30])
def test_a_damaged_record_is_said_with_its_place(cut: int) -> None:
    whole = record([1.0, 2.0], 1.0)
    with pytest.raises(DamagedRecord, match=f"at byte {len(whole)}"):
        list(records(whole + whole[:cut]))


def test_factorization_machines_learn_what_pairs_of_features_say(
    base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = [(a, b) for a in range(4) for b in range(4, 8)] * 6
    rows = b"".join(record([1.0, 1.0], float((a + b) % 2), keys=[a, b], width=8) for a, b in pairs)
    given = {"predictor_type": "binary_classifier", "feature_dim": "8", "num_factors": "2", "epochs": "200"}
    given |= {"mini_batch_size": "16", "factors_lr": "0.3", "linear_lr": "0.01", "factors_init_sigma": "0.3"}
    kind = "application/x-recordio-protobuf"
    write_job(base, given, train=(kind, ""), test=(kind, ""))
    for part in ("train", "test"):
        (base / "input" / "data" / part / "part-0").write_bytes(rows)
    assert main(["factorization-machines", "train"]) == 0
    said = capsys.readouterr().out
    # no single feature tells anything: only the pair does
    assert metric("factorization-machines", "test:binary_classification_accuracy", said) > 0.95
