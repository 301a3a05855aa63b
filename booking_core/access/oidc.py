"""Sign-in with the ID token of an identity provider, accepted once as a login token.

The session is like any other. After it has ended only a new ID token opens another one.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from booking_core.access.accounts import account_of_email
from booking_core.access.sessions import open_session
from booking_core.domain.errors import IdTokenOutOfTime, IdTokenSpent, InvalidRequest, SignInRefused
from booking_core.domain.people import IdToken, SignedIn
from booking_core.domain.validation import check_text
from booking_core.storage.access import id_tokens
from booking_core.storage.client.database import Documents, moment
from booking_core.storage.client.verbs import within_deadline

FRESH = timedelta(minutes=5)  # from the issue of the ID token to the session
AHEAD = timedelta(minutes=2)  # the most by which the provider's clock may be ahead of ours
# Much longer than an ID token is fresh, so no token opens a second session.
KEPT = timedelta(days=1)
_MAX_ID = 10_000


@within_deadline
def sign_in_by_id_token(
    db: Documents, token: IdToken, *, browser: str = "", now: datetime | None = None
) -> SignedIn:
    """Opens the one session that ``token`` is good for.

    Raises SignInRefused if no active account has the address, IdTokenSpent, IdTokenOutOfTime,
    InvalidRequest, StoreUnavailable.
    """
    if not isinstance(token, IdToken) or not isinstance(token.issued_at, datetime):
        raise InvalidRequest("token", "must be an IdToken with a moment of issue")
    now, issued_at, key = moment(db, now), moment(db, token.issued_at), _key(token)
    try:
        account = account_of_email(db, token.email)
    except InvalidRequest:  # not an e-mail address
        account = None
    if account is None or not account.active:
        raise SignInRefused
    age = now - issued_at
    if not -AHEAD <= age <= FRESH:
        raise IdTokenOutOfTime(round(age.total_seconds()))
    # Spent before the session opens: the other order could open two sessions. If a later step
    # fails, the user has to sign in again.
    if not id_tokens.spend(db, key, now + KEPT):
        raise IdTokenSpent
    opened = open_session(db, account.id, by_id_token=True, browser=browser, now=now)
    return SignedIn(opened, account)


def _key(token: IdToken) -> str:
    id = check_text(token.id, "id", limit=_MAX_ID, required=True)
    return hashlib.sha256(id.encode()).hexdigest()
