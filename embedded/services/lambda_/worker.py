"""The process in which a Lambda function's handler runs: one invocation at a time, standard library only.

It is started by its path with `-S`, so that the function sees the standard library, its own zip and the few packages
that Lambda's Python runtime brings, and nothing of this project's environment. One JSON line on stdin is one
invocation; its answer is one JSON line on the descriptor named by the first argument; stdout is the log.
"""

import importlib
import json
import logging
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any, TextIO

NEWLINE_IN_EVENT = "\x1e"
"""Stands for a line break inside one log event on the way to the cloud: a traceback is one event, as on Lambda."""
END_OF_LOG = "\x1d"
"""The line after an invocation's last log line."""
_LOOK_SECONDS = 1.0

Handler = Callable[[Any, "Context"], Any]


class Context:
    """What a handler is given as its second argument."""

    def __init__(self, request: dict[str, Any]) -> None:
        environment = os.environ
        self.aws_request_id: str = request["request_id"]
        self.invoked_function_arn: str = request["function_arn"]
        self.function_name = environment["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = environment["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = environment["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = environment["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = None
        self.client_context = request.get("client_context")
        self._deadline = time.monotonic() + request["timeout_seconds"]

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is stopped."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


class LambdaLogHandler(logging.Handler):
    """Writes records as Lambda's Python runtime does: one event each, with level, time and request id."""

    request_id = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record as one log event."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        text = f"[{record.levelname}]\t{stamp}.{int(record.msecs):03d}Z\t{self.request_id}\t{self.format(record)}"
        log_event(text)


def log_event(text: str) -> None:
    """Write a text of any number of lines as one log event."""
    print(text.replace("\n", NEWLINE_IN_EVENT), flush=True)


def load_handler(name: str) -> Handler:
    """Import the handler named `package.module.function`, as the function's configuration gives it."""
    module_name, _, function_name = name.rpartition(".")
    module = importlib.import_module(module_name.replace("/", "."))
    handler: Handler = getattr(module, function_name)
    return handler


def init_error(name: str, error: BaseException) -> dict[str, Any]:
    """The error that Lambda answers when the handler's module cannot be imported."""
    module_name, _, function_name = name.rpartition(".")
    if isinstance(error, ImportError):
        return _error("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}")
    if isinstance(error, SyntaxError):
        text = f"Syntax error in module '{module_name}': {error.msg} ({error.filename}, line {error.lineno})"
        return _error("Runtime.UserCodeSyntaxError", text, error)
    if isinstance(error, AttributeError) and f"has no attribute '{function_name}'" in str(error):
        text = f"Handler '{function_name}' missing on module '{module_name}'"
        return _error("Runtime.HandlerNotFound", text)
    return _error(type(error).__name__, str(error), error)


def _error(kind: str, message: str, error: BaseException | None = None) -> dict[str, Any]:
    frames = [] if error is None else traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename != __file__ and "importlib" not in frame.filename]
    for frame in own:
        frame.filename = frame.filename.replace(os.environ["LAMBDA_TASK_ROOT"], "/var/task")
    return {"errorMessage": message, "errorType": kind, "requestId": "", "stackTrace": traceback.format_list(own)}


def run(handler: Handler, request: dict[str, Any]) -> dict[str, Any]:
    """Call the handler once; the answer says what it returned or how it failed."""
    try:
        returned = handler(request["event"], Context(request))
    except Exception as error:
        failure = _error(type(error).__name__, str(error), error) | {"requestId": request["request_id"]}
        log_event(f"[ERROR] {type(error).__name__}: {error}\nTraceback (most recent call last):\n"
                  + "".join(failure["stackTrace"]))  # fmt: skip
        return {"error": failure}
    try:
        # the service hands bytes on as they are, and anything else as JSON
        return {"payload": returned.decode() if isinstance(returned, bytes) else json.dumps(returned)}
    except (TypeError, ValueError) as error:
        failure = _error("Runtime.MarshalError", f"Unable to marshal response: {error}")
        return {"error": failure | {"requestId": request["request_id"]}}


def _answer(results: TextIO, answer: dict[str, Any]) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    print(f"\n{END_OF_LOG}", flush=True)
    results.write(json.dumps(answer) + "\n")
    results.flush()


def _end_with(cloud: int) -> None:
    """End this process and all that the handler started when the cloud is gone: a handler may never return."""
    while os.getppid() == cloud:
        time.sleep(_LOOK_SECONDS)
    os.killpg(0, signal.SIGKILL)


def main(result_descriptor: int) -> None:
    """Load the handler, then answer one request after the other until stdin ends."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    results = os.fdopen(result_descriptor, "w", encoding="utf-8")
    requests, sys.stdin = sys.stdin, open(os.devnull, encoding="utf-8")  # noqa: SIM115
    log = LambdaLogHandler()
    logging.getLogger().addHandler(log)
    started = time.perf_counter()
    handler: Handler | None = None
    failure: dict[str, Any] | None = None
    try:
        handler = load_handler(os.environ["_HANDLER"])
    except Exception as error:
        failure = init_error(os.environ["_HANDLER"], error)
        log_event(f"[ERROR] {failure['errorType']}: {failure['errorMessage']}")
    _answer(results, {"init_seconds": time.perf_counter() - started, "error": failure})
    for line in requests:
        request = json.loads(line)
        log.request_id = request["request_id"]
        _answer(results, {"error": failure} if handler is None else run(handler, request))


if __name__ == "__main__":
    sys.path[0] = os.environ["LAMBDA_TASK_ROOT"]
    sys.path.append(os.environ["LAMBDA_RUNTIME_DIR"])
    main(int(sys.argv[1]))
