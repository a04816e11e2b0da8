"""The embedded cloud inside the test's own process, for tests that put fake operations under its services."""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

HOST = "127.0.0.1"


@contextmanager
def running_cloud(modules: Sequence[str]) -> Iterator[str]:
    """Serve the front with some of the cloud's parts; yields the endpoint."""
    import importlib

    os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    from yard.cloud import clients, front

    class Quiet(WSGIRequestHandler):
        def log_request(self, *_: Any, **__: Any) -> None:
            """Say nothing."""

    held: dict[str, Any] = {}
    server = make_server(
        HOST, 0, lambda environ, start: held["front"](environ, start), threaded=True, request_handler=Quiet
    )
    os.environ["MOTO_PORT"] = str(server.port)
    clients.set_endpoint(f"http://localhost:{server.port}")
    clients._cache.clear()
    for module in modules:
        importlib.import_module(module)
    held["front"] = front.Front(DomainDispatcherApplication(create_backend_app))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield clients.endpoint()
    finally:
        server.shutdown()
        server.server_close()
