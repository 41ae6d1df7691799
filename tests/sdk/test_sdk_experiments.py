"""Experiments through the vendor's SDK 2.1.5 (SD-01…SD-04)."""

from __future__ import annotations

from easymaker_local.testing.appliance import Appliance
from easymaker_local.testing.sdk import Script

CREATE = """
import easymaker
easymaker.init(appkey="local", region="local")
first = easymaker.Experiment().create("iris", description="flowers")
again = easymaker.Experiment().create("iris")
other = easymaker.Experiment().create("Iris")
answer(
    first=first.id, status=first.status, name=first.name, description=first.description, created=first.created_datetime,
    again=again.id, other=other.id,
    by_name=easymaker.Experiment.get_by_name("iris").id,
    by_id=easymaker.Experiment(first.id).name,
    listed=[e.name for e in easymaker.Experiment.get_list() if e.name.lower() == "iris"],
    chosen=[e.id for e in easymaker.Experiment.get_list(id_list=[other.id])],
)
other.delete()
answer(after_delete=other.id)
try:
    easymaker.Experiment.get_by_name("Iris")
except ValueError as error:
    answer(gone=str(error))
try:
    easymaker.Experiment(other.id or "no-such-id")
except easymaker.common.exceptions.EasyMakerError as error:
    answer(unknown=error.args[0]["header"])
"""


def test_experiment_is_created_once_found_and_deleted(sdk: Script) -> None:
    seen = sdk(CREATE)
    # EX-13, EX-16: set up at once, so the SDK does not wait.
    assert seen["status"] == "ACTIVE"
    assert "Please wait" not in seen["printed"]
    assert (seen["name"], seen["description"]) == ("iris", "flowers")
    assert seen["created"].startswith("20")
    # The same name is the same experiment; another spelling is another one (rest-api §6.4).
    assert seen["again"] == seen["first"] == seen["by_name"]
    assert seen["other"] != seen["first"]
    assert seen["by_id"] == "iris"
    assert seen["listed"] == ["Iris", "iris"]
    assert seen["chosen"] == [seen["other"]]
    # EX-18: gone from every filtered list.
    assert seen["after_delete"] is None
    assert "No Experiment found" in seen["gone"]
    assert seen["unknown"]["isSuccessful"] is False
    assert "no-such-id" in seen["unknown"]["resultMessage"]


IN_USE = """
import easymaker
from easymaker.common.exceptions import EasyMakerError

code, models = sys.argv[2:]
easymaker.init(appkey="local", region="local")
experiment = easymaker.Experiment().create("in use")
training = easymaker.Training().run(
    "holds it", "Plain Python", "m2.c1m2", models, experiment_id=experiment.id, source_dir_uri=code,
    entry_point="endless.py", wait=False,
)
answer(experiment=experiment.id, training=training.id)
try:
    experiment.delete()
except EasyMakerError as error:
    answer(refusal=error.args[0]["header"]["resultMessage"])
"""


def test_experiment_in_use_is_not_deleted(sdk: Script, appliance: Appliance) -> None:
    seen = sdk(IN_USE, appliance.uri("code"), appliance.uri("models", "in-use"))
    # EX-20: refused, and the refusal lists what is in the way.
    assert "holds it" in seen["refusal"]
    assert seen["training"] in seen["refusal"]
    appliance.await_status(seen["training"], "RUNNING")
    ended = sdk(
        """
import easymaker
easymaker.init(appkey="local", region="local")
training = easymaker.Training(sys.argv[2])
training.stop()
try:
    training.wait(wait_interval_seconds=1)
except easymaker.common.exceptions.EasyMakerError as error:
    answer(stopped=str(error))
""",
        seen["training"],
    )
    assert "STOP" in ended["stopped"]
    appliance.await_status(seen["training"], "STOPPED")
    deleted = sdk(
        """
import easymaker
easymaker.init(appkey="local", region="local")
easymaker.Experiment(sys.argv[2]).delete()
training = easymaker.Training(sys.argv[3])
answer(name=training.experiment.name, status=training.status)
""",
        seen["experiment"],
        seen["training"],
    )
    # EX-21: what ended in it is kept and shows its last name.
    assert deleted["name"] == "in use (deleted)"
    assert deleted["status"] == "STOPPED"
