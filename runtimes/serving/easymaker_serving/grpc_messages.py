"""The messages of the protocol's gRPC service, made here from their names and field numbers (OI-13).

There is no generated code, which would tie the server to one version of protobuf, and the pool is our own, so that a
framework or a client in the same process may register its own ``inference.*``.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "inference"
SERVICE = f"{PACKAGE}.GRPCInferenceService"

_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "bool": _Field.TYPE_BOOL, "string": _Field.TYPE_STRING, "bytes": _Field.TYPE_BYTES, "int32": _Field.TYPE_INT32,
    "int64": _Field.TYPE_INT64, "uint32": _Field.TYPE_UINT32, "uint64": _Field.TYPE_UINT64, "float": _Field.TYPE_FLOAT,
    "double": _Field.TYPE_DOUBLE,
}  # fmt: skip

# Message: fields in the order of their numbers. "*": repeated, "%": map from string, "|": one of a choice.
_MESSAGES: dict[str, str] = {
    "ServerLiveRequest": "",
    "ServerLiveResponse": "bool live",
    "ServerReadyRequest": "",
    "ServerReadyResponse": "bool ready",
    "ModelReadyRequest": "string name, string version",
    "ModelReadyResponse": "bool ready",
    "ServerMetadataRequest": "",
    "ServerMetadataResponse": "string name, string version, *string extensions",
    "ModelMetadataRequest": "string name, string version",
    "ModelMetadataResponse.TensorMetadata": "string name, string datatype, *int64 shape",
    "ModelMetadataResponse": (
        "string name, *string versions, string platform, *ModelMetadataResponse.TensorMetadata inputs, "
        "*ModelMetadataResponse.TensorMetadata outputs"
    ),
    "InferParameter": (
        "|bool bool_param, |int64 int64_param, |string string_param, |double double_param, |uint64 uint64_param"
    ),
    "InferTensorContents": (
        "*bool bool_contents, *int32 int_contents, *int64 int64_contents, *uint32 uint_contents, *uint64 uint64_contents, "
        "*float fp32_contents, *double fp64_contents, *bytes bytes_contents"
    ),
    "ModelInferRequest.InferInputTensor": (
        "string name, string datatype, *int64 shape, %InferParameter parameters, InferTensorContents contents"
    ),
    "ModelInferRequest.InferRequestedOutputTensor": "string name, %InferParameter parameters",
    "ModelInferRequest": (
        "string model_name, string model_version, string id, %InferParameter parameters, "
        "*ModelInferRequest.InferInputTensor inputs, *ModelInferRequest.InferRequestedOutputTensor outputs, "
        "*bytes raw_input_contents"
    ),
    "ModelInferResponse.InferOutputTensor": (
        "string name, string datatype, *int64 shape, %InferParameter parameters, InferTensorContents contents"
    ),
    "ModelInferResponse": (
        "string model_name, string model_version, string id, %InferParameter parameters, "
        "*ModelInferResponse.InferOutputTensor outputs, *bytes raw_output_contents"
    ),
}


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="easymaker_serving.proto", package=PACKAGE, syntax="proto3")
    made: dict[str, descriptor_pb2.DescriptorProto] = {}
    # Outer messages first, so that the nested ones find their place.
    for name in sorted(_MESSAGES, key=lambda name: name.count(".")):
        outer, _, inner = name.rpartition(".")
        made[name] = (made[outer].nested_type if outer else file.message_type).add(name=inner or name)
        for number, text in enumerate(filter(None, _MESSAGES[name].split(", ")), 1):
            kind, field_name = text.split(" ")
            _add_field(made[name], name, number, kind, field_name)
    return file


def _add_field(message: descriptor_pb2.DescriptorProto, owner: str, number: int, kind: str, name: str) -> None:
    mark, kind = (kind[0], kind[1:]) if kind[0] in "*%|" else ("", kind)
    label = _Field.LABEL_REPEATED if mark in ("*", "%") else _Field.LABEL_OPTIONAL
    field = message.field.add(name=name, number=number, label=label)
    if mark == "|":
        if not message.oneof_decl:
            message.oneof_decl.add(name="parameter_choice")
        field.oneof_index = 0
    if mark == "%":
        entry = message.nested_type.add(name=name.title() + "Entry")
        entry.options.map_entry = True
        _add_field(entry, "", 1, "string", "key")
        _add_field(entry, "", 2, kind, "value")
        kind = f"{owner}.{entry.name}"
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        field.type = _Field.TYPE_MESSAGE
        field.type_name = f".{PACKAGE}.{kind}"


_POOL = descriptor_pool.DescriptorPool()
_POOL.Add(_file())


def message(name: str) -> Any:
    """Return the class of a message."""
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"{PACKAGE}.{name}"))
