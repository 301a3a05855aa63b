"""The door of an identity provider: a screen, because Streamlit does the talking (``st.login``)."""

from __future__ import annotations

from html import escape

import streamlit as st

from booking_core import ProofOutOfTime, ProofSpent, SignInRefused, StoreUnavailable, check_proof
from pages.shared import door_page, elements, identity, session, words
from pages.shared.address import base
from pages.shared.services import Services

# As the door of passwords looks, which is a page of its own (``door_page.py``).
_STYLE = f"""<style>
.st-key-door {{ padding-top: max(1rem, 18vh); }}
.st-key-door::before {{
  content: ""; position: fixed; inset: 0; pointer-events: none;
  background: light-dark(#e3e9f2, #18243f); mask: url("{door_page.PITCH}") center / 100% 100%;
}}
.st-key-door > * {{ position: relative; }}
.st-key-card_door {{ padding: 1.75rem; border-radius: .875rem; }}
.door-brand {{ display: flex; align-items: center; gap: .75rem; line-height: 1.3; }}
.door-brand img {{ flex: none; width: 2.5rem; height: 2.5rem; }}
.door-brand b {{ display: block; overflow-wrap: anywhere; }}
.door-brand span {{ color: light-dark(#5b6880, #aab6cf); }}
a.door-wall {{ color: light-dark(#1f5fbf, #a9c3ff); text-decoration: none; }}
a.door-wall:hover {{ text-decoration: underline; }}
</style>"""


def show(shared: Services) -> None:
    """In place of any screen, for nobody: the way in; or, with a proof that is good, through it."""
    proof, problem, may_enter = identity.proof(), "", True
    if proof is not None:
        try:
            check_proof(shared.db, proof)
        except StoreUnavailable:
            session.unreachable(shared)
            return
        except (ProofSpent, ProofOutOfTime) as exc:  # another one is needed
            problem = words.literal(words.error(exc))
        except SignInRefused:
            problem, may_enter = _no_entry(shared, is_verified=bool(proof.email)), False
        else:
            identity.leave(proof, st.context.cookies)
            session.lead_away("signin/provider")
            return
    elements.remember({"home": f"{base()}/"})
    st.html(_STYLE)
    with (
        st.container(key="door", horizontal_alignment="center"),
        st.container(width=400),
    ):
        st.html(
            f'<div class="door-brand"><img src="{door_page.ICON}" alt=""><div>'
            f"<b>{escape(shared.settings.school_name)}</b><span>Ground booking</span></div></div>"
        )
        with st.container(border=True, key="card_door"):
            st.title("Sign in", anchor=False)
            st.markdown(problem or "Your account at school lets you in.")
            if may_enter:
                _ways_in()
            else:
                st.button("Sign out", key="session.sign_out", on_click=st.logout, width="stretch")
        st.html(f'<a class="door-wall" href="{base()}/wall">Wall display: today’s grounds</a>')


def _ways_in() -> None:
    names = identity.providers()
    for name in names or ["default"]:
        st.button(
            f"Sign in with {name.capitalize()}" if names else "Sign in",
            key=f"session.sign_in.{name}",
            on_click=st.login,
            args=(name,) if names else (),
            type="primary",
            width="stretch",
        )


def _no_entry(shared: Services, *, is_verified: bool) -> str:
    who, contact = words.literal(identity.claimed()), words.literal(shared.settings.contact)
    if is_verified:
        return f"There is no account here for {who}. Ask {contact} for one."
    return f"The address {who} is not verified by its provider. Ask {contact} what to do."
