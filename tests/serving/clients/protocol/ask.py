"""Ask a model server with clients that no one here wrote: a question as JSON on stdin, every client's answer on stdout.

The question has ``http`` and ``grpc`` addresses, ``model``, version 1 ``instances`` and version 2 ``tensors``. The answer has
the outputs of version 2 by name, or the predictions of version 1, by the client's name; numbers and text only.
"""

from __future__ import annotations

import asyncio
import json
import sys

import numpy as np


def main() -> None:
    """Ask with the clients that the command line names; two with the same messages of gRPC cannot be in one process."""
    question = json.load(sys.stdin)
    json.dump({name: globals()[name](question) for name in sys.argv[1:]}, sys.stdout, default=plain)


def plain(value):
    """Return what JSON has no word for."""
    if isinstance(value, bytes):
        return value.decode()
    return value.tolist()


def array(tensor):
    """Return a tensor of the question."""
    from tritonclient.utils import triton_to_np_dtype

    kind = triton_to_np_dtype(tensor["datatype"])
    data = [text.encode() for text in tensor["data"]] if kind is np.object_ else tensor["data"]
    return np.array(data, dtype=kind).reshape(tensor["shape"])


def triton_http(question):
    """Binary, its default."""
    return _triton_http(question, binary=True)


def triton_http_json(question):
    """The same without the binary extension."""
    return _triton_http(question, binary=False)


def _triton_http(question, *, binary):
    from tritonclient import http

    with http.InferenceServerClient(question["http"]) as client:
        assert client.is_server_live()
        assert client.is_server_ready()
        assert client.is_model_ready(question["model"])
        assert client.get_server_metadata()["version"]
        outputs = [tensor["name"] for tensor in client.get_model_metadata(question["model"])["outputs"]]
        inputs = []
        for tensor in question["tensors"]:
            wanted = http.InferInput(tensor["name"], tensor["shape"], tensor["datatype"])
            wanted.set_data_from_numpy(array(tensor), binary_data=binary)
            inputs.append(wanted)
        asked = [http.InferRequestedOutput(name, binary_data=binary) for name in outputs[:1]]
        answer = client.infer(question["model"], inputs, outputs=asked, request_id="7")
        assert answer.get_response()["id"] == "7"
        names = [tensor["name"] for tensor in answer.get_response()["outputs"]]
        return {name: answer.as_numpy(name) for name in names}


def triton_grpc(question):
    """By gRPC, raw contents."""
    from tritonclient import grpc

    with grpc.InferenceServerClient(question["grpc"]) as client:
        assert client.is_server_live()
        assert client.is_server_ready()
        assert client.is_model_ready(question["model"])
        outputs = [tensor.name for tensor in client.get_model_metadata(question["model"]).outputs]
        inputs = []
        for tensor in question["tensors"]:
            wanted = grpc.InferInput(tensor["name"], tensor["shape"], tensor["datatype"])
            wanted.set_data_from_numpy(array(tensor))
            inputs.append(wanted)
        asked = [grpc.InferRequestedOutput(name) for name in outputs[:1]]
        answer = client.infer(question["model"], inputs, outputs=asked, request_id="7")
        assert answer.get_response().id == "7"
        return {tensor.name: answer.as_numpy(tensor.name) for tensor in answer.get_response().outputs}


def openapi(question):
    """The client generated from the protocol's REST document."""
    from open_inference.openapi.client import InferenceRequest, OpenInferenceClient

    client = OpenInferenceClient(base_url=f"http://{question['http']}")
    client.check_server_liveness()
    client.check_server_readiness()
    client.check_model_readiness(question["model"])
    assert client.read_server_metadata().name
    metadata = client.read_model_metadata(question["model"])
    assert metadata.name == question["model"]
    client.read_model_version_metadata(question["model"], metadata.versions[0])
    answer = client.model_infer(question["model"], request=InferenceRequest(inputs=question["tensors"]))
    return {output.name: json.loads(output.data.json()) for output in answer.outputs}


def grpc_stub(question):
    """The stub generated from the protocol's proto file, typed contents."""
    import grpc
    from open_inference.grpc import protocol
    from open_inference.grpc.service import GRPCInferenceServiceStub

    fields = {
        "BOOL": "bool", "INT8": "int", "INT16": "int", "INT32": "int", "INT64": "int64", "UINT8": "uint", "UINT16": "uint",
        "UINT32": "uint", "UINT64": "uint64", "FP32": "fp32", "FP64": "fp64", "BYTES": "bytes",
    }  # fmt: skip
    inputs = []
    for tensor in question["tensors"]:
        data = [text.encode() for text in tensor["data"]] if tensor["datatype"] == "BYTES" else tensor["data"]
        contents = {f"{fields[tensor['datatype']]}_contents": data}
        inputs.append({key: tensor[key] for key in ("name", "shape", "datatype")} | {"contents": contents})
    with grpc.insecure_channel(question["grpc"]) as channel:
        stub = GRPCInferenceServiceStub(channel)
        assert stub.ServerLive(protocol.ServerLiveRequest()).live
        assert stub.ServerReady(protocol.ServerReadyRequest()).ready
        assert stub.ModelReady(protocol.ModelReadyRequest(name=question["model"])).ready
        assert stub.ModelMetadata(protocol.ModelMetadataRequest(name=question["model"])).name == question["model"]
        answer = stub.ModelInfer(protocol.ModelInferRequest(model_name=question["model"], inputs=inputs))
    assert not answer.raw_output_contents
    return {
        output.name: list(getattr(output.contents, f"{fields[output.datatype]}_contents")) for output in answer.outputs
    }  # fmt: skip


def kserve_v1(question):
    """KServe's own client of version 1."""

    async def ask():
        from kserve import InferenceRESTClient, RESTConfig

        async with InferenceRESTClient(RESTConfig(protocol="v1")) as client:
            url = f"http://{question['http']}"
            assert await client.is_server_live(url)
            assert await client.is_model_ready(url, question["model"])
            return await client.infer(url, {"instances": question["instances"]}, model_name=question["model"])

    return asyncio.run(ask())["predictions"]


def kserve_v2(question):
    """KServe's own client of version 2, as JSON."""
    return _kserve_v2(question, binary=False)


def kserve_v2_binary(question):
    """KServe's own client of version 2, binary."""
    return _kserve_v2(question, binary=True)


def _kserve_v2(question, *, binary):
    from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

    async def ask():
        async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
            url = f"http://{question['http']}"
            assert await client.is_server_live(url)
            assert await client.is_server_ready(url)
            assert await client.is_model_ready(url, question["model"])
            inputs = []
            for tensor in question["tensors"]:
                wanted = InferInput(tensor["name"], tensor["shape"], tensor["datatype"])
                wanted.set_data_from_numpy(array(tensor), binary_data=binary)
                inputs.append(wanted)
            request = InferRequest(question["model"], inputs, parameters={"binary_data_output": True} if binary else {})
            answer = await client.infer(url, request, model_name=question["model"])
            return {output.name: output.as_numpy() for output in answer.outputs}

    return asyncio.run(ask())


if __name__ == "__main__":
    main()
