"""Transactions and snapshots, tried again within the deadline where the server has no sessions."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from pymongo import ReadPreference
from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern

from booking_core.domain.errors import StoreUnavailable
from booking_core.storage.client import connection_pools, deadlines, driver_errors
from booking_core.storage.client.database import MAJORITY, Documents, primary_of
from booking_core.storage.client.verbs import DEADLINE_SECONDS, reachable
from booking_core.storage.schema import schema

T = TypeVar("T")
_PAUSE_SECONDS = 0.05  # before a connection without sessions is replaced again


def transact(
    db: Documents, work: Callable[[ClientSession], T], seconds: float = DEADLINE_SECONDS
) -> T:
    """``work`` in one transaction, retried by the driver on a write conflict.

    What ``work`` raises by what it has read is raised once a majority has all of that, and
    StoreUnavailable in its place where no majority says so in time.
    """
    with reachable(seconds):
        while True:
            try:
                return _in_transaction(db, work)
            except (PyMongoError, StoreUnavailable) as exc:
                if not driver_errors.is_without_sessions(exc):
                    raise
                if deadlines.seconds_left() < _PAUSE_SECONDS:
                    raise StoreUnavailable("no connection with sessions in time") from exc
                time.sleep(_PAUSE_SECONDS)


def _in_transaction(db: Documents, work: Callable[[ClientSession], T]) -> T:
    with db.client.start_session() as session:
        if (primary := primary_of(db)) is None:
            db.client.admin.command("ping")  # the driver looks for the primary first
            primary = primary_of(db)
        results: list[T] = []

        def noted(session: ClientSession) -> T:
            results.clear()
            try:
                results.append(work(session))
            except (PyMongoError, StoreUnavailable) as exc:
                # At once, so that the driver can end the transaction on the server.
                if driver_errors.is_without_sessions(exc):
                    connection_pools.renew(db.client)
                raise
            return results[0]

        try:
            return session.with_transaction(
                noted,
                read_concern=ReadConcern("snapshot"),
                write_concern=MAJORITY,
                read_preference=ReadPreference.PRIMARY,
            )
        except PyMongoError as exc:
            if not (results and driver_errors.is_without_sessions(exc)):
                raise
            # The commit was not sent. Without it the transaction would hold its slots for long.
            connection_pools.renew(db.client)
            session.commit_transaction()
            return results[0]
        except StoreUnavailable:
            raise
        except Exception:
            # Only a commit waits until a majority has what the transaction has read, which may be
            # the write of a verb that is not acknowledged. This one was aborted.
            await_majority(db)
            if primary_of(db) != primary:
                raise StoreUnavailable("a primary was elected meanwhile") from None
            raise


def snapshot(db: Documents, look: Callable[[ClientSession], T]) -> T:
    """What ``look`` returns, which reads as of one moment, acknowledged by a majority.

    It is tried again within the deadline where the server does not have that moment.
    """
    with reachable():
        while True:
            try:
                with db.client.start_session(snapshot=True) as session:
                    return look(session)
            except (PyMongoError, StoreUnavailable) as exc:
                if driver_errors.is_without_sessions(exc):
                    connection_pools.renew(db.client)
                elif not driver_errors.is_without_snapshot(exc):
                    raise
                if deadlines.seconds_left() < _PAUSE_SECONDS:
                    raise StoreUnavailable("no moment that can be read in time") from exc
                time.sleep(_PAUSE_SECONDS)


def await_majority(db: Documents) -> None:
    """Returns when a majority has all that the primary has by now; changes no data.

    Raises StoreUnavailable within 5 seconds when no primary with a majority answers.
    """
    # This is what a linearizable read does before it answers.
    confirmed = db.get_collection(
        schema.META,
        read_concern=ReadConcern("linearizable"),
        read_preference=ReadPreference.PRIMARY,
    )
    with reachable():
        confirmed.find_one({"_id": "revision"}, {"_id": 1})
