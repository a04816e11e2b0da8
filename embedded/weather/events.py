"""How the changes of a job's status are announced."""

from embedded.weather.condition import Amount, Choice, Source

_GUIDE = "SageMaker developer guide, automating-sagemaker-with-eventbridge"

TRAINING_EVENTS = Choice(
    "training_events",
    fair="once",
    pessimistic="doubled",
    about="how often each change of the status of a job or an endpoint is announced",
    source=Source(text=f"{_GUIDE}, note: 'may send multiple events for each state change'", date="2026-11-28"),
)

EVENT_DELAY = Amount(
    "event_delay_seconds",
    fair=0.0,
    pessimistic=2.0,
    about="how long after a change its announcement comes",
    source=Source(
        text="EventBridge delivers in the end and promises no time; the figure is our guess", date="2026-11-29"
    ),
)
