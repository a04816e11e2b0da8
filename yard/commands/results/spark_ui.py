"""yard spark-ui: what a Spark job did, stage by stage."""

import time

import typer

from yard.aws import Aws
from yard.output import emit_json, say
from yard.project import find_project

_PORT = 18080


def spark_ui(
    run: str = typer.Argument(help="A processing job's name or a part of it (the newest), a run id, or s3://..."),
    port: int = typer.Option(_PORT, "--port", help="Where the page is served on this machine.", min=1024, max=65535),
    as_json: bool = typer.Option(False, "--json", help="Print what the server knows of, as JSON, and end."),
) -> None:
    """Open the history of a Spark job: stages, tasks and queries.

    Fetches the event logs that the job left in S3 and serves Spark's own history server over them, on this machine
    alone, until Ctrl-C.

    \b
      yard spark-ui events-prepare
      yard spark-ui s3://bucket/events-prepare/history --port 18090
    """
    import tempfile
    from pathlib import Path

    from yard.spark import event_logs, history_server

    aws = Aws(find_project())
    name, uri = (run, run) if run.startswith("s3://") else event_logs.find(aws, run)
    with tempfile.TemporaryDirectory(prefix="yard-spark-") as scratch:
        logs = Path(scratch) / "logs"
        logs.mkdir()
        count = len(event_logs.download(aws, uri, logs))
        with history_server.running(aws.project.root, logs, count, port) as applications:
            if as_json:
                emit_json({"job": name, "logs": uri, "applications": applications})
                return
            say(f"{name}: http://{history_server.ADDRESS}:{port} until Ctrl-C.")
            while True:
                time.sleep(1)


def register(app: typer.Typer) -> None:
    """Put this command on the app."""
    app.command(name="spark-ui")(spark_ui)
