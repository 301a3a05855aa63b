"""Runs ``python -m booking_core`` as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from booking_core.storage.client.database import BookingDatabase

ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., subprocess.CompletedProcess[str]]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MONGODB", "BOOKING"))}
    return subprocess.run(
        [sys.executable, "-m", "booking_core", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=ROOT,
        env=kept | {"PYTHONIOENCODING": "utf-8"} | environment,
        timeout=90,
    )


def runner(db: BookingDatabase) -> Run:
    uri = str(db.booking_settings.mongodb_uri)
    return lambda *arguments: run(*arguments, MONGODB_URI=uri, MONGODB_DATABASE=db.name)


def assert_one_sentence(done: subprocess.CompletedProcess[str], words: str) -> None:
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert words in done.stderr
