"""The embedded cloud's process: `python -m embedded.server --port P --state DIR`. Started by `yard cloud up`."""

import argparse
import json
import logging
import os
import resource
import signal
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

from embedded import settings
from embedded.process import engines
from embedded.process.environment import DEFAULT_ACCESS_KEY
from embedded.process.held import hold
from embedded.process.predecessor import PORT_FILE, STATE_FILE
from embedded.process.running import secret_of

HOST = "127.0.0.1"
_SWITCH_SECONDS = 0.001
"""How long a thread that reckons may keep others waiting. An inference waits for the wire four times, and after each
one it would wait five milliseconds, Python's own figure, for whoever writes metrics meanwhile."""
_DESCRIPTORS = 8192
"""Each request, node and function takes some; where the machine gives a process 256, a big deployment needs more."""


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM; the state file appears when the first request can be answered."""
    parser = argparse.ArgumentParser(prog="python -m embedded.server")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--state", type=Path, required=True, help="the folder of the state file")
    parser.add_argument("--log", type=Path, required=True, help="the log's path, for the state file")
    parser.add_argument("--project", type=Path, default=Path.cwd(), help="the folder with containers/")
    parser.add_argument(
        "--allow-unisolated", action="store_true", help="run code of others where nothing keeps it from the machine"
    )
    parser.add_argument("--docker-socket", type=Path, help="the Docker daemon whose containers the nodes are")
    parser.add_argument(
        "--confirm", action="store_true", help="end unless the standard input says a line when all is up"
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # moto warns of every error code that botocore's model lacks; the models lack most
    warnings.filterwarnings("ignore", message=".*does not match an error shape.*")
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    logging.getLogger("botocore").setLevel(logging.WARNING)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    secret = secret_of(options.state)
    hold(options.state)
    sys.setswitchinterval(_SWITCH_SECONDS)
    if options.confirm:
        threading.Thread(target=_end_unless_confirmed, daemon=True).start()
    _allow_descriptors()
    _shut_out_real_credentials(secret)
    settings.current.allow_unisolated = options.allow_unisolated
    engines.choose(options.docker_socket)
    serve(options.port, options.state, options.log, options.project.resolve(), secret=secret)


def _end_unless_confirmed() -> None:
    """Whoever started this process may have been killed before it knew: then nobody would ever find it."""
    if not sys.stdin.readline():
        os._exit(1)


def _allow_descriptors() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _shut_out_real_credentials(secret: str) -> None:
    """Nothing in this process may ever find a real key, an AWS file or an instance's role."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_EC2_METADATA_DISABLED="true",
        # moto's own calls to itself go by this name
        AWS_ACCESS_KEY_ID=DEFAULT_ACCESS_KEY,
        AWS_SECRET_ACCESS_KEY=secret,
        NO_PROXY="127.0.0.1,localhost",
        no_proxy="127.0.0.1,localhost",
        MOTO_IAM_LOAD_MANAGED_POLICIES="true",
        MOTO_EC2_LOAD_DEFAULT_AMIS="false",
        MOTO_ALLOW_NONEXISTENT_REGION="true",
        # no page of a browser may read what this cloud answers
        MOTO_DISABLE_GLOBAL_CORS="true",
    )
    os.environ.pop("MOTO_ACCOUNT_ID", None)


def serve(port: int, state: Path, log: Path, project: Path, *, secret: str) -> None:
    """Bind, import every part, say that we are ready, answer."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    from embedded.connections.handler import Handler

    application = _Late()
    server = make_server(HOST, port, application, threaded=True, request_handler=Handler)
    endpoint = f"http://localhost:{server.port}"
    os.environ["MOTO_PORT"] = str(server.port)
    os.environ["YARD_CLOUD_FOLDER"] = str(state.resolve())

    from embedded import clients

    clients.serve_at(endpoint, secret=secret)
    settings.use_project(project)
    from embedded import front, loading

    loading.load()
    from embedded.kept.keeper import Keeper
    from embedded.services.s3.bodies import files

    keeper = Keeper(state)
    if not keeper.restore():
        files.sweep()
    keeper.start()
    application.target = front.Front(DomainDispatcherApplication(create_backend_app))
    _write_state(state, {"pid": os.getpid(), "port": server.port, "endpoint": endpoint, "log": str(log)})
    logging.getLogger(__name__).info("ready at %s", endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        while True:
            # the main thread only waits, so that SIGTERM ends the process in order: `atexit` functions stop what runs
            time.sleep(3600)
    finally:
        keeper.save()


class _Late:
    """The application, bound before it exists: the port must be known while the parts are imported."""

    target: Any = None

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        return self.target(environ, start_response)


def _write_state(folder: Path, state: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f"{STATE_FILE}.new"
    temporary.write_text(json.dumps(state | {"started": time.time()}, indent=1))
    temporary.replace(folder / STATE_FILE)
    # `down` removes the state file; the next `up` takes the same port
    (folder / PORT_FILE).write_text(str(state["port"]))


if __name__ == "__main__":
    main()
