"""One inference on one instance: a container, a pipeline of containers, or a model that is loaded for it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from embedded.services.sagemaker.serving.containers.container import INVOCATION_SECONDS
from embedded.services.sagemaker.serving.containers.http import Answer, Exchange, NoAnswer, NotSent, TooLate
from embedded.services.sagemaker.serving.fleets.member import Member
from embedded.services.sagemaker.serving.invocations.errors import TIMED_OUT, ModelError
from embedded.services.sagemaker.serving.invocations.models import Use
from embedded.services.sagemaker.serving.invocations.request import Inference

_SAID_MOST = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A request on its way to one container of an instance."""

    member: Member
    container: str
    path: str
    headers: Mapping[str, str]
    end: float
    """When the answer must be complete, by the machine's monotonic clock."""
    model: Use | None = None
    """The model of a multi-model container, in use until the answer is there."""

    def open(self, body: bytes) -> Exchange:
        """Send it; an error of the connection becomes the service's, but for one that nothing was sent on."""
        try:
            return self.member.containers[self.container].open(
                body, self.headers, path=self.path, seconds=max(0.001, self.end - time.monotonic())
            )
        except NotSent:
            raise
        except NoAnswer as error:
            raise self.failed(error) from error

    def whole(self, body: bytes) -> Answer:
        """Send it and read the whole answer; one of 400 and more raises `ModelError`."""
        try:
            exchange = self.open(body)
            said = b"".join(exchange.chunks())
        except NotSent:
            raise
        except NoAnswer as error:
            raise self.failed(error) from error
        finally:
            if self.model is not None:
                self.model.done()
        if exchange.status >= 400:
            text = said[:_SAID_MOST].decode(errors="replace")
            raise ModelError(self.member, self.container, exchange.status, text)
        return Answer(status=exchange.status, headers=exchange.headers, body=said)

    def failed(self, error: NoAnswer) -> ModelError:
        """The service's words for an answer that is missing."""
        self.member.note_trouble()
        if isinstance(error, TooLate):
            return ModelError(self.member, self.container, 0, TIMED_OUT.format(name=self.container))
        return ModelError(self.member, self.container, 500, f"The container gave no answer: {error}")


def last_call(member: Member, inference: Inference, seconds: float = INVOCATION_SECONDS) -> tuple[Call, bytes]:
    """The call that gives the answer, and its body: all earlier containers of a pipeline have answered by then."""
    plan, end = member.plan, time.monotonic() + seconds
    if member.slow_seconds:
        time.sleep(min(member.slow_seconds, seconds))
    names = plan.container_names()
    if plan.is_direct:
        assert inference.container is not None
        names = [inference.container]
    body, headers = inference.body, dict(inference.headers)
    for name in names[:-1]:
        call = Call(member=member, container=name, path="/invocations", headers=headers, end=end)
        answer = call.whole(body)
        body = answer.body
        headers["Content-Type"] = answer.headers.get("content-type", headers.get("Content-Type", ""))
    model = None if inference.model is None else Use(member, names[-1], inference.model, end)
    path = "/invocations" if model is None else model.path
    return Call(member=member, container=names[-1], path=path, headers=headers, end=end, model=model), body
