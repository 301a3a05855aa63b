"""Documents as lines of MongoDB's Extended JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bson
from bson import json_util

# What the parser raises, beside ValueError, for JSON whose "$..." keys hold other than they should.
UNREADABLE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    bson.errors.BSONError,
)
_JSON = json_util.JSONOptions(
    json_mode=json_util.JSONMode.CANONICAL, tz_aware=True, unicode_decode_error_handler="strict"
)


def to_json(document: Mapping[str, Any]) -> str:
    """Returns ``document`` as one line of canonical Extended JSON."""
    return str(json_util.dumps(document, json_options=_JSON, separators=(",", ":")))


def from_json(text: str, options: json_util.JSONOptions = _JSON) -> Any:
    """Returns the value of a line of Extended JSON. Raises ValueError."""
    try:
        return json_util.loads(text, json_options=options)
    except UNREADABLE as exc:
        raise ValueError(f"no Extended JSON: {exc}") from exc
