"""The route of the school's logo over HTTP, of a running app."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image
from support import ADMIN, HTTP_SECONDS, eventually

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
from app_server import AppServer, School, running_app

from booking_core import Logo, remove_school_logo, save_school_logo

SCHOOL_NAME = 'Hill <b> & "Sons"'


@pytest.fixture(scope="module")
def running(
    mongod_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[AppServer, School]]:
    home = tmp_path_factory.mktemp("home")
    with running_app(home, mongod_uri, SCHOOL_NAME=SCHOOL_NAME) as both:
        yield both


@pytest.fixture
def school(running: tuple[AppServer, School]) -> School:
    remove_school_logo(running[1].db, by=ADMIN)
    return running[1]


@pytest.fixture
def visitor(running: tuple[AppServer, School]) -> Iterator[httpx.Client]:
    """A client without a session."""
    with httpx.Client(base_url=running[0].url, timeout=HTTP_SECONDS) as client:
        yield client


def saved(school: School, visitor: httpx.Client, color: str = "navy") -> Logo:
    """Saves a logo; returns it when the app serves it."""
    out = io.BytesIO()
    Image.new("RGB", (40, 20), color).save(out, "PNG")
    logo = save_school_logo(school.db, out.getvalue(), by=ADMIN)
    eventually(lambda: visitor.get("/logo").content == logo.png)
    return logo


def test_a_visitor_reads_the_logo_which_is_kept_by_its_content(school, visitor):
    eventually(lambda: visitor.get("/logo").status_code == 404)

    logo = saved(school, visitor)

    answer = visitor.get(f"/logo?v={logo.digest}")
    assert (answer.status_code, answer.content) == (200, logo.png)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["etag"] == f'"{logo.digest}"'
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "set-cookie" not in answer.headers
    opened = visitor.get("/logo", headers={"accept": "text/html,image/png"})  # in a tab of its own
    assert (opened.status_code, opened.content) == (200, logo.png)


def test_a_client_that_has_the_logo_gets_no_content_again(school, visitor):
    logo = saved(school, visitor)

    for tags in (f'"{logo.digest}"', f'"other", W/"{logo.digest}"'):
        answer = visitor.get("/logo", headers={"if-none-match": tags})
        assert (answer.status_code, answer.content) == (304, b"")
    answer = visitor.get("/logo", headers={"if-none-match": '"other"'})
    assert (answer.status_code, answer.content) == (200, logo.png)


def test_an_address_of_a_former_logo_gets_the_present_one_which_is_not_kept(school, visitor):
    former = saved(school, visitor)
    logo = saved(school, visitor, "maroon")

    answer = visitor.get(f"/logo?v={former.digest}")

    assert answer.content == logo.png
    assert answer.headers["cache-control"] == "no-cache"


def test_the_sign_in_pages_show_it_and_their_policy_allows_it(school, visitor):
    logo = saved(school, visitor)

    page = visitor.get("/signin")

    picture = re.search('<img src="([^"]+)" width="40" height="20" alt="([^"]+)">', page.text)
    assert picture is not None
    assert picture[1] == f"/logo?v={logo.digest}"
    assert picture[2] == "Hill &lt;b&gt; &amp; &#34;Sons&#34;"
    assert "img-src data: 'self'" in page.headers["content-security-policy"]
    assert f"/logo?v={logo.digest}" in visitor.get("/auth/nothing").text  # a page of an error
    remove_school_logo(school.db, by=ADMIN)
    eventually(lambda: "<img" not in visitor.get("/signin").text)
