"""Flavors, images, algorithms (rest-api §6.1 to §6.3)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from easymaker_local.api.deps import Appkey, PreparationDep, ServicesDep
from easymaker_local.api.models import (
    AlgorithmListAnswer,
    FlavorListAnswer,
    FlavorView,
    ImageListAnswer,
    ImageView,
    PreparationAnswer,
    PreparationView,
)
from easymaker_local.errors import NotFound

router = APIRouter(tags=["catalogue"])


@router.get("/flavors")
async def list_flavors(appkey: Appkey, services: ServicesDep) -> FlavorListAnswer:
    """List instance types. Filters of the SDK (``groupType`` and others) are accepted and change nothing: all suit all."""
    return FlavorListAnswer(flavor_list=[FlavorView.of(flavor) for flavor in services.context.flavors])


@router.get("/images")
async def list_images(
    appkey: Appkey,
    services: ServicesDep,
    group_type_code_list: Annotated[list[str] | None, Query(alias="groupTypeCodeList")] = None,
) -> ImageListAnswer:
    """List catalogue images, all or those of the given groups (``TRAINING``, ``NOTEBOOK``)."""
    groups = {piece for value in group_type_code_list or [] for piece in value.split(",")}
    images = [image for image in services.context.catalogue.list() if not groups or image.group in groups]
    return ImageListAnswer(image_list=[ImageView.of(image) for image in images])


@router.get("/images/{image_id}/preparation")
async def get_image_preparation(
    appkey: Appkey, image_id: str, services: ServicesDep, preparation: PreparationDep
) -> PreparationAnswer:
    """Say whether the environment of an image is prepared on this machine, or how far that is."""
    image = services.context.catalogue.by_id(image_id)
    if image is None:
        raise NotFound(f"There is no image {image_id!r}.")
    is_ready = await preparation.ready(image) is not None
    progress = preparation.progress(image)
    error = None if is_ready or progress is not None else preparation.failure(image, 0.0)
    view = PreparationView(image_id=image.id, is_ready=is_ready, progress=progress, error=error)
    return PreparationAnswer(preparation=view)


@router.post("/images/{image_id}/preparation")
async def prepare_image(appkey: Appkey, image_id: str, services: ServicesDep, preparation: PreparationDep) -> PreparationAnswer:
    """Begin to prepare the environment of an image, unless it is ready or being prepared."""
    image = services.context.catalogue.by_id(image_id)
    if image is None:
        raise NotFound(f"There is no image {image_id!r}.")
    if await preparation.ready(image) is None:
        preparation.start(image)
    return await get_image_preparation(appkey, image_id, services, preparation)


@router.get("/algorithms")
async def list_algorithms(appkey: Appkey) -> AlgorithmListAnswer:
    """List provided algorithms; there are none yet."""
    return AlgorithmListAnswer()
