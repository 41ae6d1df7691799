"""Every row of ``make bench`` still works; what it says of so small sizes is not looked at."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
ROWS = (
    "daemon", "submit", "a job ends", "adopt", "of 1,500", "all of 1,500", "health", "a pass over", "decisions on", "log store",
    "tuning: per trial", "tuning: 500 values", "tuning: a look", "daemon: CPU beside", "daemon: resident memory with tunings",
)  # fmt: skip


def test_every_row_works_and_nothing_stays(tmp_path: Path) -> None:
    """The rows of Docker are left out: they are those of the process driver with another driver."""
    environment = {"PATH": "/usr/bin:/bin:/usr/sbin", "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "bench", "--quick", "--no-docker", "--json", tmp_path / "bench.json"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode in {0, 1}, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    rows = json.loads((tmp_path / "bench.json").read_text())["rows"]
    for row in rows:
        assert row["ours"] >= 0, row
        assert row["name"][:30] in done.stdout
    assert [word for word in ROWS if not any(row["name"].startswith(word) for row in rows)] == []
    assert done.returncode == (0 if all(row["within"] for row in rows) else 1)
    assert list(tmp_path.glob("easymaker-bench-*")) == []
    assert [process.pid for process in psutil.process_iter() if _works_below(process, tmp_path)] == []


def _works_below(process: psutil.Process, folder: Path) -> bool:
    try:
        return any(str(folder) in text for text in process.cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False
