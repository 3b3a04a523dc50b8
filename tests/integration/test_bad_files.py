"""Files that no seller should send: each ends with a plain reason, in the API and on the shell."""

from __future__ import annotations

import io
import zipfile

import pytest

from embedded.audit import AuditRequest, run_audit_command
from services.audit import AuditWish
from tests.support.web import Web, open_web, upload
from tests.unit.files.workbooks import build_workbook

pytestmark = pytest.mark.servers

BOOK = build_workbook({"P": [["sku", "title"], ["A", "Mug"]]})


def pack(changed: dict[str, bytes], *, source: bytes = BOOK) -> bytes:
    """A workbook with some of its parts replaced."""
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(source)) as old,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in {*old.namelist(), *changed}:
            new.writestr(name, changed[name] if name in changed else old.read(name))
    return packed.getvalue()


SHEET = next(name for name in zipfile.ZipFile(io.BytesIO(BOOK)).namelist() if "/sheet" in name)
ENTITIES = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
    b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>'
)
FILES = {
    "zip bomb": (pack({"products.csv": b"a" * 30_000_000}), "unpacks to"),
    "xlsx bomb": (pack({SHEET: b"<worksheet>" + b" " * 30_000_000}), "unpacks to"),
    "entities": (pack({SHEET: ENTITIES}), "XML entities"),
    "half a workbook": (BOOK[: len(BOOK) // 2], "damaged or was cut"),
    "a wide header": (b"title,sku" + b",c" * 20_000 + b"\nMug,A\n", "more than 500 columns"),
    "a very wide header": (b"title,sku" + b",c" * 1_500_000 + b"\n", "more than 500 columns"),
    "an open quote": (b'sku,title\nA,"Mug\nB,Cup\n', "closed"),
    "an endless quote": (b'sku,title\nA,"' + b"Mug,\n" * 2_000_000, "closed"),
    "a NUL": (b"sku,title,br\x00and\nA,Mug,x\n", "NUL"),
    "noise": (bytes(range(256)) * 64, "binary"),
    "blank lines": (b"\n" * 100_000, "empty"),
    "a header alone": (b"sku,title\n", "no rows"),
}


@pytest.fixture
def web(database_url, redis_url):
    with open_web(database_url, redis_url) as made:
        yield made


@pytest.mark.parametrize("name", FILES)
def test_an_import_of_it_fails_with_the_reason(web: Web, name):
    content, says = FILES[name]
    path = upload(web, content, name="products.csv", channel="ebay").location
    web.work()
    failed = web.get(path).json
    assert failed["state"] == "failed"
    assert says in failed["error"]["message"]
    assert failed["error"]["remedy"]


@pytest.mark.parametrize("name", FILES)
def test_an_audit_of_it_is_bad_input(tmp_path, capsys, name):
    content, says = FILES[name]
    path = tmp_path / "products.csv"
    path.write_bytes(content)
    assert run_audit_command(AuditRequest(file=path, wish=AuditWish(channel="ebay"))) == 2
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert says in told.err


def test_a_row_with_very_many_cells_stops_no_other(web: Web):
    content = b"sku,title\nA,Mug\nB,Cup" + b",x" * 100_000 + b"\nC,Pot\n"
    path = upload(web, content, channel="ebay").location
    web.work()
    read = web.get(path).json
    assert (read["state"], read["products"], read["estimate"]["jobs"]) == ("ready", 3, 2)
    assert [one["line"] for one in read["problems"]] == [3]
