"""How processing jobs are stopped, and what becomes of the outputs of a job that did not complete."""

from embedded.weather.condition import Choice, Source

STOP_NOTICE = Choice(
    "processing_stop",
    fair="sigint",
    pessimistic="none",
    about="whether the containers of a stopped processing job get SIGINT and the grace, or SIGKILL at once",
    source=Source(
        text="SageMaker developer guide, build-your-own-processing-container: 'receive SIGINT and SIGKILL signals, "
        "which Processing uses to stop processing jobs'; no time between the two is published",
        date="2026-11-30",
    ),
)

UNFINISHED_OUTPUTS = Choice(
    "unfinished_outputs",
    fair="uploaded",
    pessimistic="lost",
    about="whether what a processing job that failed or was stopped has left in its outputs is uploaded at its end",
    source=Source(
        text="API reference, ProcessingS3Output: 'continuously or after the job completes'; of jobs that do not "
        "complete nothing is published",
        date="2026-11-30",
    ),
)
