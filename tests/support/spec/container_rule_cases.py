"""A good and a bad job for each rule about the container: limits, network, image, program; with the exact refusal."""

from typing import Any

from shardyard.spec.rules import Facts
from tests.support.spec.rule_cases import LUSTRE, MLFLOW, Case, groups, p4d

METRIC = {"name": "reward", "regex": "reward=([0-9.]+)"}
_OURS = "training.tensorflow.programs.mnist"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:password"


def many(count: int) -> dict[str, str]:
    return {f"name{number}": "x" for number in range(count)}


def tensorflow(**program: Any) -> dict[str, Any]:
    return {
        "image": {"folder": None, "framework": "tensorflow", "version": "2.21"},
        "program": {"launcher": "tensorflow", **program},
    }


LIMITS = [
    Case(
        rule="hyperparameter-count",
        good={"hyperparameters": many(100)},
        bad={"hyperparameters": many(101)},
        says="hyperparameters: 101 are not allowed (100 or fewer)",
    ),
    Case(
        rule="hyperparameter-lengths",
        good={"hyperparameters": {"text": "x" * 2500}},
        bad={"hyperparameters": {"text": "x" * 2501}},
        says="hyperparameters.text: a value of 2501 letters is not allowed (2500 or fewer)",
    ),
    Case(
        rule="hyperparameter-lines",
        good={"hyperparameters": {"text": "two words\tand a tab"}},
        bad={"hyperparameters": {"text": "two\nlines"}},
        says="hyperparameters.text: a line break is not allowed (put the text into a file of a channel)",
    ),
    Case(
        rule="hyperparameter-names",
        good={"hyperparameters": {"learning-rate": 0.1}},
        bad={"hyperparameters": {"learning=rate": 0.1}},
        says="hyperparameters.learning=rate: an equals sign is not allowed in a name",
    ),
    Case(
        rule="environment-count",
        good={"environment": many(96)},
        bad={"environment": many(97)},
        says="environment: 101 with the 4 that Shardyard adds are not allowed (100 or fewer)",
    ),
    Case(
        rule="environment-names",
        good={"environment": {"NCCL_DEBUG": "INFO"}},
        bad={"environment": {"SHARDYARD_RUN_ID": "x"}},
        says="environment.SHARDYARD_RUN_ID: this variable is set by Shardyard or SageMaker (choose another name)",
    ),
    Case(
        rule="channel-count",
        good={"channels": {f"c{number}": {"s3": "a/"} for number in range(20)}},
        bad={"source": {"dir": "src"}, "channels": {f"c{number}": {"s3": "a/"} for number in range(20)}},
        says="channels: 21 with the 1 that Shardyard adds are not allowed (20 or fewer)",
    ),
    Case(
        rule="metric-count",
        good={"metrics": [{"name": f"m{number}", "regex": "(.)"} for number in range(40)]},
        bad={"metrics": [{"name": f"m{number}", "regex": "(.)"} for number in range(41)]},
        says="metrics: 41 are not allowed (40 or fewer)",
    ),
    Case(
        rule="metric-patterns",
        good={"metrics": [METRIC]},
        bad={"metrics": [{"name": "reward", "regex": "reward=[0-9.]+"}]},
        says="metrics[0].regex: 'reward=[0-9.]+' has 0 groups (exactly one, the number)",
    ),
    Case(
        rule="tag-limits",
        good={"tags": {"team": "vision"}},
        bad={"tags": {"project": "mine"}},
        says="tags.project: this tag is set by Shardyard or AWS (choose another key)",
    ),
    Case(
        rule="tag-count",
        facts=Facts(project_tags=many(25)),
        good={"tags": {f"own{number}": "x" for number in range(18)}},
        bad={"tags": {f"own{number}": "x" for number in range(19)}},
        says="tags: 51 with the 32 of the project and the launch are not allowed (50 or fewer); "
        "remove some here, or from the setting `tags`",
    ),
    Case(
        rule="fits-the-state",
        good={"hyperparameters": {f"p{number}": "x" * 2400 for number in range(30)}},
        bad={"hyperparameters": {f"p{number}": "x" * 2400 for number in range(32)}},
        says="hyperparameters: with the environment 77144 bytes are not allowed (75000 or fewer, kept 2 times); "
        "put large values into a file of a channel",
    ),
    Case(
        rule="command-lengths",
        good={"program": {"arguments": ["x" * 2000]}, "image": {"arguments": ["x" * 256]}},
        bad={"image": {"arguments": ["x" * 257]}},
        says="image.arguments: it has more than 100 parts, or one of more than 256 letters",
    ),
]

NETWORKING = [
    Case(
        rule="isolation-without-network-users",
        good={"network": {"isolation": True}},
        bad={"network": {"isolation": True}, "mlflow": MLFLOW},
        says="network.isolation: MLflow is reached over the network (remove [mlflow], or set it to false)",
    ),
    Case(
        rule="debug-reaches-systems-manager",
        good={"debug": {"remote": True}, "network": {"vpc": False}},
        bad={"debug": {"remote": True}},
        facts=Facts(reachable_services=("ssm", "sts")),
        says="debug.remote: the project's VPC has no way to ssmmessages (add to network.interface_endpoints, or set "
        "network.vpc to false)",
    ),
    Case(
        rule="mlflow-reaches-its-server",
        good={"mlflow": MLFLOW, "network": {"vpc": False}},
        bad={"mlflow": MLFLOW},
        facts=Facts(reachable_services=()),
        says="mlflow: the project's VPC has no way to sagemaker.experiments (add to network.interface_endpoints, or "
        "set network.vpc to false)",
    ),
    Case(
        rule="secrets-reach-secrets-manager",
        good={"secrets": {"WANDB_API_KEY": "secret:wandb"}, "network": {"vpc": False}},
        bad={"secrets": {"WANDB_API_KEY": "secret:wandb"}},
        facts=Facts(reachable_services=("sts",)),
        says="secrets: the project's VPC has no way to secretsmanager (add to network.interface_endpoints, or set "
        "network.vpc to false)",
    ),
    Case(
        rule="file-system-in-vpc",
        good={"channels": {"train": LUSTRE}},
        bad={"channels": {"train": LUSTRE}, "network": {"vpc": False}},
        says="network.vpc: the channel train is a file system, which needs the VPC (set it to true)",
    ),
    Case(
        rule="efa-group-allows-itself",
        good={"compute": p4d(1)},
        bad={"compute": p4d(2)},
        facts=Facts(group_allows_itself=False),
        says="compute.instance_type: ml.p4d.24xlarge uses EFA, and the security group does not allow itself in both "
        "directions",
    ),
    Case(
        rule="efa-where-it-is",
        good={"environment": {"FI_PROVIDER": "efa"}, "compute": p4d(2)},
        bad={"environment": {"FI_PROVIDER": "efa"}, "compute": {"instance_type": "ml.p3.16xlarge"}},
        says="environment.FI_PROVIDER: ml.p3.16xlarge has no EFA (remove it)",
    ),
    Case(
        rule="subnet-addresses",
        good={"compute": p4d(2)},
        bad={"compute": p4d(3)},
        facts=Facts(subnet_addresses=11),
        says="compute: 3 x ml.p4d.24xlarge take 15 addresses, and the largest subnet has 11 (use fewer instances, or a "
        "larger subnet)",
    ),
]

PROGRAMS = [
    Case(
        rule="image-has-program",
        good={"image": {"folder": None, "repository": "own", "tag": "1"}, "program": None},
        bad={"program": None},
        says='program: missing; say what to run: [program] entry = "training.pytorch.programs.mnist"',
    ),
    Case(
        rule="script-has-source",
        good={"program": {"entry": "train.py"}, "source": {"dir": "src"}},
        bad={"program": {"entry": "train.py"}},
        says="program.entry: train.py is a script, and no [source] dir holds it (or name a module of the image)",
    ),
    Case(
        rule="slow-rank-compares-ranks",
        good={"guards": {"slow_rank": "warn"}},
        bad={"guards": {"slow_rank": "stop"}, "program": {"launcher": "plain"}},
        says="guards.slow_rank: only ranks of torchrun are compared, and this job has "
        'launcher = "plain" (leave it out)',
    ),
    Case(
        rule="algorithm-brings-its-own",
        good={"image": {"folder": None, "algorithm": "blazing"}, "program": None},
        bad={"image": {"folder": None, "algorithm": "blazing"}},
        says="program: the algorithm blazing brings its own (remove it)",
    ),
    Case(
        rule="private-registry-in-vpc",
        good={"image": {"folder": None, "repository": "registry.local/own", "tag": "1", "access": "Vpc"}},
        bad={"image": {"folder": None, "repository": "own", "tag": "1", "credentials_function": FUNCTION}},
        says='image.credentials_function: it is for a private registry (image.access = "Vpc")',
    ),
    Case(
        rule="known-deep-learning-container",
        good={"image": {"folder": None, "framework": "pytorch", "version": "2.13"}},
        bad={"image": {"folder": None, "framework": "pytorch", "version": "2.9"}},
        says="image.version: pytorch 2.9 is not on the list of 2026-11-21 (2.11, 2.12, 2.13)",
    ),
    Case(
        rule="container-fits-machines",
        facts=Facts(container="pytorch:2.13-cu133-amzn2023-sagemaker"),
        good={"image": {"folder": None, "framework": "pytorch", "version": "2.13"}},
        bad={
            "image": {"folder": None, "framework": "pytorch", "version": "2.13"},
            "compute": {"instance_type": "ml.c5.xlarge"},
        },
        says="compute.instance_type: ml.c5.xlarge has no GPU, and the deploy chose "
        "pytorch:2.13-cu133-amzn2023-sagemaker by the job's first type "
        "(take types of one kind, or change the first and deploy)",
    ),
    Case(
        rule="container-fits-machines",
        facts=Facts(container="tensorflow-training:2.21-gpu-py312-cu129-amzn2023-sagemaker"),
        good=tensorflow(server_group="g1") | {"compute": groups("ml.g5.xlarge", "ml.c5.xlarge")},
        bad=tensorflow() | {"compute": groups("ml.g5.xlarge", "ml.c5.xlarge")},
        says="compute.groups[1].instance_type: ml.c5.xlarge has no GPU, and the deploy chose "
        "tensorflow-training:2.21-gpu-py312-cu129-amzn2023-sagemaker by the job's first type "
        "(take types of one kind, or change the first and deploy)",
    ),
    Case(
        rule="image-for-gpus",
        good={"image": {"folder": "pytorch", "cpu_only": True}, "compute": {"instance_type": "ml.m5.xlarge"}},
        bad={"image": {"folder": "pytorch", "cpu_only": True}, "compute": {"instance_type": "ml.g5.xlarge"}},
        says="compute.instance_type: ml.g5.xlarge has GPUs, and image.cpu_only says that the image has no CUDA",
    ),
    Case(
        rule="image-variant",
        facts=Facts(image_variants=("cpu", "gpu")),
        good={"compute": {"instance_type": "ml.g5.xlarge"}},
        bad={"compute": {"instance_type": "ml.trn1.2xlarge"}},
        says="image.folder: containers/pytorch has no image for these instances: ml.trn1.2xlarge needs neuron, and its "
        "variants.toml has cpu, gpu (take other types, or add a base for that hardware there)",
    ),
    Case(
        rule="image-architecture",
        good={
            "image": {"folder": None, "repository": "own", "tag": "1"},
            "compute": {"instance_type": "ml.p6e-gb200.36xlarge"},
        },
        bad={"compute": {"instance_type": "ml.p6e-gb200.36xlarge"}},
        says="compute.instance_type: ml.p6e-gb200.36xlarge is arm64, and the image is x86_64 (use image.repository)",
    ),
]

TENSORFLOW = [
    Case(
        rule="launcher-fits-framework",
        good=tensorflow(),
        bad=tensorflow(launcher="torchrun"),
        says="program.launcher: torchrun does not work in AWS's container of tensorflow (use tensorflow, or plain)",
    ),
    Case(
        rule="launcher-fits-framework",
        good={"image": {"folder": None, "framework": "pytorch", "version": "2.13"}, "program": {"launcher": "mpirun"}},
        bad={
            "image": {"folder": None, "framework": "pytorch", "version": "2.13"},
            "program": {"launcher": "tensorflow"},
        },
        says="program.launcher: tensorflow does not work in AWS's container of pytorch (use torchrun, or plain)",
    ),
    Case(
        rule="parameter-servers-need-tensorflow",
        good={"program": {"launcher": "tensorflow", "parameter_servers": 2}},
        bad={"program": {"launcher": "torchrun", "parameter_servers": 2}},
        says='program.parameter_servers: it is for launcher = "tensorflow", not torchrun',
    ),
    Case(
        rule="server-group-serves",
        good={
            "program": {"launcher": "tensorflow", "server_group": "g1", "parameter_servers": 2},
            "compute": groups("ml.g5.xlarge", "ml.c5.xlarge"),
        },
        bad={"program": {"launcher": "tensorflow", "server_group": "g1"}},
        says="program.server_group: no group is named 'g1' (the job has no compute.groups)",
    ),
    Case(
        rule="server-group-serves",
        bad={
            "program": {"launcher": "tensorflow", "server_group": "g9"},
            "compute": groups("ml.g5.xlarge", "ml.c5.xlarge"),
        },
        says="program.server_group: no group is named 'g9' (compute.groups has g0, g1)",
    ),
    Case(
        rule="server-group-serves",
        bad={"program": {"launcher": "tensorflow", "server_group": "g0"}, "compute": groups("ml.c5.xlarge")},
        says="program.server_group: g0 is the only group: none is left for the workers",
    ),
    Case(
        rule="server-group-serves",
        bad={
            "program": {"launcher": "tensorflow", "server_group": "g1"},
            "compute": groups("ml.c5.xlarge", "ml.g5.xlarge"),
        },
        says="program.server_group: ml.g5.xlarge has GPUs, and servers compute on processors (take a group without)",
    ),
    Case(
        rule="server-group-serves",
        bad={
            "program": {"launcher": "tensorflow", "server_group": "servers", "parameter_servers": 1},
            "compute": {
                "instance_type": None,
                "groups": [
                    {"name": "workers", "instance_type": "ml.g5.xlarge"},
                    {"name": "servers", "instance_type": "ml.c5.xlarge", "count": 3},
                ],
            },
        },
        says="program.parameter_servers: 1 leaves 2 of the 3 instances of servers without a server "
        "(leave it out for one each)",
    ),
    Case(
        rule="a-gpu-a-worker-beside-servers",
        good={
            "program": {"entry": _OURS, "launcher": "tensorflow", "parameter_servers": 1, "processes_per_node": 4},
            "compute": {"instance_type": "ml.g5.12xlarge"},
        },
        bad={
            "program": {"entry": _OURS, "launcher": "tensorflow", "parameter_servers": 1},
            "compute": {"instance_type": "ml.g5.12xlarge"},
        },
        says="program.processes_per_node: ml.g5.12xlarge has 4 GPUs, and beside parameter servers a worker of "
        "training.tensorflow computes on one (set 4)",
    ),
    Case(
        rule="a-gpu-a-worker-beside-servers",
        good={
            "program": {"entry": "own.programs.mnist", "launcher": "tensorflow", "server_group": "g1"},
            "compute": groups("ml.g5.12xlarge", "ml.c5.xlarge"),
        },
        bad={
            "program": {"entry": _OURS, "launcher": "tensorflow", "server_group": "g1", "processes_per_node": 1},
            "compute": groups("ml.g5.12xlarge", "ml.c5.xlarge"),
        },
        says="program.processes_per_node: ml.g5.12xlarge has 4 GPUs, and beside parameter servers a worker of "
        "training.tensorflow computes on one (set 4)",
    ),
    Case(
        rule="no-smddp-with-tensorflow",
        good={"program": {"launcher": "tensorflow"}, "hyperparameters": {"backend": "nccl"}},
        bad={"program": {"launcher": "tensorflow"}, "hyperparameters": {"backend": "smddp"}, "compute": p4d()},
        says="hyperparameters.backend: smddp ended with TensorFlow 2.11 "
        '(remove it: launcher = "tensorflow" and a tf.distribute strategy)',
    ),
    Case(
        rule="one-process-a-gpu",
        good={
            "program": {"launcher": "tensorflow", "processes_per_node": 1},
            "compute": {"instance_type": "ml.g5.12xlarge"},
        },
        bad={
            "program": {"launcher": "tensorflow", "processes_per_node": 2},
            "compute": {"instance_type": "ml.g5.12xlarge"},
        },
        says="program.processes_per_node: 2 is not allowed: ml.g5.12xlarge has 4 GPUs "
        "(4 for one each; leave it out for one worker with all)",
    ),
    Case(
        rule="bf16-where-the-gpu-has-it",
        good={"program": {"launcher": "tensorflow"}, "hyperparameters": {"policy": "mixed_bfloat16"}},
        bad={"hyperparameters": {"policy": "mixed_bfloat16"}, "compute": {"instance_type": "ml.p3.2xlarge"}},
        says="hyperparameters.policy: the V100 of ml.p3.2xlarge (Volta) has no bfloat16 (use fp32 or fp16)",
    ),
]
