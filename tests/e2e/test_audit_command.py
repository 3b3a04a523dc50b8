"""`flask audit` as a shell meets it: without settings, servers or network, and with bad input."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from domain.audit.report import FINDING_KEYS
from tests.support.servers import ROOT
from tests.unit.files.streams import OWN

SHOP = OWN / "shopify_catalog.csv"
OFF_LINE = """
import os, socket, sys
def refuse(*_): raise AssertionError("the audit opened a connection")
socket.socket.connect = socket.create_connection = refuse
import app
sys.exit(app.app.cli.main(sys.argv[1:], prog_name="flask", standalone_mode=True))
"""
NO_SETTING_IS_VALID = {
    "DATABASE_URL": "nonsense://",
    "REDIS_URL": "nonsense://",
    "PORT": "not a number",
    "LANG": "C",
    "LC_ALL": "C",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
}


def run(*arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", OFF_LINE, "audit", *map(str, arguments)],
        cwd=ROOT,
        env={"PATH": os.defpath, **NO_SETTING_IS_VALID, **more},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_the_object_stands_alone_on_standard_output():
    done = run(SHOP, "--channel", "ebay", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert list(result) == [
        "channel", "as_of", "rows", "products", "findings", "counts", "muted", "packs",
        "notes",
    ]  # fmt: skip
    assert (result["channel"], result["rows"], result["products"]) == ("ebay", 25, 15)
    assert [tuple(one) for one in result["findings"]] == [FINDING_KEYS] * len(result["findings"])
    assert result["counts"]["hard"] == sum(one["level"] == "hard" for one in result["findings"])
    assert "What to fix, worst first" in done.stderr


def test_lines_are_the_same_findings_as_the_object_s():
    options = (SHOP, "--channel", "all", "--on", "2026-11-22")
    lines = [json.loads(line) for line in run(*options, "--jsonl").stdout.splitlines()]
    assert lines == json.loads(run(*options, "--json").stdout)["findings"]
    assert len(lines) > 20


def test_a_muted_rule_is_counted_apart_with_its_reason():
    title = "gmc.title.promo=SALE is our brand"
    options = (OWN / "generic_tab_utf16.txt", "--channel", "google", "--json")
    plain = json.loads(run(*options).stdout)
    done = run(*options, "--ignore", title)
    muted = json.loads(done.stdout)
    found = plain["counts"]["by_rule"]["gmc.title.promo"]
    assert muted["muted"] == [
        {"rule": "gmc.title.promo", "reason": "SALE is our brand", "findings": found}
    ]
    assert plain["counts"]["hard"] - muted["counts"]["hard"] == found > 0
    assert f"muted     gmc.title.promo: {found} findings left out" in done.stderr


@pytest.mark.parametrize(
    ("ignored", "says"),
    [
        ("gmc.title.promo", "no reason"),
        ("gmc.title.promo=", "without a reason"),
        ("gmc.title.len=x", "cannot be muted"),
        ("gmc.nothing=x", "no rule"),
        ("amz.title.promo=x", "no rule of google"),
    ],
)
def test_a_rule_that_cannot_be_muted_says_why(ignored, says):
    done = run(SHOP, "--channel", "google", "--ignore", ignored)
    assert done.returncode == 2
    assert done.stderr.startswith("--ignore")
    assert says in done.stderr


def test_the_format_can_be_named_and_an_unknown_one_names_all():
    assert "shopify_catalog.csv: shopify_new (" in run(SHOP, "--channel", "ebay").stdout
    named = run(SHOP, "--channel", "ebay", "--profile", "Generic").stdout
    assert "shopify_catalog.csv: generic (as you said)" in named
    done = run(SHOP, "--channel", "ebay", "--profile", "shopfy")
    assert done.returncode == 2
    assert "'shopfy'" in done.stderr
    assert "shopify_new" in done.stderr
    assert "generic" in done.stderr


def test_people_read_the_packs_first():
    done = run(OWN / "generic_tab_utf16.txt", "--channel", "amazon")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "What to fix, worst first"
    assert lines[2].startswith(" 1. HARD ")
    assert "findings  " in done.stdout.rpartition("\n\n")[2]


def test_the_file_s_own_platform_is_the_default():
    assert json.loads(run(SHOP, "--json").stdout)["channel"] == "shopify"


def test_findings_go_into_a_table_that_no_spreadsheet_runs(tmp_path: Path):
    shop = tmp_path / "shop.csv"
    shop.write_text('sku,title\n=1+1,"Mug ★ FREE SHIPPING, é"\n', encoding="utf-8")
    out = tmp_path / "findings.csv"
    assert run(shop, "--channel", "amazon", "--out", out).returncode == 0
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == FINDING_KEYS
    assert {row["product"] for row in rows} == {"'=1+1"}
    assert {path.name for path in tmp_path.iterdir()} == {"findings.csv", "shop.csv"}


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"", "line 1: The file is empty."),
        (b"\x1f\x8b\x08\x00\x00", "line 1"),
        (b"sku,price\nA-1,5\n", "line 1, column title: No title column"),
        (b'sku,title\nA-1,"Mug\n', "line 2"),
        (b"sku,ti\0tle\nA-1,Mug\n", "line 1"),
    ],
)
def test_bad_files_say_where_and_why_and_what_to_do(tmp_path: Path, content, place):
    shop, out = tmp_path / "shop.csv", tmp_path / "findings.csv"
    shop.write_bytes(content)
    done = run(shop, "--channel", "ebay", "--json", "--out", out)
    assert done.returncode == 2
    assert f"{shop}, {place}" in done.stderr
    assert "Traceback" not in done.stderr
    error = json.loads(done.stdout)
    assert (error["exit_code"], error["error"]["code"]) == (2, "bad_file")
    assert [path.name for path in tmp_path.iterdir()] == ["shop.csv"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--channel", "tradera"), "there is no channel 'tradera'"),
        (("--on", "22.11.2026"), "is no date"),
        (("--store", "Germany"), "is no country"),
        (("--store", "XX"), "is no country"),
        (("--json", "--jsonl"), "choose one"),
        (("--out", SHOP), "overwrite your file"),
        (("--out", "no/such/folder.csv"), "no place for a file"),
        (("--limit", "3"), "No such option"),
    ],
)
def test_bad_wishes_are_refused(arguments, said):
    done = run(SHOP, *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert not done.stdout.startswith("What")


def test_a_missing_file_is_named(tmp_path: Path):
    done = run(tmp_path / "no.csv")
    assert done.returncode == 2
    assert "no.csv" in done.stderr


def test_a_reader_that_goes_away_is_no_fault():
    command = [sys.executable, "-m", "flask", "--app", "app.py", "audit", str(SHOP)]
    audit = subprocess.Popen(
        [*command, "--channel", "all", "--jsonl"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert audit.stdout is not None
    audit.stdout.close()
    _, errors = audit.communicate(timeout=60)
    assert audit.returncode == 0
    assert b"Traceback" not in errors
    assert b"Exception ignored" not in errors
