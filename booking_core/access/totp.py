"""Codes of authenticator apps (TOTP, RFC 6238: SHA-1, 6 digits, 30 s), and recovery codes. Pure.

A recovery code is stored as a hash whose key is the secret. Who can read the secret can make codes
anyway, so a slow hash would protect nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import datetime

import pyotp

from booking_core.domain.people import SecondFactorSetUp

STEP_SECONDS = 30
DRIFT = 1  # in steps: how far a clock may be wrong, either way
RECOVERY_CODES = 10
LONGEST = 40  # of a typed code, with spaces and dashes
# Without letters and digits that look alike, because recovery codes are copied from paper.
_READABLE = "abcdefghjkmnpqrstuvwxyz23456789"
_CODE = re.compile(r"[0-9]{6}")
_RECOVERY = re.compile(f"[{_READABLE}]{{10}}")
_BETWEEN = re.compile(r"[\s-]+")


def new_secret() -> str:
    """A random secret of 160 bits, in base32."""
    return pyotp.random_base32(32)


def set_up(secret: str, account_id: str, school: str) -> SecondFactorSetUp:
    """The key and the URI for an authenticator app, which shows ``account_id`` and ``school``."""
    uri = pyotp.TOTP(secret).provisioning_uri(name=account_id, issuer_name=school)
    return SecondFactorSetUp(secret, uri)


def typed(code: object) -> str:
    """``code`` in small letters, without spaces and dashes; "" if it is none or too long."""
    if not isinstance(code, str) or len(code) > LONGEST or not code.isascii():
        return ""
    return _BETWEEN.sub("", code).lower()


def is_code(text: str) -> bool:
    """Whether ``text``, as ``typed`` returns it, has the form of a code of an app."""
    return _CODE.fullmatch(text) is not None


def is_recovery_code(text: str) -> bool:
    """Whether ``text``, as ``typed`` returns it, has the form of a recovery code."""
    return _RECOVERY.fullmatch(text) is not None


def matching_steps(secret: str, text: str, now: datetime) -> list[int]:
    """The time steps around ``now`` of which ``text`` is the code, the earliest first."""
    if not is_code(text):
        return []
    present, maker = int(now.timestamp()) // STEP_SECONDS, pyotp.TOTP(secret)
    steps = range(present - DRIFT, present + DRIFT + 1)
    return [step for step in steps if hmac.compare_digest(maker.generate_otp(step), text)]


def new_recovery_codes() -> list[str]:
    """Ten random codes such as ``k7pmx-2qdvw``, with 49 bits each."""
    return [f"{_letters()}-{_letters()}" for _ in range(RECOVERY_CODES)]


def recovery_hash(secret: str, code: str) -> str:
    """The hash under which a recovery code is stored."""
    return hmac.new(secret.encode(), typed(code).encode(), hashlib.sha256).hexdigest()


def _letters() -> str:
    return "".join(secrets.choice(_READABLE) for _ in range(5))
