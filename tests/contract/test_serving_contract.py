"""What the daemon says to the model server is what that understands: arguments, names of frameworks, names of variables."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import PurePosixPath
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easymaker_local.domain.model import ModelFormat
from easymaker_local.domain.model_spec import variable_name
from easymaker_local.domain.serving import SERVER, Place, serving_arguments, serving_environment
from easymaker_local.kit.bundled import bundled

SCRIPT = bundled("runtimes") / SERVER


def load(name: str) -> ModuleType:
    """A module of the server that needs no package."""
    spec = importlib.util.spec_from_file_location(f"serving_{name}", SCRIPT.parent / "easymaker_serving" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PARAMETERS = load("parameters")


@given(st.one_of(st.text(), st.text("aAzZ09 _-.ßıÀ")))
def test_both_make_the_same_variable_of_a_name(name: str) -> None:
    """MD-11."""
    assert PARAMETERS.screaming_snake(name) == variable_name(name)


NAMES = st.text(st.characters(exclude_characters="=\0", codec="utf-8"), min_size=1)


@given(st.dictionaries(NAMES | NAMES.map(lambda name: f"{name} key"), st.text()))
def test_parameters_arrive_as_they_were_entered(parameters: dict[str, str]) -> None:
    """MD-11: with the name as entered; values of secret ones come by the environment (MD-L03)."""
    taken: dict[str, str] = {}
    for name in parameters:
        taken.setdefault(variable_name(name), name)  # the spec refuses two names of one variable
    wanted = {name: value for name, value in parameters.items() if variable_name(name) and taken[variable_name(name)] == name}
    arguments = serving_arguments(ModelFormat.PYTHON, "m", Place(PurePosixPath("/m"), 1), wanted)
    plain, secret = (
        [argument.removeprefix(option) for argument in arguments if argument.startswith(option)]
        for option in ("--parameter=", "--secret-parameter=")
    )
    assert PARAMETERS.parse(plain) | PARAMETERS.secret(secret, serving_environment(wanted)) == wanted


def test_a_secret_without_its_variable_is_told() -> None:
    with pytest.raises(ValueError, match="no variable 'HF_TOKEN' for 'hf token'"):
        PARAMETERS.secret(["hf token"], {"PATH": "/bin"})


@pytest.mark.parametrize("model_format", ModelFormat)
def test_the_server_takes_the_arguments(model_format: ModelFormat) -> None:
    """FS-L01, SK-01: it comes as far as the model, of which there is none, or the framework, which is not installed here."""
    place = Place(PurePosixPath("/no such model"), 0, grpc_port=0)
    parameters = {"topK": "-3", "empty": "", "max_new_tokens": "5"}
    arguments = serving_arguments(model_format, "-x", place, parameters)
    command = [sys.executable, "-I", SCRIPT, *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **serving_environment(parameters)}
    )
    assert done.returncode == 1, done.stderr
    assert "usage:" not in done.stderr
    assert "parameters:" not in done.stderr
