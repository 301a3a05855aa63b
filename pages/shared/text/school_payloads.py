"""Payloads of all grounds over some days: how many periods of each are free on each day."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import time
from functools import partial
from typing import Any

from booking_core import Board, GroundDay, GroundFilter
from pages.shared.text import formats, payloads, week_payloads

_LEGEND = "The longer the bar, the larger the free part of what is left of the day."
_PRESS = "Press a cell to see the ground on that day."


def grid(
    boards: Sequence[Board], figures: Sequence[Iterable[GroundDay]], wanted: GroundFilter
) -> bytes:
    """The payload (JSON) with a row for each ground that is ``wanted`` on one of the days of
    ``boards``, and a cell for each day; ``figures`` has the ``ground_days`` of each board, at the
    time that is ``wanted``."""
    if not boards:
        hint = "Choose another day above."
        return json.dumps({"rows": [], "empty": ["No day of school ahead", hint]}).encode()
    today = boards[0].now.astimezone(boards[0].zone).date()
    fit = {ground.id for board in boards for ground in board.matching(wanted).grounds}
    by_ground = [{day.ground.id: day for day in days} for days in figures]
    # Boards that were read around a change of the grounds may differ in them for a moment.
    fit.intersection_update(*by_ground)
    cell = _cell if wanted.free_at is None else partial(_cell_at, wanted.free_at)
    rows = [
        column
        | {"cells": [cell(b, of[column["id"]]) for b, of in zip(boards, by_ground, strict=True)]}
        for column in payloads.columns(boards[0].grounds)
        if column["id"] in fit
    ]
    days = payloads.days(boards[0].date, boards[-1].date, today)
    at = "" if wanted.free_at is None else formats.clock(wanted.free_at)
    payload = {
        "heading": f"Grounds at {at}, {days}" if at else f"Free periods of each ground, {days}",
        "days": [
            {
                "date": board.date.isoformat(),
                "lines": week_payloads.day_lines(board.date, today),
                "today": board.date == today,
            }
            for board in boards
        ],
        "rows": rows,
        "empty": None if rows else _empty(boards, wanted),
        "legend": f"At {at} only. {_PRESS}" if at else f"{_LEGEND} {_PRESS}",
    }
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()


def _cell(board: Board, day: GroundDay) -> dict[str, Any]:
    kind, text, about = "free", f"{day.free} free", f"{day.free} of {day.open} periods free"
    if not board.plan.of(day.ground.id).periods:
        why = "no periods" if board.plan.is_school else "no school"
        kind, text, about = "over", why, why
    elif not day.ahead:
        kind, text, about = "over", "over", "over"
    elif not day.open:
        kind, text = "closed", "closed"
        about = f"closed, {day.note}" if day.note else "closed"
    elif not day.free:
        kind, text, about = "full", "full", "full, no period is free"
    share = round(day.free / day.open, 2) if day.open else 0
    return {"kind": kind, "text": text, "share": share, "label": _label(board, day, about)}


def _cell_at(free_at: time, board: Board, day: GroundDay) -> dict[str, Any]:
    """What a ground is at the start of one period; ``day`` counts that period alone."""
    at = formats.clock(free_at)
    kind, text = "free", "free"
    if all(period.start != free_at for period in board.plan.of(day.ground.id).periods):
        kind, text = "over", "no period"
    elif not day.ahead:
        kind, text = "over", "past"
    elif not day.open:
        kind, text = "closed", "closed"
    elif not day.free:
        kind, text = "full", "taken"
    about = f"{text} at {at}, {day.note}" if day.note else f"{text} at {at}"
    return {"kind": kind, "text": text, "share": None, "label": _label(board, day, about)}


def _label(board: Board, day: GroundDay, about: str) -> str:
    return f"{day.ground.name}, {formats.short_date(board.date)}: {about}"


def _empty(boards: Sequence[Board], wanted: GroundFilter) -> list[str]:
    if not boards[0].grounds:
        return ["No grounds yet", "An admin adds the first one; it appears here by itself."]
    ground = f"No ground for {wanted.game}" if wanted.game else "No ground"
    if wanted.free_at is None:
        return [ground, "Choose another game above."]
    at = formats.clock(wanted.free_at)
    title = f"{ground} is free at {at} on any of these days"
    return [title, "Choose other days or another time above, or press “Any time”."]
