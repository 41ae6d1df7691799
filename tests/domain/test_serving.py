"""With what a model is served."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from easymaker_local.artifacts.catalogue import Catalogue
from easymaker_local.domain.image import CoreType
from easymaker_local.domain.model import ModelFormat
from easymaker_local.domain.serving import Place, serving_arguments, serving_environment, serving_image
from easymaker_local.kit.bundled import bundled

PLACE = Place(PurePosixPath("/model"), 8080)


@pytest.mark.parametrize("core", CoreType)
@pytest.mark.parametrize("model_format", ModelFormat)
def test_every_format_has_an_image_in_the_catalogue(model_format: ModelFormat, core: CoreType) -> None:
    """FS-L01, SK-01: serving images are of the runtime's version."""
    image = Catalogue([bundled("images")]).by_id(serving_image(model_format, core))
    assert image is not None
    assert image.group == "SERVING"
    has_gpu_image = model_format not in {ModelFormat.SKLEARN, ModelFormat.PYTHON}
    assert image.core_type is (core if has_gpu_image else CoreType.CPU)


def test_arguments_name_the_model_and_hold_no_secret() -> None:
    """MD-11, MD-L03, FS-L04, FS-17: plain parameters by their own names, values of secret ones by environment alone."""
    parameters = {"topK": "-3", "hf token": "hf_abc", "max_new_tokens": "5"}
    place = Place(PurePosixPath("/model"), 8080, grpc_port=9000, host="0.0.0.0")
    assert serving_arguments(ModelFormat.HUGGING_FACE, "-my model", place, parameters) == [
        "--framework=hugging_face", "--name=-my model", "--model=/model", "--host=0.0.0.0", "--port=8080", "--grpc-port=9000",
        "--parameter=topK=-3", "--secret-parameter=hf token", "--secret-parameter=max_new_tokens",
    ]  # fmt: skip
    assert serving_environment(parameters) == {"HF_TOKEN": "hf_abc", "MAX_NEW_TOKENS": "5"}


def test_without_grpc_there_is_no_port_for_it() -> None:
    assert not [one for one in serving_arguments(ModelFormat.PYTHON, "m", PLACE, {}) if "grpc" in one]
