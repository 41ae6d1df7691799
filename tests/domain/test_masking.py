"""What looks secret is not shown; what does not, is."""

from __future__ import annotations

import pytest

from easymaker_local.domain.masking import MASK, looks_secret, mask, mask_all, secret_values


@pytest.mark.parametrize(
    "name", ["api_key", "EM_HP_API_KEY", "token", "HF_TOKEN", "password", "db-passwd", "client_secret", "key"]
)
def test_secret_names(name: str) -> None:
    assert looks_secret(name)


@pytest.mark.parametrize("name", ["EM_APPKEY", "epochs", "keys", "monkey", "batch_size", "EM_MODEL_DIR"])
def test_harmless_names(name: str) -> None:
    assert not looks_secret(name)


def test_a_secret_is_masked_wherever_it_stands() -> None:
    """HY-L01."""
    secrets = secret_values({"token": "abc123", "epochs": "3", "password": ""})
    assert secrets == {"abc123"}
    assert mask('{"token": "abc123", "epochs": "3"}', secrets) == '{"token": "' + MASK + '", "epochs": "3"}'
    assert mask_all(["--token", "abc123"], secrets) == ["--token", MASK]
