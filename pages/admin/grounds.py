"""The section for grounds: add, rename, reorder and retire them, and choose their games."""

from __future__ import annotations

import streamlit as st

from booking_core import (
    Actor,
    Ground,
    add_ground,
    change_ground,
    games_to_choose,
    save_grounds_order,
)
from pages.admin import photos, retiring, widgets
from pages.shared.components import elements
from pages.shared.layout import confirmation
from pages.shared.live import fragment
from pages.shared.live.runtime import Services
from pages.shared.text import formats

_OPEN, _PROBLEM, _SAID = "admin.grounds.open", "admin.grounds.problem", "admin.grounds.said"
_NAME, _GAMES = "admin.grounds.name", "admin.grounds.games"


def show(shared: Services) -> None:
    """Draws the section."""
    if said := st.session_state.pop(_SAID, None) or retiring.done():
        st.toast(formats.literal(said), icon=":material/check:")
    fragment.live(shared, "admin.grounds", lambda: _list(shared))
    if retiring.is_open():
        retiring.dialog(shared)
    elif (ground_id := st.session_state.pop(_OPEN, None)) is not None:
        _edit(shared, ground_id)


def _list(shared: Services) -> None:
    grounds = list(shared.reference().grounds.values())
    used = [ground for ground in grounds if not ground.retired]
    retired = [ground for ground in grounds if ground.retired]
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        st.caption("In this order they stand on every screen and on the wall.", width="content")
        if st.button(
            "Add a ground", key="admin.grounds.add", type="primary", icon=":material/add:"
        ):
            _ask("")
    widgets.problem(st.session_state.get(_PROBLEM))
    if not used:
        with st.container(border=True, key="card_admin.grounds.none"):
            st.markdown("##### No grounds yet" if not retired else "##### No ground is in use")
            st.caption("Add one with its games: it is on every screen as soon as it is saved.")
    for place, ground in enumerate(used):
        _row(shared, ground, place, len(used))
    if retired:
        st.markdown("##### Not in use")
        st.caption("They are not shown and cannot be booked; what was booked stays on record.")
    for ground in retired:
        _row(shared, ground, None, 0)


def _row(shared: Services, ground: Ground, place: int | None, count: int) -> None:
    """Draws a ground; ``place`` is its position in the list, or None if it is retired."""
    key = f"admin.grounds.{ground.id}"
    name = formats.literal(ground.name)
    with st.container(
        border=True, key=f"card_{key}", horizontal=True, vertical_alignment="center", gap="small"
    ):
        if place is not None:
            photos.thumbnail(shared, ground.id)
        with st.container(width="stretch", gap=None):
            st.markdown(f"**{name}**")
            st.caption(formats.literal(", ".join(ground.games)) or ":orange[No games yet]")
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            if place is None:
                st.button(
                    "Bring back",
                    key=f"{key}.back",
                    help=f"Bring {name} back into use",
                    on_click=_bring_back,
                    args=(shared, ground),
                )
                return
            for word, step in (("Up", -1), ("Down", 1)):
                st.button(
                    word,
                    key=f"{key}.{word.lower()}",
                    help=f"Move {name} {word.lower()}",
                    disabled=not 0 <= place + step < count,
                    on_click=_step,
                    args=(shared, ground.id, step),
                )
            if st.button("Edit…", key=f"{key}.edit", help=f"Name and games of {name}"):
                _ask(ground.id)
            if st.button("Retire…", key=f"{key}.retire", help=f"Take {name} out of use"):
                retiring.begin(shared, ground.id)
                st.rerun()


def _ask(ground_id: str) -> None:
    """Opens the form in the next run, without the values of the previous one; "": a new ground."""
    state = st.session_state
    state.pop(_PROBLEM, None)
    for key in (_NAME, _GAMES, "admin.grounds.was"):
        state.pop(key, None)
    state[_OPEN] = ground_id
    st.rerun()


def _step(shared: Services, ground_id: str, step: int) -> None:
    grounds = shared.reference().grounds
    used = [ground.id for ground in grounds.values() if not ground.retired]
    if ground_id not in used:  # another admin has just retired it
        return
    place = used.index(ground_id)
    used.insert(max(place + step, 0), used.pop(place))
    rest = [id for id in grounds if id not in used]
    st.session_state[_PROBLEM] = widgets.attempt(
        shared, lambda by: save_grounds_order(shared.db, used + rest, by=by)
    )


def _bring_back(shared: Services, ground: Ground) -> None:
    st.session_state[_PROBLEM] = widgets.attempt(
        shared, lambda by: change_ground(shared.db, ground.id, retired=False, by=by)
    )


def _edit(shared: Services, ground_id: str) -> None:
    st.dialog("Edit ground" if ground_id else "Add a ground")(_form)(shared, ground_id)


def _form(shared: Services, ground_id: str) -> None:
    known = shared.reference().grounds
    # The ground as it was when the dialog opened: a save then detects changes of other admins.
    ground: Ground | None = st.session_state.setdefault("admin.grounds.was", {}).setdefault(
        ground_id, known.get(ground_id)
    )
    st.session_state.setdefault(_NAME, ground.name if ground else "")
    st.session_state.setdefault(_GAMES, list(ground.games) if ground else [])
    name = st.text_input("Name", key=_NAME, max_chars=120, placeholder="Football ground")
    chosen = st.multiselect(
        "Games",
        games_to_choose(known.values(), st.session_state[_GAMES]),
        key=_GAMES,
        accept_new_options=True,
        placeholder="Choose, or type a new one",
        help="Only these can be booked here. Bookings of another game stay as they are.",
    )
    if not chosen:
        st.caption("Without a game nobody can book it yet.")
    if ground is not None:
        photos.form(shared, ground_id)
    stored = (ground.name, ground.games) if ground else ("", ())
    elements.unsaved((name, tuple(chosen)) != stored, key="admin.grounds.unsaved")

    def save(by: Actor) -> Ground:
        if ground is None:
            return add_ground(shared.db, name, chosen, by=by)
        return change_ground(shared.db, ground_id, name=name, games=chosen, by=by, was=ground)

    if confirmation.show(
        shared,
        ("Back", "admin.grounds.edit.back"),
        ("Save" if ground else "Add ground", "admin.grounds.edit.save"),
        save,
        close=_close,
    ):
        _close(f"{name.strip()} {'is saved.' if ground else 'is on every screen now.'}")


def _close(said: str | None = None) -> None:
    st.session_state.pop("admin.grounds.was", None)
    st.session_state[_SAID] = said
    st.rerun()
