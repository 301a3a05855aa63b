"""The sign-in screen with an identity provider: a screen, because ``st.login`` needs a run."""

from __future__ import annotations

from html import escape

import streamlit as st

from booking_core import (
    IdTokenOutOfTime,
    IdTokenSpent,
    SignInRefused,
    StoreUnavailable,
    check_id_token,
)
from pages.shared.auth import html, oidc, session
from pages.shared.components import elements
from pages.shared.live.address import base
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages

# The same look as the sign-in page for passwords, which has its own style sheet.
_STYLE = f"""<style>
.st-key-sign_in {{ padding-top: max(1rem, 18vh); }}
.st-key-sign_in::before {{
  content: ""; position: fixed; inset: 0; pointer-events: none;
  background: light-dark(#e3e9f2, #18243f); mask: url("{html.PITCH}") center / 100% 100%;
}}
.st-key-sign_in > * {{ position: relative; }}
.st-key-card_sign_in {{ padding: 1.75rem; border-radius: .875rem; }}
.sign-in-brand {{ display: flex; align-items: center; gap: .75rem; line-height: 1.3; }}
.sign-in-brand img {{ flex: none; width: 2.5rem; height: 2.5rem; }}
.sign-in-brand b {{ display: block; overflow-wrap: anywhere; }}
.sign-in-brand span {{ color: light-dark(#5b6880, #aab6cf); }}
a.sign-in-wall {{ color: light-dark(#1f5fbf, #a9c3ff); text-decoration: none; }}
a.sign-in-wall:hover {{ text-decoration: underline; }}
</style>"""


def show(shared: Services) -> None:
    """Draws the sign-in buttons; with a valid ID token, redirects to the route of the session."""
    token, problem, may_sign_in = oidc.login_token(), "", True
    if token is not None:
        try:
            check_id_token(shared.db, token)
        except StoreUnavailable:
            session.unreachable(shared)
            return
        except (IdTokenSpent, IdTokenOutOfTime) as exc:  # a new sign-in at the provider helps
            problem = formats.literal(messages.error(exc))
        except SignInRefused:
            problem, may_sign_in = _no_account(shared, is_verified=bool(token.email)), False
        else:
            oidc.keep_for_route(token, st.context.cookies)
            session.redirect("signin/provider")
            return
    elements.remember({"home": f"{base()}/"})
    st.html(_STYLE)
    with (
        st.container(key="sign_in", horizontal_alignment="center"),
        st.container(width=400),
    ):
        st.html(
            f'<div class="sign-in-brand"><img src="{html.ICON}" alt=""><div>'
            f"<b>{escape(shared.settings.school_name)}</b><span>Ground booking</span></div></div>"
        )
        with st.container(border=True, key="card_sign_in"):
            st.title("Sign in", anchor=False)
            st.markdown(problem or "Your account at school lets you in.")
            if may_sign_in:
                _sign_in_buttons()
            else:
                st.button("Sign out", key="session.sign_out", on_click=st.logout, width="stretch")
        st.html(f'<a class="sign-in-wall" href="{base()}/wall">Wall display: today’s grounds</a>')


def _sign_in_buttons() -> None:
    names = oidc.providers()
    for name in names or ["default"]:
        st.button(
            f"Sign in with {name.capitalize()}" if names else "Sign in",
            key=f"session.sign_in.{name}",
            on_click=st.login,
            args=(name,) if names else (),
            type="primary",
            width="stretch",
        )


def _no_account(shared: Services, *, is_verified: bool) -> str:
    """The sentence for a user whose ID token belongs to no account."""
    email, contact = (
        formats.literal(text) for text in (oidc.claimed_email(), shared.settings.contact)
    )
    if is_verified:
        return f"There is no account here for {email}. Ask {contact} for one."
    return f"The address {email} is not verified by its provider. Ask {contact} what to do."
