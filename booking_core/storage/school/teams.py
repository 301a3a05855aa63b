"""The collection of teams."""

from __future__ import annotations

from booking_core.domain.errors import AlreadyExists, InvalidRequest
from booking_core.domain.model import Team
from booking_core.storage import documents as d
from booking_core.storage.readable import readable
from booking_core.storage.schema import keys, schema
from booking_core.storage.school.changes import SchoolTransaction


def read(tx: SchoolTransaction) -> dict[str, Team]:
    """All teams by id."""
    rows = tx.collection(schema.TEAMS).find(session=tx.session)
    return {team.id: team for team in readable(schema.TEAMS, d.to_team, rows)}


def put(tx: SchoolTransaction, team: Team) -> None:
    """Stores a team, in the place of the one with its id.

    Raises AlreadyExists and InvalidRequest for what the unique indexes refuse.
    """
    row = keys.with_keys(schema.TEAMS, d.team_document(team))
    refusals = {
        schema.ONE_TEAM_PER_ID: AlreadyExists("team", team.id),
        schema.ONE_TEAM_PER_NAME: InvalidRequest("name", "is the name of another team"),
    }
    with keys.refusals(refusals):
        tx.collection(schema.TEAMS).replace_one(
            {"_id": team.id}, row, upsert=True, session=tx.session
        )


def delete(tx: SchoolTransaction, team_id: str) -> None:
    tx.collection(schema.TEAMS).delete_one({"_id": team_id}, session=tx.session)


def find_unknown_members(tx: SchoolTransaction, team: Team) -> list[str]:
    """The members without a student on record."""
    found = tx.collection(schema.STUDENTS).find(
        {"_id": {"$in": list(team.members)}}, {"_id": 1}, session=tx.session
    )
    known = {row["_id"] for row in found}
    return [id for id in team.members if id not in known]


def find_unknown_staff(tx: SchoolTransaction, team: Team) -> list[str]:
    """Those in charge who have no account."""
    found = tx.collection(schema.ACCOUNTS).find(
        {"_id": {"$in": list(team.staff)}}, {"_id": 1}, session=tx.session
    )
    known = {row["_id"] for row in found}
    return [id for id in team.staff if id not in known]
