"""The Closures screen of a principal; an admin closes grounds on Admin."""

from pages.admin.closures import section
from pages.shared.auth import session
from pages.shared.layout import header
from pages.shared.live import runtime

shared = runtime.start()
session.actor()

header.show(shared, "Closures")
section.show(shared)
