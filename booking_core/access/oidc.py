"""Signing in by the word of an identity provider: a proof at the door, good for one session.

The session is like any other. When it has ended only a new word opens another, however long the
provider's own cookies last, and whoever has copied them.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from booking_core.access.accounts import account_of_email
from booking_core.access.sign_in import open_session
from booking_core.domain.clock import moment
from booking_core.domain.errors import InvalidRequest, ProofOutOfTime, ProofSpent, SignInRefused
from booking_core.domain.model import Account
from booking_core.domain.people import Proof, SignedIn
from booking_core.domain.validation import check_text
from booking_core.storage import id_tokens as proofs
from booking_core.storage.database import Documents

FRESH = timedelta(minutes=5)  # from the provider's word to the session
AHEAD = timedelta(minutes=2)  # how far the provider's clock may be ahead of ours
# Far longer than a word is fresh, and than a session lasts: the door can tell somebody whose
# session has ended from somebody whose new word looks old because two clocks differ.
KEPT = timedelta(days=1)
_LONGEST_ID = 10_000


def check_proof(db: Documents, proof: Proof, *, now: datetime | None = None) -> Account:
    """Whom ``proof`` lets in at this moment; a look spends nothing.

    Raises SignInRefused where no active account has the address, ProofSpent, ProofOutOfTime,
    InvalidRequest, StoreUnavailable.
    """
    if not isinstance(proof, Proof) or not isinstance(proof.issued_at, datetime):
        raise InvalidRequest("proof", "must be a Proof of some moment")
    now, issued_at, key = moment(now), moment(proof.issued_at), _key(proof)
    try:
        account = account_of_email(db, proof.email)
    except InvalidRequest:  # no address at all
        account = None
    if account is None or not account.active:
        raise SignInRefused
    if proofs.is_spent(db, key):
        raise ProofSpent
    age = now - issued_at
    if not -AHEAD <= age <= FRESH:
        raise ProofOutOfTime(round(age.total_seconds()))
    return account


def sign_in_by_proof(db: Documents, proof: Proof, *, now: datetime | None = None) -> SignedIn:
    """Opens the one session that ``proof`` is good for; raises as ``check_proof`` does."""
    now = moment(now)
    account = check_proof(db, proof, now=now)
    # Spent first: what fails behind it costs a click, and the other order could open two.
    if not proofs.spend(db, _key(proof), now + KEPT):
        raise ProofSpent
    return SignedIn(open_session(db, account.id, by_proof=True, now=now), account)


def _key(proof: Proof) -> str:
    id = check_text(proof.id, "id", limit=_LONGEST_ID, required=True)
    return hashlib.sha256(id.encode()).hexdigest()
