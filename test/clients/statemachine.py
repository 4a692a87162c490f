"""Runs a state machine in moto's interpreter of the Amazon States Language:
python statemachine.py DEFINITION INPUT LAMBDA

DEFINITION is a file, INPUT is JSON, and LAMBDA the address where functions are invoked. S3 is
where the environment says. Prints the execution as Step Functions describes it, as JSON.
"""

import json
import os
import sys
import time
from pathlib import Path

import boto3
import requests
from botocore.config import Config
from moto.server import ThreadedMotoServer
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.eval import resource_eval_s3 as reader
from moto.stepfunctions.parser.asl.component.state.exec.state_map.result_writer.resource_eval import resource_eval_s3 as writer
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_aws_sdk as sdk

REGION = os.environ["AWS_REGION"]


def cased(change, value):
    """The same with the first letter of each key changed."""
    if isinstance(value, list):
        return [cased(change, v) for v in value]
    if not isinstance(value, dict):
        return value
    return {change(key[0]) + key[1:]: cased(change, v) for key, v in value.items()}


def lower(self, parameters, *_):
    """Step Functions has parameters of all services in PascalCase, whatever they call them:
    https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html"""
    own = cased(str.lower, parameters)
    parameters.clear()
    parameters.update(own)


def upper(self, response, *_):
    """And what they answer, too."""
    own = cased(str.upper, response)
    response.clear()
    response.update(own)


def main(definition, given, functions):
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    own = f"http://{host}:{port}"
    requests.post(f"{own}/moto-api/config", json={"stepfunctions": {"execute_state_machine": True}}, timeout=10).raise_for_status()

    def client(region, service, state_credentials=None):
        """What the interpreter calls, where it really is."""
        address = {"lambda": functions, "s3": os.environ["AWS_ENDPOINT_URL_S3"]}.get(service, own)
        return boto3.client(service, region_name=region, endpoint_url=address, config=Config(retries={"total_max_attempts": 1}))

    for module in (reader, writer, lambda_eval_utils, sdk):
        module.boto_client_for = client
    sdk.StateTaskServiceAwsSdk._normalise_parameters = lower
    sdk.StateTaskServiceAwsSdk._normalise_response = upper

    # Its grammar has no whole number there.
    text = Path(definition).read_text(encoding="utf-8").replace('"ToleratedFailurePercentage": 100', '"ToleratedFailurePercentage": 100.0')
    machines = client(REGION, "stepfunctions")
    machine = machines.create_state_machine(
        name="tensorlambda-prefix", definition=text, roleArn="arn:aws:iam::123456789012:role/machine"
    )
    run = machines.start_execution(stateMachineArn=machine["stateMachineArn"], input=given)
    while (execution := machines.describe_execution(executionArn=run["executionArn"]))["status"] == "RUNNING":
        time.sleep(0.05)
    print(json.dumps({name: execution.get(name) for name in ("status", "output", "error", "cause")}))
    server.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
