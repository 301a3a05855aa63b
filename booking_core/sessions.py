"""Sign-in, sessions and the second factor: the public names.

``booking_core`` has those of the accounts themselves.
"""

from booking_core.access.devices import DEVICE_KEPT, remember_device
from booking_core.access.new_passwords import (
    account_of_password_link,
    ask_for_new_password,
    set_forgotten_password,
)
from booking_core.access.oidc import sign_in_by_id_token
from booking_core.access.passwords import SHORTEST_PASSWORD, one_time_password
from booking_core.access.second_factor import (
    begin_second_factor,
    confirm_second_factor,
    recovery_codes_left,
    renew_recovery_codes,
    turn_off_second_factor,
)
from booking_core.access.sessions import (
    LONGEST_SESSION,
    end_missed_sign_outs,
    end_other_sessions,
    end_session,
    is_signed_out,
    open_session,
    session_of,
    sessions_of,
    sign_out,
    touch_session,
)
from booking_core.access.sign_in import CHALLENGE_OPEN, is_challenge_open, sign_in, sign_in_by_code
from booking_core.domain.people import IdToken, OpenSession, SecondFactorSetUp, Session, SignedIn
from booking_core.domain.rules import must_set_up_second_factor

__all__ = [
    "CHALLENGE_OPEN",
    "DEVICE_KEPT",
    "LONGEST_SESSION",
    "SHORTEST_PASSWORD",
    "IdToken",
    "OpenSession",
    "SecondFactorSetUp",
    "Session",
    "SignedIn",
    "account_of_password_link",
    "ask_for_new_password",
    "begin_second_factor",
    "confirm_second_factor",
    "end_missed_sign_outs",
    "end_other_sessions",
    "end_session",
    "is_challenge_open",
    "is_signed_out",
    "must_set_up_second_factor",
    "one_time_password",
    "open_session",
    "recovery_codes_left",
    "remember_device",
    "renew_recovery_codes",
    "session_of",
    "sessions_of",
    "set_forgotten_password",
    "sign_in",
    "sign_in_by_code",
    "sign_in_by_id_token",
    "sign_out",
    "touch_session",
    "turn_off_second_factor",
]
