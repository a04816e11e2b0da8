"""SageMaker's files and variables: what the launcher reads, and what it exports."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from shardyard.spec.catalogue.instances import INSTANCES
from tests.support.training.contract_files import CHANNELS, TWO_NODES, write_config
from training.launcher import network, sm_variables
from training.launcher.endings.failure import LaunchError
from training.launcher.inputs import read_contract
from training.launcher.program import Program, to_arguments


def test_without_files_there_is_one_node_and_nothing_else(tmp_path: Path) -> None:
    contract = read_contract({"SAGEMAKER_BASE_DIR": str(tmp_path)})
    assert contract.hosts == ("algo-1",)
    assert contract.host_rank == 0
    assert contract.instance_type == "local"
    assert read_contract({}).base == Path("/opt/ml")


def test_a_file_that_is_not_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "input" / "config").mkdir(parents=True)
    (tmp_path / "input" / "config" / "hyperparameters.json").write_text("{")
    with pytest.raises(LaunchError, match=r"hyperparameters\.json is not JSON"):
        read_contract({"SAGEMAKER_BASE_DIR": str(tmp_path)})


def test_a_host_that_is_not_among_the_hosts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match="names 'algo-9' as this host, but the hosts are algo-1"):
        write_config(tmp_path, resource={"current_host": "algo-9", "hosts": ["algo-1"]})


def test_numbers_keep_their_text_where_text_is_wanted_and_their_type_where_a_type_is(tmp_path: Path) -> None:
    given = {
        "version": "1.10",
        "rate": "1e2",
        "tiny": "0.1000000000000000055511151231257827",
        "big": "123456789012345678901234567890",
        "many": "[1.10, 2]",
        "both": '{"a": 1.10}',
        "hash": "12e4567",
    }
    contract = write_config(tmp_path, hyperparameters=given)
    program = Program(kind="module", target="a.b", arguments=())
    variables = sm_variables.sm_variables(contract, program, interface="lo", gpus=0, cpus=1)

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    typed = json.loads(variables["SM_HPS"], parse_constant=refuse)
    assert typed == {
        **{"version": 1.1, "rate": 100.0, "tiny": 0.1, "big": 123456789012345678901234567890},
        **{"many": [1.1, 2], "both": {"a": 1.1}, "hash": "12e4567"},
    }
    assert json.loads(variables["SM_TRAINING_ENV"])["hyperparameters"] == typed
    for name in ("version", "rate", "tiny", "big", "hash"):
        assert variables[f"SM_HP_{name.upper()}"] == given[name]
    arguments = dict(zip(*[iter(json.loads(variables["SM_USER_ARGS"]))] * 2, strict=True))
    assert arguments == {f"--{name}": text for name, text in given.items()} | {"--both": "a=1.10"}


def test_numbers_that_are_no_text_in_the_file_keep_theirs_too(tmp_path: Path) -> None:
    config = tmp_path / "input" / "config"
    config.mkdir(parents=True)
    (config / "hyperparameters.json").write_text('{"version": 1.10}')
    assert to_arguments(read_contract({"SAGEMAKER_BASE_DIR": str(tmp_path)}).hyperparameters) == ("--version", "1.10")
    (config / "hyperparameters.json").write_text('{"version": NaN}')
    with pytest.raises(LaunchError, match=r"hyperparameters\.json is not JSON: NaN is no finite number"):
        read_contract({"SAGEMAKER_BASE_DIR": str(tmp_path)})


def test_more_than_a_variable_can_hold_is_said(tmp_path: Path) -> None:
    contract = write_config(tmp_path, hyperparameters={f"k{number}": "v" * 2000 for number in range(70)})
    program = Program(kind="module", target="a.b", arguments=())
    with pytest.raises(
        LaunchError, match=r"SM_\w+ would have \d+ bytes, and Linux allows 131071: pass fewer or shorter"
    ):
        sm_variables.sm_variables(contract, program, interface="lo", gpus=0, cpus=1)


def test_the_variables_of_the_contract(tmp_path: Path) -> None:
    contract = write_config(
        tmp_path,
        hyperparameters={
            "batch-size": "32",
            "name": "adam",
            "sagemaker_program": "x.py",
            "sagemaker_container_log_level": "10",
            "sagemaker_mpi_enabled": "true",
            "_tuning_objective_metric": "loss",
        },
        channels=CHANNELS,
        resource=TWO_NODES,
    )
    program = Program(kind="script", target=str(tmp_path / "code" / "train.py"), arguments=())
    variables = sm_variables.sm_variables(contract, program, interface="eth0", gpus=8, cpus=96)
    expected = {
        "SM_HOSTS": '["algo-1","algo-2"]',
        "SM_HOST_COUNT": "2",
        "SM_CURRENT_HOST": "algo-2",
        "SM_CURRENT_HOST_RANK": "1",
        "SM_MASTER_ADDR": "algo-1",
        "SM_MASTER_PORT": "7777",
        "SM_NUM_GPUS": "8",
        "SM_NUM_CPUS": "96",
        "SM_NETWORK_INTERFACE_NAME": "eth0",
        "SM_CHANNELS": '["train"]',
        "SM_CHANNEL_TRAIN": str(tmp_path / "input" / "data" / "train"),
        "SM_HPS": '{"batch-size":32,"name":"adam"}',
        "SM_HP_BATCH-SIZE": "32",
        "SM_HP_BATCH_SIZE": "32",
        "SM_HP_NAME": "adam",
        "SM_USER_ARGS": '["--batch-size","32","--name","adam"]',
        "SM_FRAMEWORK_PARAMS": '{"sagemaker_mpi_enabled":true}',
        "SM_FRAMEWORK_MODULE": "",
        "SM_MODULE_NAME": "train",
        "SM_USER_ENTRY_POINT": "train.py",
        "SM_DISTRIBUTION_INSTANCE_GROUPS": "[]",
        "SM_MODEL_DIR": str(tmp_path / "model"),
        "SM_OUTPUT_DATA_DIR": str(tmp_path / "output" / "data"),
        "SM_INPUT_CONFIG_DIR": str(tmp_path / "input" / "config"),
        "SM_CURRENT_INSTANCE_TYPE": "ml.p4d.24xlarge",
        "SM_CURRENT_INSTANCE_GROUP": "workers",
        "SM_INSTANCE_GROUPS": '["workers"]',
        "SM_IS_HETERO": "false",
        "SM_LOG_LEVEL": "10",
    }
    assert {name: variables.get(name) for name in expected} == expected
    assert json.loads(variables["SM_RESOURCE_CONFIG"]) == TWO_NODES
    assert json.loads(variables["SM_INPUT_DATA_CONFIG"]) == CHANNELS
    training_env = json.loads(variables["SM_TRAINING_ENV"])
    assert training_env["hyperparameters"] == {"batch-size": 32, "name": "adam"}
    assert training_env["channel_input_dirs"] == {"train": str(tmp_path / "input" / "data" / "train")}
    assert training_env["master_hostname"] == "algo-1"
    assert training_env["is_master"] is False
    assert training_env["user_entry_point"] == "train.py"


def test_groups_of_different_instances_are_told_apart(tmp_path: Path) -> None:
    """The same file gave the public toolkit, sagemaker-training 5.1.4, these values."""
    groups = [
        {"instance_group_name": "g1", "instance_type": "ml.g5.xlarge", "hosts": ["algo-1"]},
        {"instance_group_name": "g2", "instance_type": "ml.c5.xlarge", "hosts": ["algo-2"]},
    ]
    resource = {**TWO_NODES, "current_group_name": "g2", "instance_groups": groups}
    hyperparameters = {"sagemaker_distribution_instance_groups": '["g1"]'}
    contract = write_config(tmp_path, hyperparameters=hyperparameters, resource=resource)
    program = Program(kind="module", target="a.b", arguments=())
    found = sm_variables.sm_variables(contract, program, interface="lo", gpus=0, cpus=1)
    expected = {
        "SM_CURRENT_INSTANCE_GROUP": "g2",
        "SM_CURRENT_INSTANCE_GROUP_HOSTS": '["algo-2"]',
        "SM_INSTANCE_GROUPS": '["g1","g2"]',
        "SM_DISTRIBUTION_INSTANCE_GROUPS": '["g1"]',
        "SM_IS_HETERO": "true",
        "SM_USER_ENTRY_POINT": "a.b",
    }
    assert {name: found[name] for name in expected} == expected
    assert json.loads(found["SM_INSTANCE_GROUPS_DICT"]) == {group["instance_group_name"]: group for group in groups}


DOCUMENTED = (
    "HOSTS",
    "NETWORK_INTERFACE_NAME",
    "HPS",
    "USER_ENTRY_POINT",
    "FRAMEWORK_PARAMS",
    "RESOURCE_CONFIG",
    "INPUT_DATA_CONFIG",
    "OUTPUT_DATA_DIR",
    "CHANNELS",
    "CURRENT_HOST",
    "CURRENT_INSTANCE_TYPE",
    "CURRENT_INSTANCE_GROUP",
    "CURRENT_INSTANCE_GROUP_HOSTS",
    "INSTANCE_GROUPS",
    "INSTANCE_GROUPS_DICT",
    "DISTRIBUTION_INSTANCE_GROUPS",
    "IS_HETERO",
    "MODULE_NAME",
    "LOG_LEVEL",
    "FRAMEWORK_MODULE",
    "INPUT_DIR",
    "INPUT_CONFIG_DIR",
    "OUTPUT_DIR",
    "NUM_CPUS",
    "NUM_GPUS",
    "NUM_NEURONS",
    "MODEL_DIR",
    "MODULE_DIR",
    "TRAINING_ENV",
    "USER_ARGS",
    "OUTPUT_INTERMEDIATE_DIR",
)


def test_every_name_that_the_public_toolkit_exports_is_there(tmp_path: Path) -> None:
    program = Program(kind="module", target="a.b", arguments=())
    variables = sm_variables.sm_variables(write_config(tmp_path), program, interface="lo", gpus=0, cpus=1)
    assert [name for name in DOCUMENTED if f"SM_{name}" not in variables] == []


def test_devices_are_counted_by_name(tmp_path: Path) -> None:
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "neuron0"):
        (tmp_path / name).touch()
    assert sm_variables.count_devices(r"nvidia\d+", tmp_path) == 2
    assert sm_variables.count_devices(r"neuron\d+", tmp_path) == 1


def test_a_neuron_machine_has_a_process_for_each_core(tmp_path: Path) -> None:
    assert sm_variables.count_neuron_cores("ml.trn1.32xlarge", tmp_path) == 0, "without devices there is nothing to use"
    for device in range(16):
        (tmp_path / f"neuron{device}").touch()
    assert sm_variables.count_neuron_cores("ml.trn1.32xlarge", tmp_path) == 32
    assert sm_variables.count_neuron_cores("ml.g5.xlarge", tmp_path) == 0
    assert INSTANCES["ml.trn1.32xlarge"].processes == 32, "what the rules allow is what the launcher starts"


@pytest.mark.parametrize("listed", [[], "algo-1"])
def test_a_resource_file_without_hosts_is_said(tmp_path: Path, listed: object) -> None:
    with pytest.raises(LaunchError, match=r"resourceconfig\.json must list at least one host, not "):
        write_config(tmp_path, resource={"current_host": "algo-1", "hosts": listed})


def test_the_launcher_needs_nothing_but_the_standard_library() -> None:
    """Importing all of it, except what runs inside the torch process, loads no package from elsewhere."""
    folder = Path(network.__file__).parent
    inside_torch = {"torchrun/agent.py", "torchrun/own_time.py", "torchrun/rendezvous.py"}
    names = (path.relative_to(folder) for path in folder.rglob("*.py") if path.stem != "__init__")
    modules = [".".join(name.with_suffix("").parts) for name in names if name.as_posix() not in inside_torch]
    assert len(modules) > 20
    code = (
        f"import sys, importlib\nfor name in {modules!r}: importlib.import_module('training.launcher.' + name)\n"
        "known = {*sys.stdlib_module_names, 'contract', 'training'}\n"
        "bad = {name.partition('.')[0] for name in sys.modules} - known\n"
        "print(sorted(name for name in bad if not name.startswith('_')))"
    )
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, '.')\n{code}"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "[]"
