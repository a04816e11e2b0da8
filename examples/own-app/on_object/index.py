"""Launches the job once for each file of words that arrives."""

import os
from typing import Any

import boto3


def handler(event: dict[str, Any], context: object) -> None:
    """Start the job's state machine; it reads all words that are there."""
    machine = os.environ["MACHINE"]
    for record in event["Records"]:
        started = boto3.client("stepfunctions").start_execution(stateMachineArn=machine, input="{}")
        print(f"{record['s3']['object']['key']} launches {started['executionArn']}")
