"""What docs/api.md shows does what it says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.support.web import Web, open_web

pytestmark = pytest.mark.servers

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text(encoding="utf-8")


@pytest.fixture
def web(database_url, redis_url):
    with open_web(database_url, redis_url) as made:
        yield made


def body_after(address: str):
    """The JSON that a curl of the page sends to an address."""
    found = re.search(rf"{re.escape(address)}\".*?-d '(.*?)'\n```", PAGE, re.DOTALL)
    assert found is not None, address
    return json.loads(found[1])


def test_the_listing_of_the_page_is_improved_as_it_says(web: Web):
    job = web.post("/api/v1/jobs", json=body_after("/api/v1/jobs"))
    assert job.status_code == 202
    web.work()
    done = web.get(job.location).json
    assert done["outcome"] == "improved"
    suggestion = web.get(f"/api/v1/suggestions/{done['suggestion_id']}").json
    [title] = [one for one in suggestion["fields"] if one["field"] == "title"]
    assert f"“{title['after']}”" in PAGE
    assert {one["rule"] for one in title["findings"]} == {
        "amz.title.promo",
        "amz.title.banned_chars",
    }


@pytest.mark.parametrize("address", ["/api/v1/voice", "/api/v1/stores/walmart/mutes"])
def test_what_is_put_on_the_page_is_taken(web: Web, address):
    headers = {"Authorization": f"Bearer {web.key}"}
    assert web.client.put(address, json=body_after(address), headers=headers).status_code == 200
