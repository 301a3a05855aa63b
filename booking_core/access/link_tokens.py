"""Secret tokens of the links in mails, and the keys under which the database knows them."""

from __future__ import annotations

import hashlib
import secrets

_MAX_TOKEN = 200


def new_token() -> str:
    """A new secret. The database stores its key alone."""
    return secrets.token_urlsafe(32)


def key_of(token: object) -> str:
    """The key of a token; of a text that is none, a key that no link has."""
    if not isinstance(token, str) or not token.isascii() or len(token) > _MAX_TOKEN:
        token = ""
    return hashed(token)


def hashed(text: str) -> str:
    """The SHA-256 of a text, in hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
