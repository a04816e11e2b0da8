"""A server of another kind, for comparison: `python peers.py bare|fastapi PORT WORKERS MODEL`.

Both load the same scikit-learn model and answer the same bytes with the same calls of json and numpy.
"""

import asyncio
import json
import sys
from typing import Any

import joblib
import numpy


def answer(model: Any, body: bytes) -> bytes:
    """What every side does for a request."""
    return json.dumps(model.predict(numpy.array(json.loads(body))).tolist()).encode()


def bare(port: int, path: str) -> None:
    """A hand-written protocol: the model is called in the loop, so nothing can be faster, and a hang stops it all."""
    import httptools
    import uvloop

    model = joblib.load(path)

    class Client(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport
            self.parser = httptools.HttpRequestParser(self)
            self.body = b""

        def data_received(self, data: bytes) -> None:
            self.parser.feed_data(data)

        def on_message_begin(self) -> None:
            self.body = b""

        def on_body(self, body: bytes) -> None:
            self.body += body

        def on_message_complete(self) -> None:
            out = answer(model, self.body) if self.body else b""
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(out)
            self.transport.write(head + out)

    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(Client, "127.0.0.1", port)
        await server.serve_forever()

    uvloop.run(serve())


def fastapi_app(path: str) -> Any:
    """An asynchronous handler, which is FastAPI's fastest way; /ping waits for it."""
    import fastapi

    model = joblib.load(path)
    app = fastapi.FastAPI()

    async def invoke(request: fastapi.Request) -> fastapi.Response:
        return fastapi.Response(answer(model, await request.body()), media_type="application/json")

    async def ping() -> fastapi.Response:
        return fastapi.Response()

    app.add_api_route("/invocations", invoke, methods=["POST"])
    app.add_api_route("/ping", ping)
    return app


def make_app() -> Any:
    """What each of uvicorn's workers calls."""
    import os

    return fastapi_app(os.environ["BENCH_MODEL"])


if __name__ == "__main__":
    kind, given_port, workers, model_path = sys.argv[1:]
    if kind == "bare":
        bare(int(given_port), model_path)
    else:
        import uvicorn

        uvicorn.run(
            "peers:make_app",
            factory=True,
            port=int(given_port),
            workers=int(workers),
            log_level="error",
            access_log=False,
        )
