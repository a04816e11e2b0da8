"""What SageMaker's hosting and a serving container agree on: paths, headers, limits, variables and exit codes."""

from collections.abc import Mapping
from dataclasses import dataclass

from contract import variables

ARGUMENT = "serve"
"""What the platform appends to the image's ENTRYPOINT."""
PORT = 8080
"""Where the container listens, unless PORT_VARIABLE says otherwise."""

PING = "/ping"
INVOCATIONS = "/invocations"
EXECUTION_PARAMETERS = "/execution-parameters"
MODELS = "/models"

MODEL_FOLDER = "/opt/ml/model"
"""Where the platform unpacks the model."""
CODE_FOLDER = "code"
"""The folder in the model that holds the user's program."""

PORT_VARIABLE = "SAGEMAKER_BIND_TO_PORT"
PROGRAM_VARIABLE = "SAGEMAKER_PROGRAM"
WORKERS_VARIABLE = "SAGEMAKER_MODEL_SERVER_WORKERS"
TIMEOUT_VARIABLES = ("SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS", "SAGEMAKER_MODEL_SERVER_TIMEOUT")
"""Seconds that one invocation may take; the first that is set counts."""
STARTUP_TIMEOUT_VARIABLE = "SAGEMAKER_STARTUP_TIMEOUT"
PAYLOAD_VARIABLE = "SAGEMAKER_MAX_PAYLOAD_IN_MB"
ACCEPT_VARIABLE = "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT"
MULTI_MODEL_VARIABLE = "SAGEMAKER_MULTI_MODEL"
LOG_LEVEL_VARIABLE = "SAGEMAKER_CONTAINER_LOG_LEVEL"

HEADER_PREFIX = "x-amzn-sagemaker-"
"""Besides Content-Type and Accept, the only headers of a client that reach the container."""
CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
INFERENCE_ID = "X-Amzn-SageMaker-Inference-Id"
NEW_SESSION = "X-Amzn-SageMaker-New-Session-Id"
CLOSED_SESSION = "X-Amzn-SageMaker-Closed-Session-Id"
ANSWER_HEADERS = (CUSTOM_ATTRIBUTES, NEW_SESSION, CLOSED_SESSION)
"""What a container may say to the client besides the body and its type."""

PING_SECONDS = 2.0
"""A /ping that takes longer counts as failed."""
CONNECT_SECONDS = 0.25
"""How soon a connection must be accepted."""
INVOCATION_SECONDS = 60.0
"""How soon /invocations must answer."""
STOP_SECONDS = 30.0
"""Between SIGTERM and SIGKILL."""
MAX_BODY_MB = 100
"""The largest body of any way to invoke but the asynchronous one: a batch transform's MaxPayloadInMB."""

CANNOT_SERVE = 78
"""EX_CONFIG: the model or a setting cannot be served; the same start would only fail again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """Which numbers a variable may hold."""

    least: float
    most: float = 1e9
    is_whole: bool = True

    def read(self, text: str) -> float | None:
        """The number in a text; None for what is none, or lies outside."""
        try:
            value = int(text) if self.is_whole else float(text)
        except ValueError:
            return None
        return value if self.least <= value <= self.most else None

    @property
    def says(self) -> str:
        """The limit in words."""
        return f"a {'whole ' if self.is_whole else ''}number from {self.least:g} to {self.most:g}"


NUMBERS: Mapping[str, Limit] = {
    PORT_VARIABLE: Limit(least=1, most=65535),
    WORKERS_VARIABLE: Limit(least=1, most=512),
    **dict.fromkeys(TIMEOUT_VARIABLES, Limit(least=0.1, is_whole=False)),
    STARTUP_TIMEOUT_VARIABLE: Limit(least=1, is_whole=False),
    PAYLOAD_VARIABLE: Limit(least=0, most=2048),
    variables.SERVING_BATCH: Limit(least=1, most=256),
    variables.SERVING_DRAIN_SECONDS: Limit(least=0, most=3600, is_whole=False),
    variables.SERVING_MEMORY_MB: Limit(least=1),
    variables.SERVING_METRICS_SECONDS: Limit(least=0, is_whole=False),
    variables.SERVING_QUEUE: Limit(least=1),
    variables.SERVING_RANKS: Limit(least=1, most=64),
    variables.SERVING_RETRIES: Limit(least=0, most=2),
    variables.SERVING_SLOTS: Limit(least=1, most=256),
}
"""The variables of a container that hold numbers."""
LOAD_WORDS: Mapping[str, bool] = {"": False, "worker": True}
"""What SHARDYARD_SERVING_LOAD may say, and whether each worker then loads the model."""
