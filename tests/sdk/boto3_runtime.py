"""Runs in .venv-sdk: boto3 of the SDK's own environment asks an endpoint. `python boto3_runtime.py ENDPOINT`."""

import json
import sys
import time

import boto3

(name,) = sys.argv[1:]
client = boto3.client("sagemaker-runtime")
whole = client.invoke_endpoint(EndpointName=name, Body=b"1,2", ContentType="text/csv", Accept="text/csv")
said = {"whole": whole["Body"].read().decode(), "type": whole["ContentType"]}
answer = client.invoke_endpoint_with_response_stream(EndpointName=name, Body=b"stream", ContentType="text/csv")
came = [(event["PayloadPart"]["Bytes"].decode(), time.monotonic()) for event in answer["Body"]]
said["parts"] = [part for part, _ in came]
said["seconds"] = came[-1][1] - came[0][1]
try:
    client.invoke_endpoint(EndpointName=name, Body=b"fail")
except client.exceptions.ModelError as error:
    said["failed"] = [error.response["OriginalStatusCode"], error.response["OriginalMessage"]]
print("\n" + json.dumps(said))
