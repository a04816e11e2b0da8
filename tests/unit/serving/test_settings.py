"""The variables of a serving container."""

import pytest

from contract import serving, variables
from serving import settings


def test_what_nothing_says() -> None:
    found = settings.read({variables.CPUS: "3", "CUDA_VISIBLE_DEVICES": ""})
    assert (found.port, found.workers, found.gpus, found.limit_seconds) == (8080, 3, 0, 60.0)
    assert str(found.model_folder) == serving.MODEL_FOLDER
    assert found.drain_seconds < serving.STOP_SECONDS, "SIGKILL comes then"


def test_a_worker_for_each_gpu() -> None:
    found = settings.read({variables.CPUS: "32", "CUDA_VISIBLE_DEVICES": "0,1"})
    assert (found.workers, found.gpus) == (2, 2)
    assert settings.read({"CUDA_VISIBLE_DEVICES": "0", variables.WITHOUT_GPUS: "1"}).gpus == 0


def test_the_platforms_port_and_the_first_time_limit_that_is_set() -> None:
    minutes, seconds = serving.TIMEOUT_VARIABLES[1], serving.TIMEOUT_VARIABLES[0]
    found = settings.read({serving.PORT_VARIABLE: "9000", minutes: "7", seconds: "5"})
    assert (found.port, found.limit_seconds) == (9000, 5.0)
    assert settings.read({minutes: "7"}).limit_seconds == 7.0


def test_a_batch_transform_without_a_limit_sets_0() -> None:
    """MaxPayloadInMB 0 is allowed, and reaches the container as that."""
    assert settings.read({serving.PAYLOAD_VARIABLE: "0"}).max_body > serving.MAX_BODY_MB << 20


def test_every_problem_at_once() -> None:
    wrong = {
        serving.PORT_VARIABLE: "http",
        serving.WORKERS_VARIABLE: "0",
        serving.MULTI_MODEL_VARIABLE: "perhaps",
        serving.PROGRAM_VARIABLE: "../run.py",
        variables.SERVING_RETRIES: "9",
    }
    with pytest.raises(settings.SettingsError) as raised:
        settings.read(wrong)
    lines = str(raised.value).splitlines()
    assert len(lines) == len(wrong)
    for name, value in wrong.items():
        assert any(name in line and value in line for line in lines)


def test_ranks_share_what_there_is() -> None:
    assert settings.read({variables.SERVING_RANKS: "2", variables.WITHOUT_GPUS: "1"}).workers == 1
    assert settings.read({variables.SERVING_RANKS: "2", "CUDA_VISIBLE_DEVICES": "0,1,2,3"}).workers == 2
    with pytest.raises(settings.SettingsError, match="SHARDYARD_SERVING_RANKS is 4, and there are 2 GPUs"):
        settings.read({variables.SERVING_RANKS: "4", "CUDA_VISIBLE_DEVICES": "0,1"})
    with pytest.raises(settings.SettingsError, match="models of a multi-model container are whole"):
        settings.read({variables.SERVING_RANKS: "2", variables.WITHOUT_GPUS: "1", "SAGEMAKER_MULTI_MODEL": "true"})
