"""Where endpoints, stages and models answer (EP-L01, OI-01…OI-12, OI-L01, SR-13)."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from easymaker_local.domain.endpoint_urls import endpoint_path, name_clash, resource_path, routes_of, stage_path
from easymaker_local.domain.gateway import Api

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=50)


def test_the_routes_of_a_model() -> None:
    """OI-01…OI-12; a path of the user's own comes first (VX-06)."""
    assert [f"{route.method} {route.path}" for route in routes_of("iris", "/inference")] == [
        "POST /inference", "GET /iris/v1/models", "GET /iris/v1/models/iris", "POST /iris/v1/models/iris/predict",
        "POST /iris/v1/models/iris/explain", "GET /iris/v2", "GET /iris/v2/health/live", "GET /iris/v2/health/ready",
        "GET /iris/v2/models/iris", "GET /iris/v2/models/iris/ready", "POST /iris/v2/models/iris/infer",
        "POST /iris/openai/v1/completions", "POST /iris/openai/v1/chat/completions",
    ]  # fmt: skip
    assert resource_path("iris") == "/iris/v1/models/iris/predict"
    assert resource_path("iris", "/inference") == "/inference"


@given(NAMES, NAMES)
def test_any_name_is_one_part_of_a_path(endpoint: str, model: str) -> None:
    """The name that was given is what the gateway reads, whatever is in it."""
    path = stage_path(endpoint, "default")
    assert unquote(path) == f"/{endpoint}/default"
    assert path.startswith(endpoint_path(endpoint))
    for route in routes_of(model):
        address = urlsplit(f"https://h{path}{route.path}")
        parts = address.path.split("/")
        assert (unquote(parts[1]), parts[2], unquote(parts[3])) == (endpoint, "default", model)
        assert not address.query
        assert not address.fragment
        if route.api is Api.PREDICT:
            assert unquote(parts[6]) == model


def test_a_stage_and_a_model_of_one_name() -> None:
    assert name_clash(["default", "iris"], ["iris", "rose"]) == "iris"
    assert name_clash(["default"], ["iris"]) is None
