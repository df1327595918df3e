"""The client table's Python client: grpcio with code generated into PYTHONPATH.

Prints one JSON object of what happened, like its siblings.
"""

import base64
import hashlib
import json
import os
import sys

import grpc
from google.rpc import error_details_pb2, status_pb2
from pm.v1 import process_pb2, process_service_pb2, process_service_pb2_grpc, run_pb2, spec_pb2


def read(variable):
    with open(os.environ[variable], "rb") as file:
        return file.read()


def open_channel():
    address = os.environ["PM_TEST_ADDRESS"]
    if address.startswith("unix://"):
        # The authority that grpcio makes of the path has percent signs: the server must bear it.
        return grpc.insecure_channel("unix:" + address.removeprefix("unix://")), []
    credentials = grpc.ssl_channel_credentials(read("PM_TEST_CA"), read("PM_TEST_KEY"), read("PM_TEST_CERT"))
    if not os.environ["PM_TEST_USER"]:
        return grpc.secure_channel(address.removeprefix("https://"), credentials), []
    token = f"{os.environ['PM_TEST_USER']}:{read('PM_TEST_PASSWORD_FILE').decode().strip()}"
    basic = "Basic " + base64.b64encode(token.encode()).decode()
    return grpc.secure_channel(address.removeprefix("https://"), credentials), [("authorization", basic)]


def by_id(process_id):
    return process_pb2.ProcessRef(id=process_id)


def explain(error):
    reason = errno_name = ""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for detail in status_pb2.Status.FromString(value).details:
                info = error_details_pb2.ErrorInfo()
                if detail.Unpack(info):
                    reason, errno_name = info.reason, info.metadata.get("errno_name", "")
    return [error.code().name, reason, errno_name]


def failure(call):
    try:
        call()
    except grpc.RpcError as error:
        return explain(error)
    return ["none", "", ""]


def main():
    channel, metadata = open_channel()
    stub = process_service_pb2_grpc.ProcessServiceStub(channel)

    def start(executable, *args):
        spec = spec_pb2.ProcessSpec(executable=executable, args=args)
        request = process_service_pb2.StartProcessRequest(spec=spec)
        return stub.StartProcess(request, metadata=metadata, timeout=30).process.id

    def stream(process_id):
        request = process_service_pb2.StreamOutputRequest(process=by_id(process_id), follow=True)
        return stub.StreamOutput(request, metadata=metadata)

    result = {"error": failure(lambda: start("/no/such"))}
    if result["error"][0] in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
        print(json.dumps({"refused": result["error"][0]}))
        return

    digest = hashlib.sha256()
    for answer in stream(start("sh", "-c", os.environ["PM_TEST_SCRIPT"])):
        digest.update(answer.chunk.data)
        if answer.HasField("end"):
            result["stream"] = [digest.hexdigest(), answer.end.exit.code]

    process_id = start("sh", "-c", "echo ready; exec sleep 1000")
    call = stream(process_id)

    def cancel_at_first_chunk():
        for answer in call:
            if answer.HasField("chunk"):
                call.cancel()

    result["cancel"] = failure(cancel_at_first_chunk)[0]
    wait = process_service_pb2.WaitProcessRequest(process=by_id(process_id))
    result["deadline"] = failure(lambda: stub.WaitProcess(wait, metadata=metadata, timeout=0.3))[0]
    options = process_service_pb2.StopOptions(force=True)
    stop = process_service_pb2.StopProcessRequest(process=by_id(process_id), options=options)
    receipt = stub.StopProcess(stop, metadata=metadata, timeout=30).receipt
    result["stopped"] = receipt.outcome == run_pb2.STOP_OUTCOME_STOPPED
    print(json.dumps(result))


if __name__ == "__main__":
    sys.exit(main())
