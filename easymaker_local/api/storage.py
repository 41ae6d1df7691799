"""Storage, first form: buckets and files by their ``obs://`` or ``nas://`` address."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Annotated

import anyio
from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import Field

from easymaker_local.api.deps import Appkey, ServicesDep
from easymaker_local.api.envelope import Envelope
from easymaker_local.api.models import (
    ContainerAccessAnswer,
    ContainerAccessListAnswer,
    ContainerAccessView,
    ContainerListAnswer,
    ContainerUsageAnswer,
    ContainerUsageView,
    NasView,
    ObjectListAnswer,
    ObjectView,
)
from easymaker_local.artifacts.locations import Kind, parse
from easymaker_local.artifacts.storage import Entry
from easymaker_local.domain.wire import Body
from easymaker_local.kit.clock import to_iso
from easymaker_local.services.buckets import BucketView

router = APIRouter(tags=["storage"])

Uri = Annotated[str, Query(description="obs://{host}/v1/AUTH_{tenant}/{container}/{path} or nas://{id}:/{path}")]


_BINARY_BODY = {"requestBody": {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}


class ContainerSpec(Body):
    """A bucket to be made."""

    container_name: Annotated[str, Field(min_length=1, max_length=255)]


class AccessChange(Body):
    """Grant or take away what the system account may do; what is absent stays as it is."""

    read: bool | None = None
    write: bool | None = None


def _access(view: BucketView) -> ContainerAccessView:
    return ContainerAccessView(
        container_name=view.container, read_acl=view.lists.read, write_acl=view.lists.write,
        is_readable=view.is_readable, is_writable=view.is_writable,
    )  # fmt: skip


def _view(entry: Entry) -> ObjectView:
    return ObjectView(
        name=entry.name, size=entry.size, is_directory=entry.is_directory, modified_datetime=to_iso(entry.modified)
    )


@router.get("/storage/containers")
async def list_containers(appkey: Appkey, services: ServicesDep) -> ContainerListAnswer:
    """List buckets, and the NAS directories of the settings."""
    found = await anyio.to_thread.run_sync(services.context.storage.containers)
    listed = sorted(services.context.settings.nas.items())
    return ContainerListAnswer(
        container_list=list(found),
        nas_list=[NasView(nas_id=name, path=str(nas.path), is_read_only=nas.read_only) for name, nas in listed],
    )


@router.post("/storage/containers")
async def create_container(appkey: Appkey, body: ContainerSpec, services: ServicesDep) -> Envelope:
    """Make a bucket; one that exists stays as it is."""
    await anyio.to_thread.run_sync(services.context.storage.create_container, body.container_name)
    return Envelope()


@router.get("/storage/access")
async def list_container_access(appkey: Appkey, services: ServicesDep) -> ContainerAccessListAnswer:
    """Show the system account and what it may do in each bucket."""
    found = [_access(view) for view in await services.buckets.list_all()]
    return ContainerAccessListAnswer(system_account=str(services.buckets.account), container_access_list=found)


@router.get("/storage/containers/{container}/access")
async def get_container_access(appkey: Appkey, container: str, services: ServicesDep) -> ContainerAccessAnswer:
    """Show the access lists of a bucket."""
    return ContainerAccessAnswer(container_access=_access(await services.buckets.get(container)))


@router.put("/storage/containers/{container}/access")
async def change_container_access(
    appkey: Appkey, container: str, body: AccessChange, services: ServicesDep
) -> ContainerAccessAnswer:
    """Put the system account on the access lists of a bucket, or take it off."""
    view = await services.buckets.allow(container, read=body.read, write=body.write)
    return ContainerAccessAnswer(container_access=_access(view))


@router.get("/storage/containers/{container}/usage")
async def get_container_usage(appkey: Appkey, container: str, services: ServicesDep) -> ContainerUsageAnswer:
    """Count the objects of a bucket and their bytes, which reads all of its directories (OS-L03)."""
    found = await services.buckets.usage(container)
    view = ContainerUsageView(object_count=found.files, total_bytes=found.bytes, is_complete=found.complete)
    return ContainerUsageAnswer(container_usage=view)


@router.get("/storage/objects")
async def list_objects(appkey: Appkey, uri: Uri, services: ServicesDep, recursive: bool = False) -> ObjectListAnswer:
    """List a directory, or the one entry of a file."""
    storage = services.context.storage
    found = await anyio.to_thread.run_sync(lambda: storage.list(uri, recursive=recursive))
    return ObjectListAnswer(object_list=[_view(entry) for entry in found])


@router.delete("/storage/objects")
async def delete_object(appkey: Appkey, uri: Uri, services: ServicesDep, recursive: bool = False) -> Envelope:
    """Delete a file, or with ``recursive`` a directory or a whole bucket."""
    storage = services.context.storage
    await anyio.to_thread.run_sync(lambda: storage.delete(uri, recursive=recursive))
    address = parse(uri)
    if address.kind is Kind.OBS and not address.parts:
        await services.buckets.forget(address.name)
    return Envelope()


@router.get(
    "/storage/content", response_class=StreamingResponse,
    responses={200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}},
)  # fmt: skip
async def read_object(appkey: Appkey, uri: Uri, services: ServicesDep) -> StreamingResponse:
    """Download a file."""
    file = await anyio.to_thread.run_sync(services.context.storage.open_read, uri)
    length = os.fstat(file.fileno()).st_size

    def blocks() -> Iterator[bytes]:
        with file:
            while block := file.read(1 << 20):
                yield block

    headers = {"content-length": str(length)}
    return StreamingResponse(blocks(), media_type="application/octet-stream", headers=headers)


@router.put(
    "/storage/content",
    openapi_extra=_BINARY_BODY,
)
async def write_object(appkey: Appkey, uri: Uri, request: Request, services: ServicesDep) -> ObjectListAnswer:
    """Upload a file as the request's body; it is seen when it is whole, and not at all if the upload breaks off."""
    stream = request.stream()

    async def next_block() -> bytes | None:
        return await anext(stream, None)

    def blocks() -> Iterator[bytes]:
        while (block := anyio.from_thread.run(next_block)) is not None:
            yield block

    entry = await anyio.to_thread.run_sync(services.context.storage.write, uri, blocks())
    return ObjectListAnswer(object_list=[_view(entry)])
