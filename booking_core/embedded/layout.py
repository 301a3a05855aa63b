"""The files of a data directory."""

from __future__ import annotations

from pathlib import Path

REPLICA_SET = "rs0"


def database_directory(data_directory: Path) -> Path:
    """Where mongod keeps its files: a directory of its own below the data directory."""
    return data_directory / "db"


def log_file(data_directory: Path) -> Path:
    """Where mongod logs."""
    return data_directory / "mongod.log"


def key_file(data_directory: Path) -> Path:
    """The key of the replica set. With it, mongod requires a login of every client."""
    return data_directory / "mongod.key"


def password_file(data_directory: Path) -> Path:
    """Where the password of the apps' user is kept."""
    return data_directory / "mongod.password"
