"""The section for grounds: add, rename, reorder and retire them, and choose their games."""

from __future__ import annotations

import streamlit as st

from booking_core import (
    Actor,
    Booking,
    Ground,
    InvalidRequest,
    add_ground,
    change_ground,
    games_to_choose,
    save_grounds_order,
    surface_overlaps,
)
from booking_core.live import Scope
from pages.admin import photos, retiring, widgets
from pages.shared.components import elements
from pages.shared.layout import confirmation
from pages.shared.live import fragment
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages

_OPEN, _PROBLEM, _SAID = "admin.grounds.open", "admin.grounds.problem", "admin.grounds.said"
_NAME, _GAMES = "admin.grounds.name", "admin.grounds.games"
_CARETAKER = "admin.grounds.caretaker"
_SURFACES, _REASON = "admin.grounds.surfaces", "admin.grounds.reason"


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
            if beside := _beside(shared, ground):
                st.caption(f"Shares its surface with {formats.literal(beside)}")
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
    for key in (_NAME, _GAMES, _SURFACES, _CARETAKER, _REASON, "admin.grounds.was"):
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
    st.session_state.setdefault(_SURFACES, _listed(ground) if ground else [])
    st.session_state.setdefault(_CARETAKER, ground.caretaker_email if ground else "")
    name = st.text_input(
        "Name", key=_NAME, persist_state="session", max_chars=120, placeholder="Football ground"
    )
    chosen = st.multiselect(
        "Games",
        games_to_choose(known.values(), st.session_state[_GAMES]),
        key=_GAMES,
        persist_state="session",
        accept_new_options=True,
        placeholder="Choose, or type a new one",
        help="Only these can be booked here. Bookings of another game stay as they are.",
    )
    if not chosen:
        st.caption("Without a game nobody can book it yet.")
    surfaces = st.multiselect(
        "Surfaces",
        sorted({s for other in known.values() for s in other.surfaces}),
        key=_SURFACES,
        persist_state="session",
        accept_new_options=True,
        placeholder="One of its own",
        help="Only for a ground that is divided: name its parts, such as main-north and "
        "main-south. The whole lists both, each half lists its own. What is booked on one surface "
        "is taken for every ground that lists it.",
    )
    email = st.text_input(
        "Caretaker's e-mail address",
        key=_CARETAKER,
        persist_state="session",
        max_chars=254,
        placeholder="None",
        help="Gets the list of the day by mail, where Settings have a time for it.",
    )
    lost = _overlaps(shared, ground, surfaces)
    if ground is not None:
        photos.form(shared, ground_id)
    stored: tuple[object, ...] = ("", (), [], "")
    if ground is not None:
        stored = (ground.name, ground.games, _listed(ground), ground.caretaker_email)
    differs = (name, tuple(chosen), surfaces, email) != stored
    elements.unsaved(differs, key="admin.grounds.unsaved")

    def save(by: Actor) -> Ground:
        if ground is None:
            return add_ground(
                shared.db, name, chosen, surfaces=surfaces, caretaker_email=email, by=by
            )
        return change_ground(
            shared.db,
            ground_id,
            name=name,
            games=chosen,
            surfaces=surfaces or (ground_id,),
            caretaker_email=email,
            revoke=[booking.id for booking in lost],
            reason=st.session_state.get(_REASON, ""),
            by=by,
            was=ground,
        )

    word = f"Save and revoke {len(lost)}" if lost else "Save"
    if confirmation.show(
        shared,
        ("Back", "admin.grounds.edit.back"),
        (word if ground else "Add ground", "admin.grounds.edit.save"),
        save,
        close=_close,
    ):
        _close(f"{name.strip()} {'is saved.' if ground else 'is on every screen now.'}")


def _listed(ground: Ground) -> list[str]:
    """The surfaces of a ground as the form shows them: none for its own only."""
    return [] if ground.surfaces == (ground.id,) else list(ground.surfaces)


def _beside(shared: Services, ground: Ground) -> str:
    """The names of the other grounds in use on the same surfaces."""
    others = shared.reference().open_grounds
    return ", ".join(o.name for o in others if o.id != ground.id and o.shares(ground))


def _overlaps(shared: Services, ground: Ground | None, surfaces: list[str]) -> list[Booking]:
    """Draws the upcoming bookings of ``ground`` that other surfaces displace, and asks why."""
    wanted = tuple(sorted(surfaces)) or (ground.id if ground else "",)
    if ground is None or wanted == ground.surfaces:
        return []
    try:
        mark = shared.mark()
        found = shared.cached(
            (Scope.BOOKINGS, Scope.SCHOOL),
            ("surfaces", ground.id, wanted, mark),
            lambda: surface_overlaps(shared.db, ground.id, wanted, now=mark),
        )
    except InvalidRequest as exc:
        widgets.problem(messages.error(exc))
        return []
    if found:
        st.warning(
            f"**{widgets.counted(len(found), 'upcoming booking')} would overlap** with bookings of "
            "grounds on these surfaces. They are revoked, and those who asked for them see why on "
            "Bookings.",
            icon=":material/event:",
        )
        widgets.bookings(shared, found)
        st.text_input("Reason", key=_REASON, persist_state="session", max_chars=200)
    return found


def _close(said: str | None = None) -> None:
    st.session_state.pop("admin.grounds.was", None)
    st.session_state[_SAID] = said
    st.rerun()
