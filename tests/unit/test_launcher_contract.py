"""From the files under /opt/ml to the environment and the arguments of the user's program."""

import argparse
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardyard.spec.instances import INSTANCES
from training.launcher import environment, hosts, network, source, variables
from training.launcher.contract import Contract, read_contract, restore_types
from training.launcher.failure import LaunchError
from training.launcher.main import processes_per_node
from training.launcher.program import Program, read_program, to_arguments

TWO_NODES = {
    "current_host": "algo-2",
    "hosts": ["algo-1", "algo-2"],
    "current_instance_type": "ml.p4d.24xlarge",
    "current_group_name": "workers",
    "instance_groups": [
        {"instance_group_name": "workers", "instance_type": "ml.p4d.24xlarge", "hosts": ["algo-1", "algo-2"]}
    ],
    "network_interface_name": "eth0",
}
CHANNELS = {
    "train": {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"}
}


def write_config(base: Path, *, hyperparameters: Any = None, channels: Any = None, resource: Any = None) -> Contract:
    config = base / "input" / "config"
    config.mkdir(parents=True, exist_ok=True)
    for name, content in (
        ("hyperparameters", hyperparameters),
        ("inputdataconfig", channels),
        ("resourceconfig", resource),
    ):
        if content is not None:
            (config / f"{name}.json").write_text(json.dumps(content))
    return read_contract({"SAGEMAKER_BASE_DIR": str(base)})


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


def test_types_are_restored() -> None:
    text = {"a": "1", "b": "1e-3", "c": "true", "d": '"adam"', "e": "adam", "f": "[1, 2]", "g": "007", "h": "null"}
    assert restore_types(text) == {
        "a": 1, "b": 0.001, "c": True, "d": "adam", "e": "adam", "f": [1, 2], "g": "007", "h": None,
    }  # fmt: skip


def test_hyperparameters_become_arguments_as_the_toolkit_writes_them() -> None:
    values = {"lr": 0.1, "name": "adam", "flag": True, "n": -3, "layers": {"a": 1, "b": 2}, "none": None, "x y": "a b"}
    assert to_arguments(values) == (
        *("--flag", "True"),
        *("--layers", "a=1,b=2"),
        *("--lr", "0.1"),
        *("-n", "-3"),
        *("--name", "adam"),
        *("--none", ""),
        *("--x y", "a b"),
    )


@pytest.mark.parametrize("value", ["--evil", "-x", "-"])
def test_a_value_cannot_become_another_argument(value: str) -> None:
    assert to_arguments({"note": value}) == (f"--note={value}",)


@pytest.mark.parametrize("value", [-1, -0.5, -1e-05, "-3.", "-.5", "-1e3", "-\u0661", True, [-1], {"a": -1}])
def test_argparse_reads_every_value(value: Any) -> None:
    """It takes a negative number with an exponent for an option."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate")
    assert parser.parse_args(list(to_arguments({"rate": value}))).rate == (
        "a=-1" if isinstance(value, dict) else str(value)
    )


@pytest.mark.parametrize(
    ("key", "value"), [("a=b", 1), ("", 1), ("a\0", 1), ("a", "\0"), ("a", {"b": "\0"}), ("a", "\ud800"), ("\ud800", 1)]
)
def test_what_no_process_can_be_given_is_refused_by_its_name(key: str, value: Any) -> None:
    with pytest.raises(LaunchError, match="cannot be handed to a program") as refused:
        to_arguments({key: value})
    assert f"the hyperparameter {key!a} " in str(refused.value)


def test_text_of_many_brackets_stays_text() -> None:
    assert restore_types({"a": "[" * 2000}) == {"a": "[" * 2000}


def test_more_than_a_variable_can_hold_is_said(tmp_path: Path) -> None:
    contract = write_config(tmp_path, hyperparameters={f"k{number}": "v" * 2000 for number in range(70)})
    program = Program(kind="module", target="a.b", arguments=())
    with pytest.raises(
        LaunchError, match=r"SM_\w+ would have \d+ bytes, and Linux allows 131071: pass fewer or shorter"
    ):
        environment.sm_variables(contract, program, interface="lo", gpus=0, cpus=1)


@given(value=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_any_value_reaches_the_program_as_it_is(value: str) -> None:
    """Quotes, dollars, line breaks: there is no shell that could read them."""
    (*_, last) = to_arguments({"note": value})
    assert last.removeprefix("--note=") == value


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
    variables = environment.sm_variables(contract, program, interface="eth0", gpus=8, cpus=96)
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
    found = environment.sm_variables(contract, program, interface="lo", gpus=0, cpus=1)
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
    "MODEL_DIR",
    "MODULE_DIR",
    "TRAINING_ENV",
    "USER_ARGS",
    "OUTPUT_INTERMEDIATE_DIR",
)


def test_every_name_that_the_public_toolkit_exports_is_there(tmp_path: Path) -> None:
    program = Program(kind="module", target="a.b", arguments=())
    variables = environment.sm_variables(write_config(tmp_path), program, interface="lo", gpus=0, cpus=1)
    assert [name for name in DOCUMENTED if f"SM_{name}" not in variables] == []


def test_devices_are_counted_by_name(tmp_path: Path) -> None:
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "neuron0"):
        (tmp_path / name).touch()
    assert environment.count_devices(r"nvidia\d+", tmp_path) == 2
    assert environment.count_devices(r"neuron\d+", tmp_path) == 1


def test_hosts_are_ordered_by_their_numbers() -> None:
    shuffled = ["algo-10", "algo-2", "algo-1", "algo-9"]
    assert hosts.natural_order(shuffled) == ("algo-1", "algo-2", "algo-9", "algo-10")
    assert hosts.natural_order(["127.0.0.10", "127.0.0.2"]) == ("127.0.0.2", "127.0.0.10")


def test_hosts_are_awaited_until_they_resolve() -> None:
    answers = iter([OSError(), OSError(), "10.0.0.2"])

    def resolve(name: str) -> str:
        if name == "algo-1":
            return "10.0.0.1"
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    found = hosts.wait_for_hosts(
        ["algo-1", "algo-2"], limit_seconds=60, known={}, pause=lambda seconds: None, resolve=resolve
    )
    assert found == {"algo-1": "10.0.0.1", "algo-2": "10.0.0.2"}


def test_a_host_that_never_comes_is_named() -> None:
    def resolve(name: str) -> str:
        raise OSError

    with pytest.raises(LaunchError, match="algo-2 never came: the name did not resolve within 0 s"):
        hosts.wait_for_hosts(
            ["algo-1", "algo-2"], limit_seconds=0, known={"algo-1": "10.0.0.1"}, pause=lambda _: None, resolve=resolve
        )


def test_an_interface_that_exists_is_picked() -> None:
    present = {"lo": "127.0.0.1", "eth0": "10.0.0.5", "eth1": "10.1.0.5"}
    assert network.pick_interface("ethwe", "10.1.0.5", present) == "eth1"
    assert network.pick_interface("eth1", None, present) == "eth1"
    assert network.pick_interface("ethwe", None, present) == "eth0"
    assert network.pick_interface("eth0", "127.0.0.2", present) == "lo"
    assert network.pick_interface("ethwe", None, {"lo": "127.0.0.1"}) == "lo"
    assert network.interface_addresses()["lo"] == "127.0.0.1"


def test_efa_settings_come_from_the_table() -> None:
    table = network.efa_table()
    two = ["algo-1", "algo-2"]
    p4d = network.network_variables("ml.p4d.24xlarge", "eth0", two, table)
    assert p4d["FI_PROVIDER"] == "efa"
    assert p4d["FI_EFA_USE_DEVICE_RDMA"] == "1"
    assert p4d["NCCL_SOCKET_IFNAME"] == "eth0"
    g5 = network.network_variables("ml.g5.48xlarge", "eth0", two, table)
    assert (g5["FI_PROVIDER"], g5["NCCL_PROTO"]) == ("efa", "simple")
    assert "FI_PROVIDER" not in network.network_variables("ml.g5.xlarge", "eth0", two, table)
    assert "FI_PROVIDER" not in network.network_variables("ml.p4d.24xlarge", "eth0", ["algo-1"], table)


def test_the_efa_table_is_an_extract_of_the_catalogue() -> None:
    from scripts.make_efa_table import as_text, make_table

    assert network.efa_table().keys() >= {"ml.p4d.24xlarge", "ml.p5.48xlarge", "ml.g5.48xlarge", "ml.trn1.32xlarge"}
    written = (Path(network.__file__).parent / "efa.json").read_text()
    assert written == as_text(make_table()), "run `make efa-table`"


def test_a_neuron_machine_has_a_process_for_each_core(tmp_path: Path) -> None:
    assert environment.count_neuron_cores("ml.trn1.32xlarge", tmp_path) == 0, "without devices there is nothing to use"
    for device in range(16):
        (tmp_path / f"neuron{device}").touch()
    assert environment.count_neuron_cores("ml.trn1.32xlarge", tmp_path) == 32
    assert environment.count_neuron_cores("ml.g5.xlarge", tmp_path) == 0
    assert INSTANCES["ml.trn1.32xlarge"].processes == 32, "what the rules allow is what the launcher starts"


def zipped(**files: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as bundle:
        for name, text in files.items():
            bundle.writestr(name.replace("__", "/").replace("_py", ".py"), text)
    return content.getvalue()


def test_code_is_verified_and_unpacked(tmp_path: Path) -> None:
    archive = zipped(train_py="print(1)", package__mod_py="")
    (tmp_path / "channel").mkdir()
    (tmp_path / "channel" / "abc.zip").write_bytes(archive)
    environ = {"SHARDYARD_SOURCE_SHA256": hashlib.sha256(archive).hexdigest()}
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "stale.py").touch()
    assert source.unpack_source(tmp_path / "channel", tmp_path / "code", environ) == tmp_path / "code"
    found = sorted(path.relative_to(tmp_path / "code").as_posix() for path in (tmp_path / "code").rglob("*.py"))
    assert found == ["package/mod.py", "train.py"]
    assert source.unpack_source(tmp_path / "channel", tmp_path / "code", {}) is None


def test_changed_code_is_refused(tmp_path: Path) -> None:
    (tmp_path / "abc.zip").write_bytes(zipped(train_py=""))
    with pytest.raises(LaunchError, match="the object in S3 was changed"):
        source.unpack_source(tmp_path, tmp_path / "code", {"SHARDYARD_SOURCE_SHA256": "0" * 64})
    assert not (tmp_path / "code").exists()


def test_a_missing_zip_is_said(tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match=r"must hold one zip, but .* holds 0"):
        source.unpack_source(tmp_path, tmp_path / "code", {"SHARDYARD_SOURCE_SHA256": "0" * 64})


def test_a_zip_cannot_write_outside(tmp_path: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as bundle:
        bundle.writestr("../evil.py", "")
    (tmp_path / "abc.zip").write_bytes(content.getvalue())
    environ = {"SHARDYARD_SOURCE_SHA256": hashlib.sha256(content.getvalue()).hexdigest()}
    with pytest.raises(LaunchError, match=r"holds '\.\./evil\.py', which lies outside"):
        source.unpack_source(tmp_path, tmp_path / "code", environ)


@pytest.mark.parametrize(
    ("entry", "kind", "words"),
    [
        ("training.pytorch.mnist", "module", ["-u", "-m", "training.pytorch.mnist"]),
        ("train.py", "script", ["-u", "{code}/train.py"]),
        ("run", "executable", []),
    ],
)
def test_a_program_is_a_module_a_script_or_an_executable(
    tmp_path: Path, entry: str, kind: str, words: list[str]
) -> None:
    contract = write_config(tmp_path, hyperparameters={"lr": "0.1"})
    contract.code_dir.mkdir()
    for name in ("train.py", "run"):
        (contract.code_dir / name).touch(mode=0o755)
    program = read_program(contract, {"SHARDYARD_ENTRY": entry, "SHARDYARD_ARGUMENTS": '["--fast"]'})
    assert program.kind == kind
    head = [sys.executable] if kind != "executable" else [str(contract.code_dir / "run")]
    expected = [*head, *(word.replace("{code}", str(contract.code_dir)) for word in words), "--fast", "--lr", "0.1"]
    assert program.command() == expected


def test_a_program_that_is_missing_is_said(tmp_path: Path) -> None:
    contract = write_config(tmp_path)
    with pytest.raises(LaunchError, match="the job names no program"):
        read_program(contract, {})
    contract.code_dir.mkdir()
    (contract.code_dir / "train.py").touch()
    with pytest.raises(LaunchError, match=r"the program 'trian\.py' is not in .* \(train\.py\)"):
        read_program(contract, {"SHARDYARD_ENTRY": "trian.py"})
    for arguments in ("--fast", "[1]", '["\\u0000"]'):
        with pytest.raises(LaunchError, match="SHARDYARD_ARGUMENTS must be a JSON list of strings without NUL letters"):
            read_program(contract, {"SHARDYARD_ENTRY": "train.py", "SHARDYARD_ARGUMENTS": arguments})


def test_a_program_that_nobody_may_execute_is_said(tmp_path: Path) -> None:
    contract = write_config(tmp_path)
    contract.code_dir.mkdir()
    (contract.code_dir / "run.sh").touch(mode=0o644)
    with pytest.raises(LaunchError, match=r"the program 'run\.sh' is neither a \.py file nor executable: chmod \+x"):
        read_program(contract, {"SHARDYARD_ENTRY": "run.sh"})


def test_the_sdks_own_way_to_name_a_program_works(tmp_path: Path) -> None:
    contract = write_config(tmp_path, hyperparameters={"sagemaker_program": '"train.py"'})
    contract.code_dir.mkdir()
    (contract.code_dir / "train.py").touch()
    assert read_program(contract, {}).target == str(contract.code_dir / "train.py")


def test_processes_are_one_a_gpu_unless_said() -> None:
    assert processes_per_node("torchrun", 8, {}) == 8
    assert processes_per_node("mpirun", 0, {}) == 1
    assert processes_per_node("torchrun", 0, {"SHARDYARD_PROCESSES_PER_NODE": "2"}) == 2
    with pytest.raises(LaunchError, match="must be a whole number of at least 1, not '0'"):
        processes_per_node("torchrun", 0, {"SHARDYARD_PROCESSES_PER_NODE": "0"})


def test_the_one_process_of_plain_has_all_processors() -> None:
    assert processes_per_node("plain", 8, {"SHARDYARD_PROCESSES_PER_NODE": "8"}) == 1


@pytest.mark.parametrize("given", ["abc", "-1", "nan", "inf", ""])
def test_a_time_that_is_none_is_refused_by_its_variables_name(given: str) -> None:
    assert variables.seconds({}, "SHARDYARD_X_SECONDS", 1.5) == 1.5
    assert variables.seconds({"SHARDYARD_X_SECONDS": "0.25"}, "SHARDYARD_X_SECONDS", 1.5) == 0.25
    with pytest.raises(LaunchError, match=f"SHARDYARD_X_SECONDS must be a number of seconds, not '{given}'"):
        variables.seconds({"SHARDYARD_X_SECONDS": given}, "SHARDYARD_X_SECONDS", 1.5)


@pytest.mark.parametrize("given", ["two", "-1", "1.0", "\u00b2", ""])
def test_a_count_that_is_none_is_refused_by_its_variables_name(given: str) -> None:
    assert variables.whole({}, "SHARDYARD_X", 3) == 3
    assert variables.whole({"SHARDYARD_X": "0"}, "SHARDYARD_X", 3) == 0
    with pytest.raises(LaunchError, match=f"SHARDYARD_X must be a whole number of at least 0, not '{given}'"):
        variables.whole({"SHARDYARD_X": given}, "SHARDYARD_X", 3)


@pytest.mark.parametrize("given", ["65536", "9" * 5000], ids=["one more", "thousands of digits"])
def test_a_count_may_have_a_highest_value(given: str) -> None:
    assert variables.whole({"SHARDYARD_X": "65535"}, "SHARDYARD_X", 3, at_most=65535) == 65535
    with pytest.raises(LaunchError, match=f"SHARDYARD_X must be a whole number from 0 to 65535, not '{given}'"):
        variables.whole({"SHARDYARD_X": given}, "SHARDYARD_X", 3, at_most=65535)


@pytest.mark.parametrize("listed", [[], "algo-1"])
def test_a_resource_file_without_hosts_is_said(tmp_path: Path, listed: object) -> None:
    with pytest.raises(LaunchError, match=r"resourceconfig\.json must list at least one host, not "):
        write_config(tmp_path, resource={"current_host": "algo-1", "hosts": listed})


def test_addresses_that_are_no_json_are_said() -> None:
    with pytest.raises(LaunchError, match=r"SHARDYARD_HOST_ADDRESSES must be a JSON object, not '\{'"):
        hosts.known_addresses({"SHARDYARD_HOST_ADDRESSES": "{"})


def test_the_launcher_needs_nothing_but_the_standard_library() -> None:
    """Importing all of it, except what runs inside the torch process, loads no package from elsewhere."""
    folder = Path(network.__file__).parent
    modules = [
        path.stem
        for path in folder.glob("*.py")
        if path.stem not in ("torchrun_agent", "torchrun_rendezvous", "__init__")
    ]
    code = (
        f"import sys, importlib\nfor name in {modules!r}: importlib.import_module('training.launcher.' + name)\n"
        "bad = {name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names) - {'training'}\n"
        "print(sorted(name for name in bad if not name.startswith('_')))"
    )
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, '.')\n{code}"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "[]"
