"""Catalogue images as a real engine builds them, and what their contexts hold."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import secrets
import tarfile
import time
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import docker
import pytest

from easymaker_local.domain.image import CoreType, Framework, Image
from easymaker_local.drivers import docker_context
from easymaker_local.drivers.docker_engine import connect
from easymaker_local.drivers.docker_images import DockerImages, last_words, progress_line
from easymaker_local.drivers.wheelhouse import Supply
from easymaker_local.errors import Conflict, EngineUnavailable, EnvironmentFailed
from easymaker_local.errors import NotFound as MissingEnvironment
from easymaker_local.testing.appliance import PATIENCE_SECONDS
from easymaker_local.testing.engine import BASE_IMAGE, docker_host

pytestmark = pytest.mark.anyio

MakeImage = Callable[..., Image]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def make_image(tmp_path: Path) -> MakeImage:
    """Makes a catalogue folder; each has a repository of its own, so that a test's builds are its own."""

    def make(requirements: str = "", dockerfile: str | None = None, **changes: object) -> Image:
        folder = tmp_path / "catalogue" / f"tiny-{secrets.token_hex(4)}"
        folder.mkdir(parents=True)
        (folder / "requirements.txt").write_text(requirements)
        if dockerfile is not None:
            (folder / "Dockerfile").write_text(dockerfile)
        image = Image(
            folder=folder,
            name="Tiny",
            description="",
            group="TRAINING",
            core_type=CoreType.CPU,
            framework=Framework.PYTHON,
            framework_version="3.11",
            python_version="3.11",
            repository=f"test/{folder.name}",
            tag="1",
            base_image=BASE_IMAGE,
        )
        return dataclasses.replace(image, **changes)

    return make


@pytest.fixture
def wheelhouse(tmp_path: Path) -> Path:
    """Has one wheel, of a package that no index knows."""
    path = tmp_path / "wheelhouse"
    path.mkdir()
    information = "emtiny-1.0.dist-info"
    with zipfile.ZipFile(path / "emtiny-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("emtiny.py", "ANSWER = 42\n")
        wheel.writestr(f"{information}/METADATA", "Metadata-Version: 2.1\nName: emtiny\nVersion: 1.0\n")
        wheel.writestr(f"{information}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{information}/RECORD", f"emtiny.py,,\n{information}/METADATA,,\n{information}/WHEEL,,\n")
    return path


class TestContext:
    def test_reference_follows_the_content(self, make_image: MakeImage) -> None:
        image = make_image("six==1.17.0\n")
        first = docker_context.reference(image)
        assert first.startswith(f"easymaker-local/{image.repository}:1-")
        assert docker_context.reference(dataclasses.replace(image, description="told better")) == first
        assert docker_context.reference(dataclasses.replace(image, env={"A": "b"})) != first
        assert docker_context.reference(dataclasses.replace(image, base_image="debian:12")) != first
        (image.folder / "requirements.txt").write_text("six==1.16.0\n")
        assert docker_context.reference(image) != first

    def test_context_holds_the_wheels_that_are_wanted(self, make_image: MakeImage, wheelhouse: Path) -> None:
        image = make_image("six==1.17.0\nemtiny==1.0\n")
        (wheelhouse / "other-1.0-py3-none-any.whl").touch()
        (wheelhouse / "emtiny-2.0-py3-none-any.whl").touch()
        file = io.BytesIO()
        docker_context.write_context(file, image, docker_context.wheels(image, wheelhouse))
        file.seek(0)
        with tarfile.open(fileobj=file) as tar:
            assert tar.getnames() == ["Dockerfile", "requirements.txt", "wheels/emtiny-1.0-py3-none-any.whl"]

    def test_what_has_to_stay_out_of_the_image_is_left_in_a_stage_of_its_own(self, make_image: MakeImage) -> None:
        image, wheel = make_image(wheel_index="https://wheels.example/cpu"), Supply((Path("emtiny-1.0-py3-none-any.whl"),))
        assert docker_context.is_one_stage(image, Supply(), docker_context.build_arguments(image, Supply(), {}))
        assert not docker_context.is_one_stage(image, wheel, docker_context.build_arguments(image, wheel, {}))
        for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "HTTPS_PROXY", "no_proxy"):
            arguments = docker_context.build_arguments(image, Supply(), {name: "https://intern.example/simple"})
            assert not docker_context.is_one_stage(image, Supply(), arguments), name
        for secret in (
            make_image(wheel_index="https://user:hunter2@wheels.example/cpu"),
            make_image("--extra-index-url=https://user:hunter2@wheels.example/cpu\nsix\n"),
            make_image("six @ git+https://token@code.example/six\n"),
        ):
            assert not docker_context.is_one_stage(secret, Supply(), docker_context.build_arguments(secret, Supply(), {}))
        for is_one, stages in ((False, 2), (True, 1)):
            lines = docker_context.dockerfile(image, in_one_stage=is_one).decode().splitlines()
            assert len([line for line in lines if line.startswith("FROM ")]) == stages
            assert any("--from" in line for line in lines) is not is_one
            assert "ENV PATH=/opt/environment/bin:$PATH" in lines

    def test_index_is_not_asked_for_a_framework_that_the_wheelhouse_has(self, make_image: MakeImage) -> None:
        image = make_image(wheel_index="https://wheels.example/cpu")
        none_found = docker_context.build_arguments(image, Supply(), {})
        assert none_found["WHEEL_INDEX"] == "https://wheels.example/cpu"
        found = docker_context.build_arguments(image, Supply((Path("torch-2.13.0+cpu-cp311-cp311-linux_x86_64.whl"),)), {})
        assert found["WHEEL_INDEX"] == ""
        assert "PIP_NO_INDEX" not in found

    def test_no_index_is_asked_if_the_wheelhouse_has_everything(self, make_image: MakeImage) -> None:
        arguments = docker_context.build_arguments(make_image(), Supply(is_complete=True), {})
        assert arguments["PIP_NO_INDEX"] == "1"

    def test_passwords_stay_on_the_host(self, make_image: MakeImage) -> None:
        environ = {
            "PIP_INDEX_URL": "https://user:hunter2@pypi.example/simple",
            "PIP_EXTRA_INDEX_URL": "https://open.example/simple https://token:hunter2@closed.example/simple",
        }
        arguments = docker_context.build_arguments(make_image(), Supply(), environ)
        assert "hunter2" not in str(arguments)
        assert arguments["PIP_EXTRA_INDEX_URL"] == "https://open.example/simple"
        assert docker_context.withheld(environ) == ["PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"]


class TestWords:
    @pytest.mark.parametrize(
        ("line", "shown"),
        [
            ("Step 3/7 : COPY requirements.txt wheels* /build/", "step 3/7: COPY requirements.txt wheels* /build/"),
            ("Collecting six==1.17.0", "Collecting six==1.17.0"),
            ("  Downloading six-1.17.0-py2.py3-none-any.whl (11 kB)", "Downloading six-1.17.0-py2.py3-none-any.whl (11 kB)"),
            (" ---> Running in 0123456789ab", None),
            ("", None),
        ],
    )  # fmt: skip
    def test_progress(self, line: str, shown: str | None) -> None:
        assert progress_line(line) == shown

    def test_long_lines_are_cut(self) -> None:
        assert len(progress_line(f"Step 1/2 : RUN {'x' * 5000}") or "") == 160

    def test_reason_is_the_tools_own(self) -> None:
        words = ["Collecting a", "ERROR: No matching distribution found for a", "see the manual"]
        assert last_words(words, "code 1") == "ERROR: No matching distribution found for a\ncode 1"
        assert last_words(["boom"], "code 2") == "boom\ncode 2"


async def test_engine_that_is_away_is_told(make_image: MakeImage, tmp_path: Path) -> None:
    images = DockerImages(f"unix://{tmp_path}/nobody.sock", tmp_path, None)
    with pytest.raises(EngineUnavailable):
        await images.ready(make_image())
    with pytest.raises(EngineUnavailable):
        await images.prepare(make_image(), print)
    await images.close()


@pytest.mark.docker
class TestBuilding:
    @pytest.fixture
    def client(self) -> Iterator[docker.APIClient]:
        client = connect(docker_host())
        yield client
        client.close()

    @pytest.fixture
    async def images(
        self, client: docker.APIClient, tmp_path: Path, wheelhouse: Path
    ) -> AsyncIterator[Callable[[], DockerImages]]:
        """Makes objects on one state, as two processes would."""
        made: list[DockerImages] = []

        def make() -> DockerImages:
            made.append(DockerImages(docker_host(), tmp_path / "state", wheelhouse))
            return made[-1]

        yield make
        for one in made:
            await one.close()
        for folder in (tmp_path / "catalogue").iterdir():
            for found in client.images(filters={"label": f"easymaker.image={folder.name}"}):
                client.remove_image(found["Id"], force=True)

    @pytest.mark.parametrize("package", ["", "emtiny"], ids=["without wheels", "with a wheel"])
    async def test_catalogue_folder_becomes_an_image(
        self,
        images: Callable[[], DockerImages],
        client: docker.APIClient,
        make_image: MakeImage,
        wheelhouse: Path,
        package: str,
    ) -> None:
        odd = 'a "b" \\ $HOME'
        image = make_image(f"six==1.17.0\n{package}\n", env={"ODD": odd, "WHERE": "{environment}/lib"})
        chosen = docker_context.wheels(image, wheelhouse)
        in_one_stage = docker_context.is_one_stage(image, chosen, docker_context.build_arguments(image, chosen))
        assert not (in_one_stage and package)
        builder = images()
        lines: list[str] = []
        assert await builder.ready(image) is None
        reference = await builder.prepare(image, lines.append)
        assert await builder.ready(image) == reference
        assert await images().prepare(image, lines.append) == reference
        assert any(line.startswith("step 1/") for line in lines)
        assert any("six" in line for line in lines)
        assert any("COPY --from" in line for line in lines) is not in_one_stage
        check = (
            f"import os, pathlib, six, sys, {package or 'pip'};"
            f"assert os.environ['ODD'] == {odd!r};"
            "assert os.environ['WHERE'] == '/opt/environment/lib', os.environ['WHERE'];"
            "assert not list(pathlib.Path('/').glob('build/*')) and not list(pathlib.Path('/tmp').iterdir())"
        )
        assert run(client, reference, ["python", "-c", check]) == (0, "")
        labels = client.inspect_image(reference)["Config"]["Labels"]
        assert labels["easymaker.image"] == image.id
        assert not labels.get(docker_context.STAGE_LABEL)
        client.remove_image(reference)
        assert client.images(all=True, filters={"label": f"{docker_context.STAGE_LABEL}={reference}"}) == []
        assert await builder.ready(image) is None

    async def test_what_is_stored_can_be_discarded_but_not_while_it_is_used(
        self, images: Callable[[], DockerImages], client: docker.APIClient, make_image: MakeImage, tmp_path: Path
    ) -> None:
        image = make_image(dockerfile="ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\nRUN head -c 3000000 /dev/urandom > /ballast\n")
        builder = images()
        reference = await builder.prepare(image, lambda _: None)
        (stored,) = [one for one in await builder.stored() if one.name == reference]
        assert (stored.image_id, stored.is_whole) == (image.id, True)
        assert stored.bytes >= 3_000_000
        stranger = DockerImages(docker_host(), tmp_path / "state", None, "another")
        assert reference not in [one.name for one in await stranger.stored()], "it belongs to who built it"
        with pytest.raises(MissingEnvironment):
            await stranger.discard(reference)
        assert await stranger.ready(image) == reference, "using it is another matter"
        await stranger.close()
        container = client.create_container(reference, ["true"])["Id"]
        with pytest.raises(Conflict):
            await builder.discard(reference)
        client.remove_container(container)
        with pytest.raises(MissingEnvironment):
            await builder.discard(image.base_image)
        await builder.discard(reference)
        await builder.discard(reference)
        assert await builder.ready(image) is None

    async def test_failure_says_what_pip_said_and_leaves_nothing_ready(
        self, images: Callable[[], DockerImages], make_image: MakeImage
    ) -> None:
        image = make_image("easymaker-local-no-such-package==1.0\n")
        builder = images()
        with pytest.raises(EnvironmentFailed, match="No matching distribution found for easymaker-local-no-such-package"):
            await builder.prepare(image, lambda _: None)
        assert await builder.ready(image) is None

    async def test_missing_base_image_says_what_to_do(self, images: Callable[[], DockerImages], make_image: MakeImage) -> None:
        # Port 9 of this machine: nobody answers, and nothing outside is asked.
        image = make_image(base_image="127.0.0.1:9/no/such:1")
        with pytest.raises(EnvironmentFailed, match="docker load"):
            await images().prepare(image, lambda _: None)

    async def test_two_builders_build_once(self, images: Callable[[], DockerImages], make_image: MakeImage) -> None:
        image = make_image(dockerfile="ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\nRUN sleep 1\n")
        told: tuple[list[str], list[str]] = ([], [])
        first, second = await asyncio.gather(*(images().prepare(image, lines.append) for lines in told))
        assert first == second
        assert sorted(any(line.startswith("step") for line in lines) for lines in told) == [False, True]

    async def test_cancelled_build_ends(
        self, images: Callable[[], DockerImages], client: docker.APIClient, make_image: MakeImage
    ) -> None:
        marker = secrets.token_hex(8)
        image = make_image(dockerfile=f"ARG BASE_IMAGE\nFROM ${{BASE_IMAGE}}\nRUN : {marker}; sleep 300\n")
        builder = images()
        building = asyncio.create_task(builder.prepare(image, lambda _: None))
        await until(lambda: is_building(client, marker))
        building.cancel()
        with pytest.raises(asyncio.CancelledError):
            await building
        await until(lambda: not is_building(client, marker))
        assert await builder.ready(image) is None


def is_building(client: docker.APIClient, marker: str) -> bool:
    return any(marker in container["Command"] for container in client.containers(filters={"status": "running"}))


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that the engine does."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "never happened"
        await asyncio.sleep(0.05)


def run(client: docker.APIClient, image: str, command: list[str]) -> tuple[int, str]:
    """Run a container to its end and return exit code and output."""
    container = client.create_container(image, command)["Id"]
    try:
        client.start(container)
        code = client.wait(container)["StatusCode"]
        return code, client.logs(container).decode()
    finally:
        client.remove_container(container, force=True)
