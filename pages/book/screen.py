"""The Book screen: pick a slot on the day grid, choose whom and game, review, confirm."""

from contextlib import suppress
from datetime import datetime, timedelta

import streamlit as st

from booking_core import StoreUnavailable, games_to_choose, may
from pages.book import draft, joining, party, repeat, review, several, taken, week
from pages.shared.auth import session
from pages.shared.components import fields
from pages.shared.layout import date_field, first_steps, header, replacing
from pages.shared.live import fragment, runtime, screen_user
from pages.shared.live.days import Days
from pages.shared.text import formats, messages, payloads

FEW_GROUNDS = 8  # with more, the grid can be limited to those of one game
shared = runtime.start()
by = session.actor()
known = shared.reference()
missing = first_steps.missing_sections(known)
now = shared.now()
today = now.date()
last_day = today + timedelta(days=known.policy.advance_days)
first_day = known.policy.first_date(now, shared.settings.zone, known.plan(today).all_periods)
draft.open_form(first_day, today, last_day)
draft.fill_again(known)
date = st.session_state[draft.DATE]
if draft.picked() is not None and draft.reviewing() is None:
    with suppress(StoreUnavailable):  # the grid says it
        draft.drop_invalid_pick(shared.boards.get(date, shared.now()))
games = games_to_choose(known.open_grounds) if len(known.open_grounds) > FEW_GROUNDS else []
if st.session_state.get(draft.GAME_SHOWN) not in games:
    st.session_state[draft.GAME_SHOWN] = None
week.choose_ground(known.open_grounds)
days = week.days_of(known, date, last_day)
strip_days = week.days_of_strip(date, today, last_day)
followed = Days((*days, *strip_days))
starts = week.times(known, days)
unit, to_previous, to_next = week.controls(known, date, days, today, last_day)
draft.write_address(first_day)
st.session_state["book.drawn"] = draft.picked()  # the slot that the panel of this run shows

with header.with_controls(shared, "Book a ground", "control_book"):
    st.button(
        f"Previous {unit}",
        key=f"icon_book.previous_{unit}",
        icon=":material/chevron_left:",
        on_click=draft.move_date,
        args=(to_previous, today, last_day),
        disabled=to_previous is None,
    )
    date_field.draw(draft.DATE, today, last_day, on_change=draft.drop_pick)
    st.button(
        f"Next {unit}",
        key=f"icon_book.next_{unit}",
        icon=":material/chevron_right:",
        on_click=draft.move_date,
        args=(to_next, today, last_day),
        disabled=to_next is None,
    )


def switches() -> None:
    """Draws the choice of a view, the way to today, and the filters of the grounds."""
    with st.container(horizontal=True, key="switch_book"):
        st.segmented_control(
            "View",
            required=True,
            label_visibility="collapsed",
            **fields.pressed(draft.VIEW, [draft.DAY, draft.WEEK, draft.SCHOOL]),
        )
        st.button(
            "Today",
            key="book.today",
            on_click=draft.set_date,
            args=(today,),
            disabled=date == today,
        )
        week.print_link(date)
        if starts:
            week.free_at_control(starts)
        if games:
            st.pills(
                "Grounds for",
                format_func=formats.literal,
                label_visibility="collapsed",
                **fields.pressed(draft.GAME_SHOWN, games),
            )


def boards_of_the_week() -> datetime | None:
    """Draws the grid; returns when the clock alone changes it next, or None."""
    boards = shared.boards_of(days)
    board = next(board for board in boards if board.date == date)
    is_outdated = shared.now().date() != today  # the page was open over midnight
    # An admin has changed grounds, timetables or settings.
    current = shared.reference()
    is_outdated |= current.grounds_revision != known.grounds_revision
    is_outdated |= first_steps.missing_sections(current) != missing
    if is_outdated and draft.reviewing() is None:
        screen_user.rerun_without_activity()
    if is_empty:
        with st.container(border=True, key="card_first_steps"):
            first_steps.card(missing, by)
        return shared.turn_at(boards)
    if (day := week.strip(shared, strip_days)) is not None:
        draft.show(day, None, same_view=True)
        st.rerun()
    if draft.is_school():
        pressed = week.school_grid(shared, known, boards)
    else:
        pressed = week.grid(shared, boards)
    if pressed is not None and (draft.is_school() or not pressed["start"]):
        week.go(boards, pressed)
        st.rerun()
    if pressed is not None:
        if (found := week.slot_at(boards, pressed)) is not None:
            of_day, slot = found
            if of_day.is_free(slot):
                draft.pick(of_day, slot)
            else:
                taken.look(slot)
        st.rerun()
    # The panel's texts about the picked slot and its people depend on the board; an open review
    # updates itself.
    picked = draft.picked()
    waiting = () if picked is None else tuple(entry.id for entry in board.line(picked))
    is_lost = draft.lost(board) is not None
    seen = (shared.is_live, is_lost, draft.is_busy(board), board.date, waiting)
    # A live rerun may have ended the run that would have drawn the panel for a new pick.
    stale = (
        st.session_state.get("book.seen", seen) != seen
        or st.session_state.get("book.drawn") != draft.picked()
    )
    if stale and draft.reviewing() is None:
        st.session_state["book.seen"] = seen
        screen_user.rerun_without_activity()
    st.session_state["book.seen"] = seen
    return shared.turn_at(boards)


def panel() -> None:
    """Draws the steps of a booking: slot, party and game, review."""
    slot = draft.picked()
    step = 1 if slot is None else 2
    names = ("Slot", "For whom", "Review")
    st.markdown(
        " :gray[›] ".join(
            f"**:blue[{i} {name}]**"
            if i == step
            else f":{'green' if i < step else 'gray'}[{i} {name}]"
            for i, name in enumerate(names, start=1)
        )
    )
    if slot is None:
        st.markdown("##### Pick a free slot")
        st.caption(
            "Press a ground on a day to see its periods."
            if draft.is_school()
            else "Press a free cell. Press the one below it to book two periods together."
        )
    else:
        board = shared.boards.get(slot.date, shared.now())
        periods = len(board.plan.of(slot.ground_id).within(slot.start, slot.end))
        count = f" · {periods} periods" if periods > 1 else ""
        with st.container(key="inset_slot", gap=None):
            st.markdown(f"##### {formats.literal(payloads.slot_title(slot, known.grounds))}")
            st.markdown(f"{formats.full_time(slot, today)}{count}")
        gone = draft.lost(board)
        if gone is not None and draft.reviewing() is None:
            review.offer(shared, *gone, "book.panel")
        party.fields(shared, known)
        games = known.ground(slot.ground_id).games
        if games:
            st.session_state.setdefault(draft.game_key(slot.ground_id), games[0])
            st.pills(
                "Game",
                games,
                key=draft.game_key(slot.ground_id),
                persist_state="session",
                format_func=formats.literal,
                required=True,
            )
        st.text_area(
            "Purpose (optional)",
            key=draft.PURPOSE,
            persist_state="session",
            max_chars=draft.MAX_PURPOSE,
            height=80,
            placeholder="Practice for the inter-house final",
        )
        # Who waits asks the principal, also a principal who does.
        waits = gone is not None and draft.reviewing() is None
        if waits:
            pass
        elif may("book approved", by):
            st.session_state.setdefault(draft.APPROVED, True)
            st.toggle(
                "Book without waiting",
                key=draft.APPROVED,
                persist_state="session",
                help="The booking is approved at once, in your name.",
            )
        else:  # the user may have lost the role of principal since the last run
            st.session_state.pop(draft.APPROVED, None)
        is_blocked, hint = False, ""
        try:
            if draft.done() is None:
                is_blocked, hint = party.hint(shared, known, board, slot, by)
        except StoreUnavailable as exc:
            is_blocked, hint = True, messages.error(exc)
        if not games:
            hint = "No game is set for this ground, so it cannot be booked yet. Ask an admin."
        chosen = draft.people_request(slot)
        if waits:
            joining.part(shared, board, slot)
        else:
            st.button(
                "Review and book" if draft.as_approved() else "Review and request",
                key="book.review.open",
                type="primary",
                width="stretch",
                on_click=draft.begin_review,
                disabled=is_blocked
                or not (chosen and games and shared.is_live)
                or gone is not None,
            )
        with st.container(horizontal=True, key="more_ways"):
            st.button(
                "Repeat…",
                key="book.series.open",
                width="stretch",
                on_click=repeat.begin,
                disabled=not (chosen and games and shared.is_live),
                help="The same slot on several dates",
            )
            st.button(
                "Several grounds…",
                key="book.set.open",
                width="stretch",
                on_click=several.begin,
                disabled=not (chosen and games and shared.is_live),
                help="The same periods on several grounds",
            )
        if (problem := draft.problem()) and draft.reviewing() is None:
            st.error(formats.literal(problem), icon=":material/error:")
        if not waits:
            st.caption(hint)


# Without grounds or periods the screen has no grid and no panel.
is_empty = not known.open_grounds or "Timetables" in missing
if is_empty:
    fragment.live(shared, "book", boards_of_the_week, date=lambda: followed)
else:
    grid_side, panel_side = st.columns([2.6, 1], gap="medium")
    with grid_side:
        switches()
        fragment.live(shared, "book", boards_of_the_week, date=lambda: followed)
    with panel_side, st.container(border=True, key="card_panel"):
        if missing:
            first_steps.card(missing, by)
        else:
            panel()

draft.keep_in_browser(known, by)
if joined := draft.take_joined():
    st.toast(formats.literal(joined), icon=":material/hourglass_empty:")
is_open = review.show(shared, date) or repeat.show(shared) or several.show(shared)
if not is_open and not replacing.show(shared):
    taken.show(shared)
