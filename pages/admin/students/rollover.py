"""The class rollover: a choice for each class, the counts, and one confirmation."""

from __future__ import annotations

from typing import Any

import streamlit as st

from booking_core import (
    BookingError,
    RollOverPlan,
    classes_of,
    roll_over,
    roll_over_plan,
    suggest_roll_over,
)
from pages.admin.students import rows
from pages.shared.layout import confirmation
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages

_STAYS, _LEAVES = ("stays",), ("leaves",)
_DONE = "admin.students.rolled"


def show(shared: Services) -> None:
    """Draws the rollover."""
    classes = classes_of(shared.reference().students.values())
    if text := st.session_state.pop(_DONE, ""):
        st.success(text, icon=":material/check:")
    if not classes:
        with st.container(border=True, key="card_rollover_empty"):
            st.markdown("##### No active students")
            st.caption("Import a list first.")
        return
    st.caption(
        "At the end of the school year each class becomes the next one, all at the same moment. "
        "Bookings ahead show the new class, and bookings that have begun keep the old one."
    )
    mapping = _mapping(classes)
    try:
        plan = roll_over_plan(shared.db, mapping)
    except BookingError as exc:
        st.error(formats.literal(messages.error(exc)), icon=":material/error:")
        return
    st.markdown(f"**{_summary(plan)}**")
    if plan.joined:
        st.warning(
            formats.literal(f"Students of several classes meet in {', '.join(plan.joined)}."),
            icon=":material/merge:",
        )
    if st.button(
        "Roll over…",
        key="admin.students.roll",
        type="primary",
        disabled=not plan.moves or not shared.is_live,
    ):
        _confirm(shared, plan)


def _mapping(classes: dict[str, int]) -> dict[str, str | None]:
    """Draws a choice for each class; class -> next class, or None for a class that leaves.

    Classes that stay are left out.
    """
    suggested = suggest_roll_over(classes)
    known = list(dict.fromkeys([*classes, *(c for c in suggested.values() if c is not None)]))
    mapping: dict[str, str | None] = {}
    names = list(classes)
    with st.container(border=True, key="card_rollover"):
        for start in range(0, len(names), 4):
            for place, name in zip(st.columns(4), names[start : start + 4], strict=False):
                others = [("to", other) for other in known if other != name]
                options: list[Any] = [_LEAVES, _STAYS, *others]
                proposal = suggested.get(name, name)
                chosen: Any = _LEAVES if proposal is None else ("to", proposal)
                if proposal == name:
                    chosen = _STAYS
                answer = place.selectbox(
                    formats.literal(f"{name} · {rows.counted(classes[name], 'student')}"),
                    options,
                    index=options.index(chosen),
                    format_func=_label,
                    key=f"admin.students.class.{name}",
                    accept_new_options=True,
                )
                if answer == _LEAVES:
                    mapping[name] = None
                elif answer != _STAYS:
                    mapping[name] = answer if isinstance(answer, str) else answer[1]
    return mapping


def _label(option: Any) -> str:
    if isinstance(option, str):
        return option
    return {"leaves": "Leaves the school", "stays": "Stays as it is"}.get(option[0]) or option[1]


def _summary(plan: RollOverPlan) -> str:
    if not plan.moves:
        return "Every class stays as it is."
    left = len(plan.leaving)
    return (
        f"{rows.counted(plan.moving, 'student')} {'moves' if plan.moving == 1 else 'move'}, "
        f"{formats.number(left)} {'leaves' if left == 1 else 'leave'} the school."
    )


@st.dialog("Roll the classes over?")
def _confirm(shared: Services, plan: RollOverPlan) -> None:
    st.markdown(_summary(plan))
    with st.container(border=True, height=260 if len(plan.moves) > 10 else "content"):
        lines = (
            f"{move.before} {f'becomes {move.after}' if move.after else 'leaves the school'} "
            f"({formats.number(move.students)})"
            for move in plan.moves
        )
        st.text("\n".join(lines))
    if plan.leaving:
        st.caption("Who leaves is deactivated, and can be reactivated one by one.")
        rows.upcoming(shared, plan.leaving, "{} of theirs ahead, which stay")
    mapping = {move.before: move.after for move in plan.moves}
    if confirmation.show(
        shared,
        ("Back", "admin.students.roll.back"),
        ("Roll over", "admin.students.roll.do"),
        lambda by: roll_over(shared.db, mapping, by=by, revision=plan.revision),
    ):
        st.session_state[_DONE] = f"Done. {_summary(plan)}"
        for key in list(st.session_state):
            if str(key).startswith("admin.students.class."):
                del st.session_state[key]
        st.rerun()
