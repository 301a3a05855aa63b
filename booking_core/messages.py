"""Sentences that the command line and the screens have in common: the public names."""

from booking_core.domain.messages import (
    COMMAND,
    closed,
    contradictions,
    elsewhere,
    faster,
    migrating,
    no_school,
    not_played,
    open_up_to,
    retired,
    schema_missing,
    sent_before,
    sentence,
    store_refused,
    update_needed,
)

__all__ = [
    "COMMAND",
    "closed",
    "contradictions",
    "elsewhere",
    "faster",
    "migrating",
    "no_school",
    "not_played",
    "open_up_to",
    "retired",
    "schema_missing",
    "sent_before",
    "sentence",
    "store_refused",
    "update_needed",
]
