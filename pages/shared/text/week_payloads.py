"""The payload of one ground in a week: the grid with a column for each day."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date as Date
from datetime import time
from typing import Any

from booking_core import Board, Booking, Cell, CellState, DayPlan, GroundFilter, Period, Slot
from pages.shared.text import formats, payloads

_Span = tuple[time, time]
_OTHER = {"A": "B", "B": "A"}  # the letter of the weeks beside


def grid(
    boards: Sequence[Board],
    ground_id: str,
    picked: Slot | None,
    live: bool,
    timetables: Mapping[str, str],
    wanted: GroundFilter = payloads.ALL,
) -> bytes:
    """The day grid's payload (JSON) with a column for each day of ``boards``, at one moment.

    It has a row for each distinct period, by start and end; a cell is null on a day without that
    period. ``timetables``: id -> name. The strip has the grounds that are ``wanted`` on one of the
    days, and the shown one.
    """
    payload = _grid(boards, ground_id, picked, live, timetables, wanted)
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()


def move_grid(
    boards: Sequence[Board],
    ground_id: str,
    booking: Booking,
    free: Mapping[Date, Sequence[Slot]],
    picked: Slot | None,
    live: bool,
    timetables: Mapping[str, str],
) -> bytes:
    """As ``grid``, for a move of ``booking`` to one of the slots ``free`` of each day.

    Its cells are as those of ``payloads.move_grid``, its grounds those for the booking's game.
    """
    shown = [board.of_game(booking.game, also=booking.ground_id) for board in boards]
    payload = _grid(shown, ground_id, picked, live, timetables, payloads.ALL)
    columns = []
    for of_all, board in zip(boards, shown, strict=True):
        cells = _cells(board, ground_id)
        texts = payloads.move_texts(of_all, booking, free[board.date], cells.values())
        columns.append(dict(zip(cells, texts, strict=True)))
    spans = _rows(_cells(board, ground_id) for board in shown)
    payload |= {
        "freeOnly": True,
        "cells": [[column.get(span) for column in columns] for span in spans],
    }
    if payload["empty"] is None and not any(free.values()):
        what = f"Nothing is free for {booking.game} on this ground in this week."
        payload["note"] = f"{what} Choose another week or ground."
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()


def _grid(
    boards: Sequence[Board],
    ground_id: str,
    picked: Slot | None,
    live: bool,
    timetables: Mapping[str, str],
    wanted: GroundFilter,
) -> dict[str, Any]:
    today = boards[0].now.astimezone(boards[0].zone).date()
    known = {ground.id: ground for board in boards for ground in board.grounds}
    fit = {ground.id for board in boards for ground in board.matching(wanted).grounds}
    columns = [_cells(board, ground_id) for board in boards]
    rows = _rows(columns)
    title = known[ground_id].name if ground_id in known else ground_id
    usual_term = _most([_term(board) for board in boards if board.periods])
    plans = [board.plan.of(ground_id) for board in boards]
    usual_table = _most([plan.timetable_id for plan in plans if plan.periods])
    notes = [
        _notes(board, plan, column.values(), usual_term, usual_table, timetables)
        for board, plan, column in zip(boards, plans, columns, strict=True)
    ]
    first, last = boards[0].date, boards[-1].date
    chosen = next((board for board in boards if picked and board.date == picked.date), None)
    return {
        "isWeek": True,
        "ground": ground_id,
        "title": title,
        "grounds": [
            {"id": ground.id, "name": ground.name}
            for ground in boards[0].grounds
            if ground.id in fit or ground.id == ground_id
        ],
        "heading": formats.days(first, last, year=False),
        "distance": _distance(first, today),
        "term": usual_term or "",
        "columns": [
            {
                "id": board.date.isoformat(),
                "name": formats.short_date(board.date),
                "heading": formats.day_heading(board.date, today),
                "lines": day_lines(board.date, today),
                "notes": lines,
                "today": board.date == today,
            }
            for board, lines in zip(boards, notes, strict=True)
        ],
        "periods": [_row(span, boards, columns) for span in rows],
        "cells": [
            [
                payloads.cell_texts(column[span], known) if span in column else None
                for column in columns
            ]
            for span in rows
        ],
        "picked": payloads.picked_periods(chosen, picked) if chosen else None,
        "choice": f"{title}, {formats.when(picked, today)}" if picked and chosen else "",
        "live": live,
        **payloads.asked(wanted),
        **_said(columns, boards, "" if ground_id in fit else _unfit(wanted, fit)),
    }


def _rows(columns: Iterable[Iterable[_Span]]) -> list[_Span]:
    """The distinct periods of all days, by their start."""
    spans = {span for column in columns for span in column}
    # The end of a day, 00:00, comes after all other ends.
    return sorted(spans, key=lambda span: (span[0], span[1] == time(), span[1]))


def _cells(board: Board, ground_id: str) -> dict[_Span, Cell]:
    """The cells of the ground by their times; none if the board does not have the ground."""
    if all(ground.id != ground_id for ground in board.grounds):
        return {}
    periods = board.plan.of(ground_id).periods
    return {(p.start, p.end): board.cell(ground_id, p.start) for p in periods}


def _row(
    span: _Span, boards: Sequence[Board], columns: Sequence[Mapping[_Span, Cell]]
) -> dict[str, Any]:
    """The head of a row. A name is shown if all days with this period call it so."""
    start, end = span
    days = [(b, c[span].period) for b, c in zip(boards, columns, strict=True) if span in c]
    names = {"" if payloads.is_plain(period) else period.label for _, period in days}
    name = names.pop() if len(names) == 1 else ""
    times = formats.span(start, end)
    row: dict[str, Any] = {
        "start": f"{start:%H:%M}",
        "label": times,
        "name": name,
        "time": f"{name}, {times}" if name else times,
        "now": False,
        "past": all(_is_over(board, period) for board, period in days),
    }
    for board, period in days:
        starts_at = board.starts_at(period).timestamp()
        if starts_at <= board.now.timestamp() and not _is_over(board, period):
            ends_at = board.ends_at(period).timestamp()
            row |= {"now": True, "from": int(starts_at * 1000), "to": int(ends_at * 1000)}
    return row


def _is_over(board: Board, period: Period) -> bool:
    # Compared by timestamps, because a clock change shows the same time of day twice.
    return board.ends_at(period).timestamp() <= board.now.timestamp()


def _notes(
    board: Board,
    plan: DayPlan,
    cells: Iterable[Cell],
    usual_term: str | None,
    usual_table: str | None,
    timetables: Mapping[str, str],
) -> list[str]:
    """What the heading of a day says of it: why nothing is booked, and how it differs from the
    others of its week. ``plan`` is that of the shown ground."""
    cells = list(cells)
    note = plan.note.rstrip(". ")
    if not plan.periods:
        what = "No periods" if board.plan.is_school else "No school"
        return [f"{what}: {note}" if note else what]
    lines = [note] if note else []
    closures = [cell.note.rstrip(". ") for cell in cells if _is_closure(cell)]
    if cells and len(closures) == len(cells):
        reasons = "; ".join(dict.fromkeys(filter(None, closures)))
        lines = [f"Closed: {reasons}" if reasons else "Closed", *lines]
    if plan.timetable_id not in (None, usual_table):
        lines.append(timetables.get(plan.timetable_id, "Another timetable"))
    if _term(board) != usual_term:
        is_other_week = usual_term == formats.term_and_week(plan.term, _OTHER.get(plan.week, ""))
        lines.append(f"Week {plan.week}" if is_other_week else _term(board) or "No term")
    return lines


def day_lines(date: Date, today: Date) -> list[str]:
    """``Mon`` and ``23 Nov``, or ``Today``."""
    weekday, day = formats.short_date(date).split(" ", 1)
    return ["Today" if date == today else weekday, day]


def _is_closure(cell: Cell) -> bool:
    return cell.booking is not None and cell.booking.kind == "closure"


def _term(board: Board) -> str:
    return formats.term_and_week(board.plan.term, board.plan.week)


def _most(values: Sequence[str | None]) -> str | None:
    """The most frequent of ``values``, the first of several; None for none."""
    return Counter(values).most_common(1)[0][0] if values else None


def _distance(first: Date, today: Date) -> str:
    """``This week``, ``Next week``, ``In 2 weeks``; the week of ``today`` has seven days."""
    weeks = -((today - first).days // 7)
    if weeks <= 0:
        return "This week" if weeks == 0 else "Past week"
    return "Next week" if weeks == 1 else f"In {weeks} weeks"


def _unfit(wanted: GroundFilter, fit: Collection[str]) -> str:
    """Says that the shown ground is not ``wanted`` on any day of the week."""
    game = f" for {wanted.game}" if wanted.game else ""
    if wanted.free_at is None:
        return f"This ground is not{game}." if fit else f"No ground is{game}."
    on = f"free at {formats.clock(wanted.free_at)} on any day of this week"
    if not fit:
        return f"No ground{game} is {on}. Choose another week or time above, or press “Any time”."
    if wanted.game:
        return f"This ground is not{game}, or not {on}. The other grounds above are both."
    return f"This ground is not {on}. The other grounds above are."


def _said(
    columns: Sequence[Mapping[_Span, Cell]], boards: Sequence[Board], unfit: str
) -> dict[str, Any]:
    """What is shown in place of the grid (``empty``), or above it (``note``).

    ``unfit``: why the filter does not fit the ground, or "".
    """
    if not any(columns):
        if any(board.periods for board in boards):
            text = "Choose another week or ground above."
            return {"empty": ["No periods of this ground in this week", text], "note": ""}
        reasons = dict.fromkeys(b.plan.note.rstrip(". ") for b in boards if b.plan.note)
        why = f"{'; '.join(reasons)}. " if reasons else ""
        return {"empty": ["No school in this week", f"{why}Choose another week above."], "note": ""}
    ahead = [cell for column in columns for cell in column.values() if not cell.is_past]
    another = "Choose another week or ground."
    if not ahead:
        note = "This week is over. Choose another week above."
    elif all(cell.state is not CellState.FREE for cell in ahead):
        note = f"Nothing is free on this ground in this week. {another}"
    else:
        note = unfit
    return {"empty": None, "note": note}
