"""What a run was set to: every setting of the request, and each difference under one name."""

from contract import variables
from shardyard.spec.requests.training import to_request
from shardyard.spec.run_settings import flat, run_settings
from tests.support.spec.request_cases import DEPLOYMENT
from tests.support.spec.spec_tables import make


def settings(**changes: object) -> dict[str, object]:
    spec = make(**changes)
    return run_settings(to_request(spec, DEPLOYMENT, job_name=f"{spec.name}-1", run_id="r1"))


def test_the_program_its_environment_and_its_channels_are_settings() -> None:
    found = settings(
        program={"entry": "train.py", "arguments": ["config.py", "--max_iters=40"]},
        source={"dir": "mine", "sha256": "a" * 64},
        environment={"OMP_NUM_THREADS": "1"},
        hyperparameters={"lr": 0.1},
        channels={"train": {"s3": "s3://bucket/x/", "mode": "FastFile"}},
    )
    assert found["arguments"] == ["config.py", "--max_iters=40"]
    assert (found["entry"], found["launcher"], found["source_sha256"]) == ("train.py", "torchrun", "a" * 64)
    assert found["environment"] == {"OMP_NUM_THREADS": "1"}
    assert found["hyperparameters"] == {"lr": 0.1}
    assert found["channels"]["train"]["mode"] == "FastFile"  # type: ignore[index]


def test_each_difference_has_one_name() -> None:
    source = {"dir": ".", "sha256": "a" * 64}
    one = flat(settings(program={"entry": "t.py", "arguments": ["a.py", "--it=1"]}, source=source))
    two = flat(
        settings(
            program={"entry": "t.py", "arguments": ["b.py", "--it=2"]},
            source=source,
            environment={"OMP_NUM_THREADS": "1"},
            channels={"train": {"s3": "s3://bucket/x/", "mode": "FastFile"}},
        )
    )
    differ = {name for name in one.keys() | two.keys() if one.get(name) != two.get(name)}
    assert differ >= {"arguments", "--it", "environment.OMP_NUM_THREADS", "channels.train.mode"}


def test_other_code_is_one_difference() -> None:
    """The address of the code says what its hash says, and is wider than any table."""
    one, two = (flat(settings(source={"dir": ".", "sha256": letter * 64})) for letter in "ab")
    assert {name for name in one.keys() | two.keys() if one.get(name) != two.get(name)} == {"source_sha256"}


def test_an_environment_variable_called_code_is_a_setting() -> None:
    found = flat(settings(source={"dir": ".", "sha256": "a" * 64}, environment={"code": "1"}))
    assert found["environment.code"] == "1"


def test_where_a_runs_own_checkpoints_go_sets_nothing() -> None:
    """It differs between any two runs, so that no two were ever set alike."""
    spec = make(checkpoints={"enabled": True})
    one, two = (run_settings(to_request(spec, DEPLOYMENT, job_name=f"j-{run}-1", run_id=run)) for run in ("r1", "r2"))
    assert one == two
    assert variables.CHECKPOINT_S3 not in one["environment"]
    assert one["checkpoints"] is not None
