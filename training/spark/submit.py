"""`smspark-submit`: makes the cluster, runs the program on it, and ends every node with the right code."""

import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

from training.launcher.endings.failure import LaunchError
from training.launcher.hosts import wait_seconds
from training.spark import classifications, cluster, roll_call, tails
from training.spark.classifications import Configuration
from training.spark.cluster import Cluster
from training.spark.failure import SparkError, conclude, say
from training.spark.options import Options, parse

_TASKS_PER_CORE = 2


def main(words: Sequence[str]) -> int:
    """Run one node's part; returns its exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    try:
        options, configuration = parse(words), classifications.read()
        cluster.home()
        if cluster.stands_in():
            say(
                "this image stands in for AWS's own: a standalone cluster in place of YARN, without HDFS and without a "
                "connector to S3"
            )
        for name in configuration.ignored:
            say(f"the classification {name} is for daemons that a standalone cluster does not have: ignored")
        return _run(cluster.find(), options, configuration)
    except (SparkError, LaunchError) as error:
        return conclude(error if isinstance(error, SparkError) else SparkError(str(error)))


def _leave(number: int, _: object) -> NoReturn:
    say(f"stopped by {signal.Signals(number).name}")
    sys.exit(128 + number)


def _run(nodes: Cluster, options: Options, configuration: Configuration) -> int:
    variables = cluster.environment(nodes, configuration.variables)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="spark-", ignore_cleanup_errors=True)))
        daemons: list[subprocess.Popen[bytes]] = []
        stack.callback(_end, daemons)
        has = f"{cluster.cores()} cores, {cluster.memory_mb()} MB for executors"
        say(f"{nodes.current} of {', '.join(nodes.hosts)}: {has}")
        if nodes.is_primary:
            daemons.append(cluster.start_master(nodes, variables))
        daemons.append(cluster.start_worker(nodes, variables, scratch / "work"))
        logs = tails.executor_logs(scratch / "work")
        logs.start()
        stack.callback(logs.stop)
        if nodes.is_primary:
            _lead(nodes, options, configuration, variables, daemons, scratch, stack)
        else:
            _follow(nodes, daemons)
    return 0


def _lead(
    nodes: Cluster,
    options: Options,
    configuration: Configuration,
    variables: Mapping[str, str],
    daemons: Sequence["subprocess.Popen[bytes]"],
    scratch: Path,
    stack: ExitStack,
) -> None:
    roll = roll_call.Primary(nodes.address, len(nodes.hosts) - 1)
    stack.callback(roll.release)
    roll.wait(wait_seconds())
    cluster.wait_for_workers(nodes, daemons, wait_seconds())
    say(f"the cluster is complete: {len(nodes.hosts)} workers")
    events = None
    if options.event_logs is not None:
        events = scratch / "events"
        copies = tails.event_logs(events, options.event_logs)
        copies.start()
        stack.callback(copies.stop)
    properties = defaults(nodes, scratch, events) | dict(configuration.properties)
    command = submit_command(nodes, options, properties)
    driver = subprocess.Popen(command, env=dict(variables), stdin=subprocess.DEVNULL)
    stack.callback(_end, [driver])
    code = driver.wait()
    if code != 0:
        raise SparkError(f"spark-submit of {Path(options.app).name} ended with {code}", code if code > 0 else 1)


def _follow(nodes: Cluster, daemons: Sequence["subprocess.Popen[bytes]"]) -> None:
    connection = roll_call.join(nodes.addresses[nodes.primary], wait_seconds())

    def check() -> None:
        for daemon in daemons:
            if daemon.poll() is not None:
                raise SparkError(f"the worker of {nodes.current} ended with {daemon.returncode}")

    roll_call.wait_for_release(connection, check)
    say("the primary is done")


def defaults(nodes: Cluster, scratch: Path, events: Path | None) -> dict[str, str]:
    """Spark's properties where the job says nothing else."""
    tasks = str(_TASKS_PER_CORE * cluster.cores() * len(nodes.hosts))
    found = {
        "spark.driver.host": nodes.address,
        "spark.driver.bindAddress": nodes.address,
        "spark.executor.memory": f"{cluster.memory_mb()}m",
        "spark.local.dir": str(scratch / "local"),
        "spark.default.parallelism": tasks,
        "spark.sql.shuffle.partitions": tasks,
        # each task moves its own files into place: with files of this node, the driver could not move another node's
        "spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version": "2",
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        # nobody can look at them inside of a container
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    if events is not None:
        found |= {"spark.eventLog.enabled": "true", "spark.eventLog.dir": events.as_uri()}
    return found


def submit_command(nodes: Cluster, options: Options, properties: Mapping[str, str]) -> list[str]:
    """The command that submits the program."""
    command = [str(cluster.home() / "bin" / "spark-submit"), "--master", nodes.master, "--deploy-mode", "client"]
    for name, value in properties.items():
        command += ["--conf", f"{name}={value}"]
    pairs = {
        "--class": options.main_class,
        "--jars": options.jars,
        "--py-files": options.py_files,
        "--files": options.files,
    }
    for name, given in pairs.items():
        command += [] if given is None else [name, given]
    return [*command, *(["--verbose"] if options.verbose else []), options.app, *options.arguments]


def _end(processes: Sequence["subprocess.Popen[bytes]"]) -> None:
    """Nothing of Spark's is waited for at the end: what counts is in the outputs by then."""
    for process in processes:
        if process.poll() is None:
            process.kill()
            process.wait()
