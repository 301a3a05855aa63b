"""The connections of a client, made anew without closing the client.

This uses the driver beyond its documentation. The documented way is a new client, and closing the
old one would end the calls of other threads. ``tests/integration/test_elections.py`` fails where
an upgrade of the driver changes this.
"""

from __future__ import annotations

import logging
from typing import Any

from pymongo import MongoClient

log = logging.getLogger(__name__)


def renew(client: MongoClient[Any]) -> None:
    """From now on calls open new connections; those under way end on the old ones."""
    for server in list(client._topology._servers.values()):
        server.pool.reset()
        server.pool.ready()  # else it would wait for the next heartbeat
    log.warning("the connections to the database are made anew: one had no sessions")
