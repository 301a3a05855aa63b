"""Every error of the driver becomes an error of ours before it leaves a verb."""

from __future__ import annotations

import inspect

import bson.errors
import pymongo.errors
import pytest

from booking_core import BookingError, InvalidRequest, SchemaMissing, StoreUnavailable
from booking_core.storage.client.verbs import reachable, within_deadline

CLASSES = sorted(
    {
        found
        for module in (pymongo.errors, bson.errors)
        for _, found in inspect.getmembers(module, inspect.isclass)
        if issubclass(found, pymongo.errors.PyMongoError | bson.errors.BSONError)
    },
    key=lambda found: found.__name__,
)


def an_error(kind):
    if issubclass(kind, pymongo.errors.BulkWriteError):
        return kind({"writeErrors": [{"code": 121, "errmsg": "refused"}]})
    if issubclass(kind, pymongo.errors.ClientBulkWriteException):
        return kind({"writeErrors": []}, verbose=False)
    if issubclass(kind, pymongo.errors.EncryptedCollectionError):
        return kind(ValueError("refused"), {})
    if issubclass(kind, pymongo.errors.EncryptionError):
        return kind(ValueError("refused"))
    return kind("refused")


@within_deadline
def verb(error):
    with reachable():
        raise error


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_no_error_of_the_driver_leaves_a_verb(kind):
    error = an_error(kind)

    with pytest.raises(BookingError) as raised:
        verb(error)

    assert raised.value.__cause__ is error


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (
            pymongo.errors.ConfigurationError(
                "Sessions are not supported by this MongoDB deployment"
            ),
            StoreUnavailable,
        ),
        (
            pymongo.errors.OperationFailure(
                "error processing query: planner returned error: "
                "hint provided does not correspond to an existing index",
                2,
            ),
            SchemaMissing,
        ),
        (pymongo.errors.OperationFailure("the database is being dropped", 215), SchemaMissing),
        (pymongo.errors.OperationFailure("auth failed", 18), InvalidRequest),
        (pymongo.errors.NotPrimaryError("stepped down"), StoreUnavailable),
    ],
)
def test_an_error_is_translated_by_what_it_means(error, ours):
    with pytest.raises(BookingError) as raised:
        verb(error)

    assert type(raised.value) is ours


def test_an_error_with_a_meaning_for_its_caller_is_raised_as_it_is():
    with pytest.raises(pymongo.errors.DuplicateKeyError), reachable():
        raise pymongo.errors.DuplicateKeyError("E11000")
