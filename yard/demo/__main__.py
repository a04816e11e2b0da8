"""`make demo`: from nothing to two trained nodes, one spot interruption, proof that it changed nothing, an endpoint.

It does what a person would do: the real CDK command deploys the real templates, `yard` does the rest.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shardyard.spec.units import format_duration
from yard.account.stages import Stage
from yard.aws import Aws, use_embedded_cloud
from yard.demo.digits import environment_folder, upload_digits
from yard.demo.serving import ENDPOINT, REQUEST, serve
from yard.demo.training import JOB, LAUNCH, compare, train
from yard.errors import UserError
from yard.main import guard
from yard.project import Project, find_project
from yard.runs import runs

_STACK = re.compile(r"✅\s+(.+)")


def main() -> None:
    """Run the demo, or with --clean remove what it made."""
    run = clean if "--clean" in sys.argv[1:] else demo
    sys.exit(guard(run, debug="--debug" in sys.argv))


def demo() -> None:
    """Deploy, train undisturbed, train interrupted, compare, serve."""
    began = time.monotonic()
    project = find_project()
    with Stage("1 of 8  Starting the embedded cloud: an AWS on this machine") as stage:
        _start_cloud(project, stage)
    with Stage("2 of 8  Bootstrapping and deploying with the CDK command, as on AWS") as stage:
        _deploy(project, stage)
    aws = Aws(project)
    image_environment = _environment(project)
    with Stage("3 of 8  Making the training image's environment (downloads PyTorch once)", image_environment) as stage:
        from yard.images import push_image

        image = push_image(aws, "pytorch")
        stage.tell(f"image {image['repository']}:{image['tag']}")
    with Stage("4 of 8  Uploading 1797 handwritten digits, the job's data") as stage:
        upload_digits(aws, stage)
    with Stage(f"5 of 8  Training {JOB} on two nodes, undisturbed") as stage:
        plain = train(aws, stage, interrupt=False)
    with Stage(f"6 of 8  Training {JOB} again, with a spot interruption on the way") as stage:
        disturbed = train(aws, stage, interrupt=True)
    with Stage("7 of 8  Comparing the two models") as stage:
        compare(aws, plain, disturbed, stage)
    with Stage("8 of 8  Putting the model behind an endpoint, and asking it for three digits") as stage:
        answered = serve(aws, disturbed, stage)
    _tell(aws, disturbed, answered, time.monotonic() - began)


def clean() -> None:
    """Stop the cloud and remove all that the demo made; print what is kept, and where."""
    from embedded import lifecycle

    project = find_project()
    lifecycle.down(project.root / lifecycle.DEFAULT_FOLDER)
    for name in (".yard", "cdk.out"):
        shutil.rmtree(project.root / name, ignore_errors=True)
    print("The demo's cloud, its processes, its data (.yard) and its templates (cdk.out) are gone.")
    kept = {
        "the packages of `make setup`; make clean removes them": (
            project.root / ".venv",
            project.root / "node_modules",
        ),
        "the image's environment, for the next time and for other clones": (environment_folder(project),),
        "what the CDK unpacked of itself, for its next start": (Path.home() / ".cache/aws/jsii",),
    }
    found = [(path, why) for why, paths in kept.items() for path in paths if path.exists()]
    if found:
        print("Kept on purpose:")
    for path, why in found:
        print(f"  {path}  ({_size(path)}: {why})")


def _environment(project: Project) -> Any:
    """The environment's size so far, for a sign of life; nothing once it is complete."""
    folder = environment_folder(project)
    return lambda: f", {_size(folder)} so far" if folder.exists() else ""


def _size(folder: Path) -> str:
    megabytes = sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes:.0f} MB"


def _start_cloud(project: Project, stage: Stage) -> None:
    from embedded import lifecycle

    state = lifecycle.up(project.root / lifecycle.DEFAULT_FOLDER, project=project.root)
    use_embedded_cloud(project)
    stage.tell(f"{state.endpoint}, log: {state.log.relative_to(project.root)}")


def _deploy(project: Project, stage: Stage) -> None:
    account, region = "123456789012", os.environ["AWS_REGION"]
    _cdk(project, stage, "bootstrap", f"aws://{account}/{region}")
    _cdk(project, stage, "deploy", "--all", "--require-approval", "never", "--concurrency", "4")


def _cdk(project: Project, stage: Stage, verb: str, *arguments: str) -> None:
    """Run the CDK command: its output goes to a log, and one line per finished stack to the screen."""
    command, log = ["npx", "cdk", verb, *arguments], project.root / f".yard/{verb}.log"
    stage.tell(f"{' '.join(command)}  (log: {log.relative_to(project.root)})")
    env = {**os.environ, "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": _node_major()}
    process = subprocess.Popen(
        command, cwd=project.root, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    with log.open("w") as output, process:
        for line in process.stdout:
            output.write(line)
            finished = _STACK.search(line)
            if finished is not None:
                stage.tell(f"  done: {finished[1].strip()}")
    if process.returncode:
        end = "\n".join(log.read_text().splitlines()[-15:])
        raise UserError(f"{' '.join(command)} failed:\n{end}", f"The whole log: {log}")


def _node_major() -> str:
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    return said.strip().lstrip("v").split(".")[0]


def _tell(aws: Aws, run: runs.Run, answered: str, seconds: float) -> None:
    """Print the last screen: the receipt, its sum in a few lines, where to look next."""
    from shardyard.spec.receipt_text import text

    receipt = runs.receipt(aws, run.run_id)
    print(f"\n== The receipt, as in the e-mail\n{text(receipt)}")
    print(f"\n== In short, after {format_duration(seconds)}")
    for name, said in _summary(receipt, run, answered).items():
        print(f"   {name:<12}{said}")
    print("\n== Where to look next")
    for command, what in {
        ".venv/bin/yard --embedded history": "both runs, and what each cost",
        f".venv/bin/yard --embedded logs {run.run_id}": "each node's logs",
        f".venv/bin/yard --embedded model get {run.run_id}": "the model",
        f".venv/bin/yard --embedded invoke {ENDPOINT} {REQUEST}": "the endpoint, which goes on serving",
        ".venv/bin/yard --embedded train gpt-ddp --dry-run": "another job: its plan and its worst case",
        ".venv/bin/yard cloud outbox": "the e-mails that would have been sent",
        "jobs/mnist-ddp.toml, docs/do/yard.md": "the job that ran; a day with the command",
        "make demo-clean": "remove all of it",
    }.items():
        print(f"   {command:<70}{what}")


def _summary(receipt: Mapping[str, Any], run: runs.Run, answered: str) -> dict[str, str]:
    assert run.stopped is not None
    instances = ", ".join(f"{one['count']} x {one['type']}" for one in receipt["attempts"][-1]["instances"])
    took, billed = (run.stopped - run.started).total_seconds(), format_duration(receipt["billable_seconds"])
    epochs = LAUNCH["hyperparameters"]["epochs"]
    return {
        "accuracy": f"{receipt['metrics']['accuracy']:.1%} of the test digits, after {epochs} epochs",
        "time": f"{format_duration(took)} from launch to receipt; {billed} billed on each of {instances}",
        "on AWS": f"{receipt['cost_usd']:.4f} USD ({receipt['price_source']}); here it cost nothing",
        "spot saved": f"{receipt['saved_usd']:.4f} USD, {receipt['spot_saving_percent']:.0f} percent of the full price",
        "interrupted": "once, and resumed; the model is that of the undisturbed run, bit for bit",
        "served": answered,
    }


if __name__ == "__main__":
    main()
