"""InvokeEndpoint, and InvokeEndpointWithResponseStream."""

import random
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

from embedded import operations
from embedded.operations import Params, operation
from embedded.services.sagemaker.serving.containers.http import Answer, Exchange, NoAnswer, NotSent, TooLate
from embedded.services.sagemaker.serving.endpoints.endpoint import Endpoint
from embedded.services.sagemaker.serving.fleets.fleet import Fleet
from embedded.services.sagemaker.serving.fleets.generation import Generation
from embedded.services.sagemaker.serving.fleets.member import Member
from embedded.services.sagemaker.serving.invocations import capture, errors, routing
from embedded.services.sagemaker.serving.invocations.answering import Call, last_call
from embedded.services.sagemaker.serving.invocations.errors import ModelError
from embedded.services.sagemaker.serving.invocations.measures import measure, of_answer
from embedded.services.sagemaker.serving.invocations.request import Inference, read

SERVERLESS_BYTES = 4 * 2**20
"""The largest body of a serverless endpoint; others take 6 MB, which the service's model says."""
_CUSTOM = "x-amzn-sagemaker-custom-attributes"


@operation("sagemaker-runtime", "InvokeEndpoint")
def invoke_endpoint(call: operations.Call, params: Params) -> Mapping[str, Any]:
    """Pass the body to a container and its answer back."""
    began = time.monotonic()
    endpoint, inference = _asked(call, params)
    while True:
        generation, fleet = routing.choose(endpoint, inference)
        _check_size(fleet, inference)
        try:
            answer = infer(endpoint, fleet, inference, began)
            break
        except errors.Nobody:
            # the fleet may have gone between the choice and the request: then its successor has it
            if not routing.has_moved(endpoint, generation):
                raise
    _shadow(endpoint, generation, inference)
    capture.note(endpoint, generation, fleet, inference, answer)
    return {
        "Body": answer.body,
        "ContentType": answer.headers.get("content-type"),
        "InvokedProductionVariant": fleet.plan.name,
        "CustomAttributes": answer.headers.get(_CUSTOM),
    }


@operation("sagemaker-runtime", "InvokeEndpointWithResponseStream")
def invoke_endpoint_with_response_stream(call: operations.Call, params: Params) -> Mapping[str, Any]:
    """Pass the body to a container and its answer back as it comes."""
    began = time.monotonic()
    endpoint, inference = _asked(call, params)
    while True:
        generation, fleet = routing.choose(endpoint, inference)
        if fleet.plan.serverless is not None or fleet.plan.is_multi_model:
            raise errors.invalid(f"The variant {fleet.plan.name} does not stream: it is serverless or multi-model.")
        try:
            stream = _Stream(endpoint, fleet, inference, began)
            break
        except errors.Nobody:
            if not routing.has_moved(endpoint, generation):
                raise
    return {
        "Body": stream.events(),
        "ContentType": stream.exchange.headers.get("content-type"),
        "InvokedProductionVariant": fleet.plan.name,
        "CustomAttributes": stream.exchange.headers.get(_CUSTOM),
    }


def _asked(call: operations.Call, params: Params) -> tuple[Endpoint, Inference]:
    endpoint = routing.find(call.account, call.region, params["EndpointName"])
    current = endpoint.current
    if current is not None and current.asynchronous is not None:
        raise errors.invalid(f"Endpoint {endpoint.name} is asynchronous: it is invoked with InvokeEndpointAsync alone.")
    return endpoint, read(params)


def _check_size(fleet: Fleet, inference: Inference) -> None:
    if fleet.plan.serverless is not None and len(inference.body) > SERVERLESS_BYTES:
        raise errors.invalid(
            f"The body has {len(inference.body)} bytes; a serverless endpoint takes at most {SERVERLESS_BYTES}."
        )


def infer(endpoint: Endpoint, fleet: Fleet, inference: Inference, began: float) -> Answer:
    """One inference of a variant, measured; an instance that takes no connection is passed over."""
    tried: list[Member] = []
    while True:
        with routing.instance(fleet, tried) as member:
            asked, status = time.monotonic(), 200
            try:
                call, body = last_call(member, inference)
                return call.whole(body)
            except NotSent:
                member.note_trouble()
                tried.append(member)
                continue
            except ModelError as error:
                status = error.OriginalStatusCode
                raise
            finally:
                if member not in tried:
                    now = time.monotonic()
                    values = of_answer(status, now - began, now - asked, fleet.count)
                    measure(endpoint, fleet.plan, values | member.take_setup())


def _shadow(endpoint: Endpoint, generation: Generation, inference: Inference) -> None:
    """A copy of the request for the shadow variant, whose answer nobody gets."""
    for fleet in generation.shadows.values():
        weight = fleet.plan.variant["InitialVariantWeight"]
        if random.random() >= min(1.0, weight):
            continue

        def ask(fleet: Fleet = fleet) -> None:
            try:
                infer(endpoint, fleet, inference, time.monotonic())
            except operations.ServiceError:
                # its metrics tell of it
                return

        threading.Thread(target=ask, name="shadow", daemon=True).start()


class _Stream:
    """An answer on its way; its instance stays busy until the last part has left or the caller has."""

    def __init__(self, endpoint: Endpoint, fleet: Fleet, inference: Inference, began: float) -> None:
        self._endpoint, self._fleet, self._began = endpoint, fleet, began
        self._stack = ExitStack()
        self._asked, self._call, self.exchange = self._open(inference)
        if self.exchange.status >= 400:
            try:
                said = b"".join(self.exchange.chunks())[:1024].decode(errors="replace")
            except NoAnswer as error:
                said = f"The answer broke off: {error}"
            self._end(self.exchange.status)
            raise ModelError(self._call.member, self._call.container, self.exchange.status, said)

    def _open(self, inference: Inference) -> tuple[float, Call, Exchange]:
        tried: list[Member] = []
        while True:
            member = self._stack.enter_context(routing.instance(self._fleet, tried))
            asked = time.monotonic()
            try:
                call, body = last_call(member, inference)
                return asked, call, call.open(body)
            except NotSent:
                member.note_trouble()
                tried.append(member)
                self._stack.close()
            except BaseException as error:
                self._asked = asked
                self._end(error.OriginalStatusCode if isinstance(error, ModelError) else 500)
                raise

    def _end(self, status: int) -> None:
        now = time.monotonic()
        values = of_answer(status, now - self._began, now - self._asked, self._fleet.count)
        measure(self._endpoint, self._fleet.plan, values)
        self._stack.close()

    def events(self) -> Iterator[Mapping[str, Any]]:
        """The parts as they come; what goes wrong on the way is an event too, the stream having begun."""
        status = 200
        try:
            for chunk in self.exchange.chunks():
                yield {"PayloadPart": {"Bytes": chunk}}
        except TooLate as error:
            status = 0
            yield {"ModelStreamError": {"Message": str(error), "ErrorCode": "ModelInvocationTimeExceeded"}}
        except NoAnswer as error:
            status = 500
            yield {"ModelStreamError": {"Message": str(error), "ErrorCode": "StreamBroken"}}
        finally:
            self._end(status)
