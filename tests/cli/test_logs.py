"""``logs`` and raw logs from the command line (LG-02, LG-21, LG-L02)."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from datetime import datetime

from easymaker_local.testing.appliance import Appliance, until
from tests.cli.cli_runner import Cli


def test_query_shows_lines_people_can_read(daemon: Appliance, cli: Cli) -> None:
    daemon.put("code", {"lines.py": "print('epoch 1')\nprint('WARNING: \\x1b[31mhot\\x1b[0m\\tend')\n"})
    (daemon.home / "storage" / "models").mkdir(exist_ok=True)
    run = cli(
        "training", "run", "--name", "logged", "--image", "plain", "--flavor", "m2.c1m2", "--source", "code", "--entry-point",
        "lines.py", "--model-output", "models/logged", "--use-log", "--json",
    )  # fmt: skip
    training_id = run.json["trainingId"]
    daemon.await_status(training_id, "COMPLETE")
    assert re.search(r"Log management +on", cli("training", "show", training_id).out)
    short = training_id[:8]
    query = f"trainingId:{training_id}"
    until(lambda: "is COMPLETE" in cli("logs", "query", query).out, what="the last entry")
    shown = cli("logs", "query", query).out
    lines = [line for line in shown.splitlines() if f"{short}/0" in line]
    assert re.fullmatch(rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{{3}} INFO    {short}/0 epoch 1", lines[0])
    assert lines[1].endswith(f"WARNING {short}/0 WARNING: hot    end")
    rows = cli("logs", "query", f"{query} AND epoch", "--json").json
    assert [(row["body"], row["node"]) for row in rows] == [("epoch 1", "0")]
    local = datetime.fromisoformat(rows[0]["time"]).astimezone()
    assert lines[0].startswith(f"{local:%Y-%m-%d %H:%M:%S}"), "people read the time of their clock"


def test_the_newest_of_many_in_order(cli: Cli) -> None:
    text = "".join(f"counted {number}\n" for number in range(1500))
    assert cli("logs", "send", "-", "--json", stdin=text).json == {"sent": 1500}
    found = [row["body"] for row in cli("logs", "query", "counted", "--limit", "1200", "--json").json]
    assert found == [f"counted {number}" for number in range(300, 1500)]


def test_send_with_fields(cli: Cli) -> None:
    """LG-21."""
    assert cli("logs", "send", "--level", "error", "--field", "stage=prod", "--field", "host=h", "it broke").code == 0
    (row,) = cli("logs", "query", "stage:prod", "--json").json
    assert (row["logLevel"], row["host"], row["body"], row["fields"]) == ("ERROR", "h", "it broke", {"stage": "prod"})
    assert cli("logs", "send", "--field", "novalue", "x").code == 2


def test_fault_is_pointed_at(cli: Cli) -> None:
    """LG-L02: the position, visible also below wide characters."""
    refused = cli("logs", "query", "학습 AND (loss OR")
    assert refused.code == 5
    message, text, caret = refused.err.splitlines()
    assert "missing" in message
    assert text == "  학습 AND (loss OR"
    assert caret == " " * (2 + 2 + len("학습 AND (loss OR")) + "^"


def test_from_and_to(cli: Cli) -> None:
    cli("logs", "send", "--field", "sendTime=1000000000", "long ago")
    cli("logs", "send", "not long ago")
    for options, expected in (
        ([], ["long ago", "not long ago"]), (["--from", "1h"], ["not long ago"]), (["--to", "2d"], ["long ago"]),
        (["--from", "2001-09-01", "--to", "2001-10-01T12:00"], ["long ago"]), (["--from", "30s", "--to", "20s"], []),
    ):  # fmt: skip
        found = cli("logs", "query", '"long ago"', *options, "--json").json
        assert [row["body"] for row in found] == expected, options
    assert cli("logs", "query", "--from", "yesterday").code == 2


def test_nothing_found_says_what_to_do(cli: Cli) -> None:
    found = cli("logs", "query", "nosuchword")
    assert (found.code, found.out) == (0, "")
    assert "log management" in found.err


def test_follow(daemon: Appliance, cli: Cli) -> None:
    """What is there, then what comes, until Ctrl-C; also over a restart of the daemon."""
    cli("logs", "send", "followed 1")
    command = [sys.executable, "-m", "easymaker_local", "logs", "query", "followed", "--follow", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=daemon.environment, text=True) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["body"] == "followed 1"
        cli("logs", "send", "something else")
        cli("logs", "send", "followed 2")
        assert json.loads(process.stdout.readline())["body"] == "followed 2"
        daemon.kill()
        daemon.start()
        cli("logs", "send", "followed 3")
        assert json.loads(process.stdout.readline())["body"] == "followed 3"
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130


def test_raw_log_to_stdout(daemon: Appliance) -> None:
    """A large log passes through unchanged."""
    daemon.put(
        "code", {"large.py": "import sys\nfor n in range(20): sys.stdout.buffer.write(b'\\xff\\x00 line \\n' * 100_000)\n"}
    )
    (daemon.home / "storage" / "models").mkdir(exist_ok=True)
    training = daemon.training(trainingName="large", entryPoint="large.py")
    daemon.await_status(training["trainingId"], "COMPLETE")
    command = [sys.executable, "-m", "easymaker_local", "training", "logs", training["trainingId"], "--raw", "-"]
    done = subprocess.run(command, env=daemon.environment, stdout=subprocess.PIPE, check=True)
    assert done.stdout == b"\xff\x00 line \n" * 2_000_000
