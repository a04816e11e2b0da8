"""Which path does what."""

import itertools
import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from contract.serving import (
    EXECUTION_PARAMETERS,
    HEADER_PREFIX,
    INFERENCE_ID,
    INVOCATIONS,
    MAX_BODY_MB,
    MODELS,
    PING,
)
from serving.front.answers import error
from serving.front.client import Client, Message
from serving.front.pool import Pool
from serving.front.request import Request
from serving.settings import Settings

_INFERENCE_ID = INFERENCE_ID.lower()


class Routes:
    """Answers what needs no model, and hands on what does."""

    def __init__(
        self,
        settings: Settings,
        *,
        is_up: Callable[[], bool],
        pool: Pool | None,
        models: Callable[[Client, Message], None] | None,
        now: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._is_up = is_up
        self._pool = pool
        self._models = models
        self._now = now
        self._numbers = itertools.count(1)
        self._start = os.urandom(4).hex()

    def route(self, client: Client, message: Message) -> None:
        """Answer a message, or see to it that it will be."""
        path = message.path
        if path == INVOCATIONS and self._pool is not None:
            if message.method == "POST":
                self.invoke(self._pool, client, message)
            else:
                _refuse(client, 405, f"{path} is called with POST, not {message.method}")
        elif path == PING:
            client.reply(200 if self._is_up() else 503, b"")
        elif path == EXECUTION_PARAMETERS and self._pool is not None:
            self._tell_parameters(client, self._pool)
        elif self._models is not None and (path == MODELS or path.startswith(f"{MODELS}/")):
            self._models(client, message)
        else:
            known = (PING, MODELS) if self._pool is None else (PING, INVOCATIONS, EXECUTION_PARAMETERS)
            _refuse(client, 404, f"there is no {path}; known: {', '.join(known)}")

    def invoke(self, pool: Pool, client: Client, message: Message) -> None:
        """Give an invocation to a model's workers."""
        wrong = client.too_large(message)
        if wrong is not None:
            _refuse(client, 413, wrong)
            return
        headers = message.headers
        number = next(self._numbers) & 0xFFFFFFFF
        identity = (
            headers.get(_INFERENCE_ID)
            or headers.get("x-amzn-requestid")
            or headers.get("x-request-id")
            or f"{self._start}-{number}"
        )
        fields = {
            "type": headers.get("content-type", ""),
            "accept": headers.get("accept", ""),
            "id": identity,
        }
        for name, value in headers.items():
            if name.startswith(HEADER_PREFIX):
                fields[name] = value
        body = message.body[0] if len(message.body) == 1 else b"".join(message.body)
        request = Request(number=number, caller=client, fields=fields, body=body, identity=identity, now=self._now())
        client.request = request
        client.give_up = pool.cancel
        pool.submit(request)

    def _tell_parameters(self, client: Client, pool: Pool) -> None:
        """What batch transform asks before it sends records."""
        if not pool.is_up:
            _refuse(client, 503, "the model is not loaded yet")
            return
        client.reply(200, json.dumps(execution_parameters(self._settings, pool.about)).encode())


def execution_parameters(settings: Settings, about: Mapping[str, Any]) -> dict[str, object]:
    """How a batch transform should send its records here."""
    each = about["slots"] or min(about["batch"], settings.batch or about["batch"])
    return {
        "MaxConcurrentTransforms": settings.workers * each,
        "BatchStrategy": "MULTI_RECORD" if about["many_records"] else "SINGLE_RECORD",
        "MaxPayloadInMB": min(settings.max_body >> 20, MAX_BODY_MB),
    }


def _refuse(client: Client, status: int, why: str) -> None:
    client.reply(status, error(why))
