"""Texts and payloads of the components, from values of the core. No queries."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date as Date
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from booking_core import (
    Actor,
    Board,
    Booking,
    BookingError,
    Cell,
    CellState,
    Decision,
    Ground,
    GroundClosed,
    GroundFilter,
    NoSchool,
    NotAPeriod,
    Party,
    Period,
    Policy,
    Quota,
    QuotaReached,
    Slot,
    SlotTaken,
    Status,
    StudentBusy,
    SupervisorBusy,
    TooFarAhead,
    layouts,
    may,
    people_of,
    widest,
)
from pages.shared.text import formats, messages

SOON, URGENT = 24 * 60, 240  # minutes before the start
CHIP = {
    Status.PENDING: "chip pending",
    Status.APPROVED: "chip booked",
}

ALL = GroundFilter()
_ANOTHER_TIME = "Choose another day or time above, or press “Any time”."


def grid(board: Board, picked: Slot | None, live: bool, wanted: GroundFilter = ALL) -> bytes:
    """The day grid's payload (JSON), with the grounds that are ``wanted`` and the picked one."""
    picked_id = picked.ground_id if picked and picked.date == board.date else ""
    shown = board.matching(wanted, also=picked_id)
    payload = _grid(shown, picked, live)
    payload |= asked(wanted)
    others = [ground for ground in shown.grounds if ground.id != picked_id]
    if board.grounds and not others:
        if not shown.grounds:
            whole = _grid(board, None, live)["empty"]  # no filter explains a day that is closed
            hint = _ANOTHER_TIME if wanted.free_at else "Choose another game above."
            payload["empty"] = whole or [none_fits(wanted, board), hint]
        elif not board.matching(wanted).grounds:
            payload["note"] = f"{none_fits(wanted, board)}. The grid shows the one that you picked."
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()


def asked(wanted: GroundFilter) -> dict[str, str]:
    """The start of the period that the grid marks."""
    return {"asked": f"{wanted.free_at:%H:%M}"} if wanted.free_at else {}


def none_fits(wanted: GroundFilter, board: Board) -> str:
    """``No ground for Hockey is free at 4 PM on Mon 30 Nov``."""
    date = formats.short_date(board.date)
    what = f"No ground for {wanted.game}" if wanted.game else "No ground"
    if wanted.free_at is None:
        return what
    at = formats.clock(wanted.free_at)
    if all(period.start != wanted.free_at for period in board.periods):
        return f"No period begins at {at} on {date}"
    return f"{what} is free at {at} on {date}"


def _grid(board: Board, picked: Slot | None, live: bool) -> dict[str, Any]:
    today, now = board.now.astimezone(board.zone).date(), board.now.timestamp()
    periods = []
    for period in board.periods:
        times = formats.span(period.start, period.end)
        # Compared by timestamps, because a clock change shows the same time of day twice.
        starts_at = board.starts_at(period).timestamp()
        ends_at = board.ends_at(period).timestamp()
        begun, over = starts_at <= now, ends_at <= now
        periods.append(
            {
                "start": f"{period.start:%H:%M}",
                "from": int(starts_at * 1000),
                "to": int(ends_at * 1000),
                "label": times,
                "name": _name(board, period),
                "time": f"{_name(board, period)}, {times}" if _name(board, period) else times,
                "now": begun and not over,
                "past": over,
            }
        )
    cells = [_row(board, period) for period in board.periods]
    known = {ground.id: ground for ground in board.grounds}
    empty, note = _notes_of(board, [cell for row in cells for cell in row if cell])
    if without := [g.name for g in board.grounds if not board.plan.of(g.id).periods]:
        note = " ".join(filter(None, (note, f"No periods on {', '.join(without)}.")))
    return {
        "date": board.date.isoformat(),
        "heading": formats.day_heading(board.date, today),
        "term": formats.term_and_week(board.plan.term, board.plan.week),
        "note": note,
        "columns": columns(board.grounds),
        "periods": periods,
        "cells": [[cell and cell_texts(cell, known) for cell in row] for row in cells],
        "picked": picked_periods(board, picked),
        "choice": f"{slot_title(picked, known)}, {formats.span(picked.start, picked.end)}"
        if picked
        else "",
        "live": live,
        "empty": empty,
    }


def _name(board: Board, span: Period) -> str:
    """The name of a row: that of its period, if all grounds with these times call it so."""
    plans = {id(plan): plan for plan in (board.plan.of(g.id) for g in board.grounds)}
    own = [p for plan in plans.values() for p in plan.periods]
    here = [p for p in own if (p.start, p.end) == (span.start, span.end)]
    names = {"" if is_plain(period) else period.label for period in here}
    return names.pop() if len(names) == 1 else ""


def _row(board: Board, period: Period) -> list[Cell | None]:
    """The cell of each ground; None for a ground that has other periods."""
    cells = {cell.ground.id: cell for cell in board.row(period)}
    return [cells.get(ground.id) for ground in board.grounds]


def grid_then(board: Board) -> bytes:
    """The day grid's payload (JSON) for the board of a past moment, on which nothing is pressed."""
    data = _grid(board, None, live=False)
    # The words for a day of now, such as "Today", would be about the moment of the board.
    data |= {"readOnly": True, "heading": formats.short_date(board.date), "note": ""}
    data["periods"] = [period | {"now": False} for period in data["periods"]]
    if not board.grounds:
        data["empty"] = ["No grounds", "There were no grounds at this moment."]
    elif not board.periods:
        note = board.plan.note or "There were no periods on this day."
        data["empty"] = [f"No school on {formats.short_date(board.date)}", note]
    else:
        data["empty"] = None
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode()


def picked_periods(board: Board, picked: Slot | None) -> dict[str, Any] | None:
    """Ground, date and starts of the periods of ``board`` that ``picked`` covers."""
    if picked is None:
        return None
    covered = board.plan.of(picked.ground_id).within(picked.start, picked.end)
    starts = [f"{period.start:%H:%M}" for period in covered]
    return {"ground": picked.ground_id, "date": picked.date.isoformat(), "starts": starts}


def move_grid(
    board: Board, booking: Booking, free: Sequence[Slot], picked: Slot | None, live: bool
) -> bytes:
    """The day grid's payload (JSON) for a move of ``booking`` to one of the slots ``free``.

    The cells at which one of them begins can be pressed, and those of other bookings, to swap with.
    The grounds are those for the game of the booking, and its own.
    """
    shown = board.of_game(booking.game, also=booking.ground_id)
    data = _grid(shown, picked, live) | {"freeOnly": True, "empty": None}
    rows = [_row(shown, period) for period in shown.periods]
    data["cells"] = [move_texts(board, booking, free, row) for row in rows]
    note = board.plan.note.rstrip(". ")
    lines = [f"{note}."] if note else []
    if not shown.grounds:
        data["empty"] = [f"No ground for {booking.game}", "An admin chooses the games of a ground."]
    elif not board.periods:
        data["empty"], _ = _notes_of(board, [])
    elif not free:
        lines.append(f"Nothing is free for {booking.game} on this day. Choose another day above.")
    data["note"] = " ".join(lines)
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode()


def move_texts(
    board: Board, booking: Booking, free: Sequence[Slot], cells: Iterable[Cell | None]
) -> list[list[Any] | None]:
    """The ``cell_texts`` of ``cells`` of ``board`` for a move of ``booking`` to one of ``free``.

    A sixth value says that the cell is that of the booking, ``"own"``, or of another one with which
    it can be swapped, ``"swap"``.
    """
    starts = {(slot.ground_id, slot.start) for slot in free}
    known = {ground.id: ground for ground in board.grounds}
    others = board.without(booking)
    found: list[list[Any] | None] = []
    for cell in cells:
        if cell is None:
            found.append(None)
            continue
        texts = cell_texts(cell, known)
        found.append(texts)
        is_own = cell.booking is not None and cell.booking.id == booking.id
        if (cell.ground.id, cell.period.start) in starts:
            texts[:3] = ["free", "Free", "overlaps this booking" if is_own else ""]
        elif is_own:
            texts[1:3] = [booking.game, "this booking"]
        elif cell.booking is not None and cell.booking.kind == "booking" and not cell.is_past:
            texts.append("swap")
        elif cell.state is CellState.FREE:
            slot = Slot(cell.ground.id, board.date, cell.period.start, cell.period.end)
            elsewhere = others.busy(people_of(booking), slot)
            texts[:3] = ["unfit", "Too short", "to begin here"]
            if elsewhere is not None:
                is_student = not set(elsewhere.student_ids).isdisjoint(booking.student_ids)
                who = "Student" if is_student else "Supervisor"
                texts[1:3] = [f"{who} busy", f"on {slot_title(elsewhere.slot, known)}"]
        if is_own:
            texts.append("own")
    return found


def named(period: Period) -> str:
    """``Games, 2–3 PM``; a label that only says the times, perhaps in another form, is left out."""
    times = formats.span(period.start, period.end)
    return times if is_plain(period) else f"{period.label}, {times}"


def is_plain(period: Period) -> bool:
    return formats.is_span(period.label, period.start, period.end)


def _notes_of(board: Board, cells: Sequence[Cell]) -> tuple[list[str] | None, str]:
    """``([title, text], "")`` to show instead of the grid, or ``(None, line above the grid)``."""
    another = "Choose another day above."
    if not board.grounds:
        hint = "An admin adds the first one; it appears here by itself."
        return ["No grounds yet", hint], ""
    date, note = formats.short_date(board.date), board.plan.note.rstrip(". ")
    if not board.periods:
        shut = closed([b.purpose for b in board.bookings if b.kind == "closure"], board.grounds)
        why = shut or ("" if note else "The timetable has no periods for this day.")
        title = f"No school on {date}" + (f": {note}" if note else "")
        return [title, f"{why} {another}".strip()], ""
    ahead = [cell for cell in cells if not cell.is_past]
    if not ahead:
        return None, f"This day is over. {another}"
    lines = [f"{note}."] if note else []
    if all(cell.state is CellState.CLOSED for cell in ahead):
        shut = closed([cell.note for cell in ahead if cell.booking], board.grounds)
        rule = next((f"{cell.note}." for cell in ahead if not cell.booking), "")
        if shut and not rule and len(ahead) == len(cells):
            return [f"Closed on {date}", " ".join([*lines, shut, another])], ""
        lines += [text for text in (rule, shut, another) if text]
    elif all(cell.state is not CellState.FREE for cell in ahead):
        lines.append(f"Nothing is free any more. {another}")
    return None, " ".join(lines)


def closed(reasons: Iterable[str], grounds: Sequence[Ground]) -> str:
    """``All grounds are closed: Rain.``, with each reason once; "" without a reason."""
    text = "; ".join(dict.fromkeys(reason.rstrip(". ") for reason in reasons))
    subject = "All grounds are" if len(grounds) > 1 else f"{grounds[0].name} is"
    return f"{subject} closed: {text}." if text else ""


def columns(grounds: Sequence[Ground]) -> list[dict[str, str]]:
    """Id and name of each ground, and above grounds that share surfaces the name of the widest."""
    found = []
    for group in layouts(grounds):
        heading = widest(group).name if len(group) > 1 else ""
        found += [{"id": g.id, "name": g.name, "group": heading} for g in group]
    return found


def cell_texts(cell: Cell, grounds: Mapping[str, Ground]) -> list[Any]:
    """A cell of the payload: state, first line, second line, whether it has begun, whose it is.

    Of a cell that another layout holds, the second line names that.
    """
    booking = cell.booking
    by = booking.created_by if booking is not None and booking.kind == "booking" else ""
    if cell.state is CellState.FREE:
        return ["free", "Free", "", False, ""]
    if cell.state is CellState.PAST:
        return ["past", "Past", "", True, ""]
    if cell.state is CellState.CLOSED:
        return ["closed", "Closed", cell.note, cell.is_past, ""]
    assert booking is not None
    elsewhere = ""
    if booking.ground_id != cell.ground.id:
        holder = grounds.get(booking.ground_id)
        elsewhere = f"on {holder.name}" if holder else "on another layout"
    if cell.state is CellState.PENDING:
        note = elsewhere or f"{booking.party_group} · {booking.game}"
        return ["pending", "Requested", note, cell.is_past, by]
    note = elsewhere or f"{booking.party_group} · booked"
    return ["booked", booking.game, note, cell.is_past, by]


def slot_title(slot: Slot, grounds: Mapping[str, Ground]) -> str:
    ground = grounds.get(slot.ground_id)
    return ground.name if ground else slot.ground_id


def ground_names(ids: Iterable[str], grounds: dict[str, Ground]) -> str:
    """``Ground 1, Ground 2``, in the order of ``grounds``; ``All grounds`` for all in use."""
    chosen = set(ids)
    in_use = {id for id, ground in grounds.items() if not ground.retired}
    if len(in_use) > 1 and in_use <= chosen:
        return "All grounds"
    names = [ground.name for id, ground in grounds.items() if id in chosen]
    return ", ".join(names + sorted(chosen - grounds.keys()))


def days(first: Date, last: Date, today: Date) -> str:
    """``Today, Mon 23 Nov``, or ``Mon 23 Nov – Fri 27 Nov``."""
    if first == last:
        return formats.day_heading(first, today)
    return f"{formats.short_date(first)} – {formats.short_date(last)}"


def alternative(option: Slot, lost: Slot, grounds: dict[str, Ground]) -> str:
    """The label of an alternative; the part that differs from the slot ``lost`` comes first."""
    time = formats.span(option.start, option.end)
    name = slot_title(option, grounds)
    return f"{time}, {name}" if option.ground_id == lost.ground_id else f"{name}, {time}"


def why(problem: BookingError, grounds: dict[str, Ground]) -> str:
    """Why a date or a ground is not free, in a few words."""
    match problem:
        case SlotTaken(held_by=holder) if holder is not None:
            return f"booked for {holder.party_group}, {holder.game}"
        case StudentBusy(booking=other) if other is not None:
            return f"a student is on {slot_title(other.slot, grounds)} then"
        case SupervisorBusy(booking=other) if other is not None:
            return f"{other.supervisor_name} is on {slot_title(other.slot, grounds)} then"
        case GroundClosed():
            return f"closed: {problem.reason}"
        case NoSchool(ground_id=ground_id) if ground_id is not None:
            return "no periods of this ground"
        case NoSchool():
            return f"no school: {problem.note}" if problem.note else "no school"
        case QuotaReached():
            return "as many bookings that week as allowed"
        case NotAPeriod():
            return "another timetable"
        case TooFarAhead():
            return "too far ahead"
    return messages.error(problem)


def booking_row(
    booking: Booking, by: Actor, grounds: dict[str, Ground], now: datetime
) -> dict[str, Any]:
    """A row of the Bookings screen."""
    today = now.date()
    title = f"{slot_title(booking.slot, grounds)}, {formats.when(booking, today)}"
    actions = [{"name": "details", "label": "Details", "tone": "", "about": f"Details: {title}"}]
    slot = booking.slot
    over, begun = slot.is_over(now, zone_of(now)), slot.has_begun(now, zone_of(now))
    offered = [("move", "Move…", ""), ("cancel", "Cancel…", "no")]
    if begun:
        offered = [("end early", "End now…", "no")]
    if booking.asked:
        offered.insert(0, ("answer", "Answer…", "go"))
    for verb, label, tone in offered:
        if booking.status.is_active and not over and may(verb, by, booking):
            name, about = verb.replace(" ", "_"), f"{label.rstrip('…')}: {title}"
            actions.append({"name": name, "label": label, "tone": tone, "about": about})
    return {
        "id": booking.id,
        "about": title,
        "selectable": False,
        "cells": [
            day_and_times(booking, today),
            [slot_title(booking.slot, grounds), booking.game],
            party(booking),
            [
                booking.created_by_name,
                formats.said_at(booking.created_at, now, zone_of(now)),
            ],
            [
                messages.STATUS[booking.status],
                "\n".join(f"{one.by_name} asks: {one.reason}" for one in booking.questions),
                CHIP.get(booking.status, "chip closed"),
            ],
        ],
        "actions": actions,
    }


def party(booking: Booking) -> list[str]:
    """The cell of a list with the party of a booking and its supervisor."""
    there = f"with {booking.supervisor_name}" if booking.supervisor_name else ""
    return [booking.party_name, ", ".join(filter(None, (booking.party_class, there)))]


def day_and_times(booking: Booking, today: Date) -> list[str]:
    """The cell of a list for when a booking is."""
    return [formats.day_heading(booking.date, today), formats.span(booking.start, booking.end)]


def no_bookings(*, is_narrowed: bool, is_mine: bool, is_past: bool) -> tuple[str, str]:
    """The heading and the hint in the place of an empty list of bookings."""
    if is_narrowed:
        return "No bookings match", "Change the search or the filters."
    whose = "You have no" if is_mine else "No"
    if is_past:
        return f"{whose} past bookings", "A booking is here once its time is over."
    return f"{whose} bookings ahead", "Book a ground, and it appears here at once."


def decision_row(
    booking: Booking,
    others: Sequence[Booking],
    grounds: dict[str, Ground],
    now: datetime,
    policy: Policy,
    term: str = "",
    behind: str = "",
) -> dict[str, Any]:
    """A row of the Approvals screen; a decided booking shows who decided, and who approved it.

    ``others``: other bookings of its students in the same week. ``term``: the term and the week of
    its date, such as ``Term 2, week B``. ``behind``: who waits for the slot.
    """
    today = now.date()
    left = booking.slot.starts_at(zone_of(now)).timestamp() - now.timestamp()
    ahead = int(left // 60)
    soon = f"in {formats.duration(ahead)}" if ahead > 0 else "has begun"
    if ahead > SOON:
        soon = formats.short_date(booking.date)
    title = f"{booking.party_name}, {formats.when(booking, today)}"
    waiting = booking.status is Status.PENDING
    actions: list[dict[str, str]] = []
    if waiting:
        actions = [
            {"name": "reject", "label": "Reject…", "tone": "no", "about": f"Reject: {title}"},
            {"name": "approve", "label": "Approve", "tone": "go", "about": f"Approve: {title}"},
        ]
        if ahead > 0:
            ask = {"name": "ask", "label": "Ask…", "tone": "quiet", "about": f"Ask: {title}"}
            actions.append(ask)
    elif booking.status is Status.APPROVED:
        actions = [
            {"name": "revoke", "label": "Revoke…", "tone": "no", "about": f"Revoke: {title}"}
        ]
    details = {"name": "details", "label": "Details", "tone": "quiet", "about": f"Details: {title}"}
    asked = [formats.said_at(booking.created_at, now, zone_of(now))]
    count, tone = week_count(booking, others, policy)
    chip = f"{count} that week" if count else ""
    # One line for each other booking, with the time first, because a principal compares times.
    under = "\n".join(
        f"{formats.when(other, today)}, {slot_title(other.slot, grounds)}" for other in others
    )
    if waiting:
        asked += [*_changes_of(booking), *questions_of(booking)]
    else:
        chip, under = messages.STATUS[booking.status], "\n".join(_decisions_of(booking))
        tone = CHIP.get(booking.status, "chip closed")
    return {
        "id": booking.id,
        "about": title,
        "selectable": waiting,
        "cells": [
            [
                formats.when(booking, today),
                soon,
                "urgent" if ahead < URGENT and waiting else "",
                term,
            ],
            [
                slot_title(booking.slot, grounds),
                "\n".join(filter(None, (booking.game, behind))),
                "",
                booking.purpose,
            ],
            party(booking),
            [booking.created_by_name, "\n".join(asked)],
            [chip, under, tone],
        ],
        "actions": [*actions, details],
    }


def _decisions_of(booking: Booking) -> list[str]:
    """Who gave the booking its status, who approved it before, and who moved it since."""
    last, approval = booking.last_decision, booking.approval
    if booking.status is Status.APPROVED and approval is not None:
        last = approval  # a reinstated booking has the approval that it had before
    lines = [messages.decided_by(last)]
    if approval is not None and approval is not last:
        lines.append(f"approved {messages.decided_by(approval)}")
    return lines + _changes_of(booking)


def questions_of(booking: Booking) -> list[str]:
    """For whose answer a request waits, with the questions; else the last answer and the questions
    before it."""
    if booking.questions:
        waits = f"Waits for an answer from {booking.created_by_name}"
        return [waits, *map(said, booking.questions)]
    history = booking.history
    answers = [place for place, entry in enumerate(history) if entry.action == "answered"]
    if not answers:
        return []
    first = answers[-2] + 1 if len(answers) > 1 else 0
    asked = [entry for entry in history[first : answers[-1]] if entry.action == "asked"]
    return [*map(said, asked), said(history[answers[-1]])]


def said(entry: Decision) -> str:
    """A question or an answer, with the name of its author."""
    verb = "asks" if entry.action == "asked" else "answers"
    return f"{entry.by_name} {verb}: {entry.reason}"


def _changes_of(booking: Booking) -> list[str]:
    """What was changed after the approval."""
    return [
        f"{messages.done(entry)} after approval {messages.decided_by(entry)}"
        for entry in booking.changed_after_approval
    ]


def week_count(booking: Booking, others: Sequence[Booking], policy: Policy) -> tuple[str, str]:
    """``first``, ``2 of 2`` or ``3 others``, of the students' week, and CSS classes of a chip.

    "" for another party.
    """
    if booking.party is not Party.STUDENTS:
        return "", ""
    if not others:
        return "first", "chip"
    before = Quota.of(others, policy)
    if len(booking.students) == 1 and before.limit is not None and before.held:
        quota = replace(before, held=before.held + 1)
        return f"{quota.held} of {quota.limit}", "chip" if quota.has_room else "chip full"
    return f"{len(others)} other{'s' if len(others) > 1 else ''}", "chip"


def in_brief(booking: Booking, grounds: dict[str, Ground], today: Date) -> str:
    """Two lines of plain text: the slot; the game and the party."""
    return (
        f"{slot_title(booking.slot, grounds)}, {formats.when(booking, today)}\n"
        f"{booking.game}, {booking.whom}"
    )


def zone_of(now: datetime) -> ZoneInfo:
    """The time zone of a local moment."""
    zone = now.tzinfo
    assert isinstance(zone, ZoneInfo)
    return zone


_LABELS = {"asked": "Question:", "answered": "Answer:"}  # action -> what its text is


def history(booking: Booking, zone: ZoneInfo) -> list[tuple[str, str, str]]:
    """(line, label, text) for each change of a booking, oldest first; the text is the reason that
    was given, the question or the answer, or ""."""
    lines, is_approved = [], False
    for entry in booking.history:
        is_approved = is_approved or entry.action == "approved"
        after = " with its series" if entry.of_series else ""
        is_change = entry.action in ("moved", "party changed")
        after += " after approval" if is_approved and is_change else ""
        lines.append(
            (
                f"{formats.moment(entry.at, zone)} · "
                f"{messages.done(entry).capitalize()}{after} {messages.decided_by(entry)}"
                f"{' as a correction' if entry.correction else ''}"
                f"{', by mail' if entry.by_mail else ''}",
                _LABELS.get(entry.action, "Reason given:"),
                entry.reason if entry.action != "requested" else "",
            )
        )
    return lines
