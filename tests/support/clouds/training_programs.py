"""What tests of faults share: programs that save, ignore signals or resume, and how to read a job's transitions."""

from typing import Any


def statuses(described: dict[str, Any]) -> list[str]:
    return [entry["Status"] for entry in described["SecondaryStatusTransitions"]]


def seconds_in(described: dict[str, Any], status: str) -> float:
    """How long a job was in a secondary status, by its own record."""
    (entry,) = [entry for entry in described["SecondaryStatusTransitions"] if entry["Status"] == status]
    seconds: float = (entry["EndTime"] - entry["StartTime"]).total_seconds()
    return seconds


POLITE = """
import signal, sys, time
def stop(*_):
    open("/opt/ml/model/saved", "w").write("saved")
    print("saved", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
time.sleep(60)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, lambda *_: print("not now", flush=True))
print("ready", flush=True)
while True:
    time.sleep(1)
"""


RESUMING = """
import os, signal, sys, time
path = "/opt/ml/checkpoints/step"
step = int(open(path).read()) if os.path.exists(path) else 0
print(f"from {step}", flush=True)
def stop(*_):
    open(path, "w").write(str(step))
    sys.exit(75)
signal.signal(signal.SIGTERM, stop)
while step < 10 or not step > int(os.environ["UNTIL"]):
    step += 1
    if step == 5 and not os.path.exists(path):
        print("five", flush=True)
        time.sleep(60)
print("done", flush=True)
"""


def spot(max_wait: int = 100, **fields: Any) -> dict[str, Any]:
    return {
        "EnableManagedSpotTraining": True,
        "StoppingCondition": {"MaxRuntimeInSeconds": 50, "MaxWaitTimeInSeconds": max_wait},
        **fields,
    }
