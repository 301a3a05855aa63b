"""Databases that tests use one after the other: to make one takes longer than most tests."""

from __future__ import annotations

from collections import deque
from typing import Any
from uuid import uuid4

from pymongo import MongoClient

from booking_core.storage.schema import migrations, schema

# A database is idle for as many others before it is used again, so that what a test has left
# running does not reach the next one.
_IDLE = 4


class DatabasePool:
    """The databases of one server. A test that changes collections or indexes has one dropped."""

    def __init__(self, uri: str) -> None:
        self._client: MongoClient[dict[str, Any]] = MongoClient(uri, tz_aware=True)
        self._idle: deque[str] = deque()
        self._layout: dict[str, Any] = {}

    def take(self) -> str:
        """The name of a database: one that is empty and has its schema, or a new one."""
        if len(self._idle) > _IDLE:
            return self._idle.popleft()
        return f"test_{uuid4().hex[:12]}"

    def note_layout(self, name: str) -> None:
        """Takes the first database with a schema as the one that all others have to be like."""
        if not self._layout:
            self._layout = self._layout_of(name)

    def give_back(self, name: str) -> None:
        if self._layout_of(name) == self._layout:
            self._empty(name)
            self._idle.append(name)
        else:
            self.drop(name)

    def drop(self, name: str) -> None:
        self._client.drop_database(name)

    def close(self) -> None:
        self._client.close()

    def _layout_of(self, name: str) -> dict[str, Any]:
        db = self._client[name]
        return {
            info["name"]: (info["options"], list(db[info["name"]].list_indexes()))
            for info in sorted(db.list_collections(), key=lambda info: info["name"])
        }

    def _empty(self, name: str) -> None:
        """Leaves what the migrations of an empty database leave."""
        db = self._client[name]
        for collection in self._layout:
            db[collection].delete_many({})
        counters = {"schema": schema.VERSION, **migrations.new_counters()}
        db[schema.META].insert_one({"_id": "revision", **counters})
