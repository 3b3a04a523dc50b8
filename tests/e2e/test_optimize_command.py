"""`flask optimize` from outside: what it prints, how it ends, what it leaves, what it survives."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
import redis

from core.clock import wait_until
from domain.job import Lane
from tests.support.command import build_command, find_pool, kill_workers
from tests.support.groq_sim import running_groq
from tests.support.jobs import make_csv, open_deps, query
from tests.support.processes import list_processes
from tests.support.servers import ROOT
from tests.support.workers import build_worker_process, running_workers

pytestmark = pytest.mark.servers

KEYS = {
    *("channel", "format", "rows", "products", "limited_to", "form", "mode", "jobs", "outcomes"),
    *("engine", "findings_before", "findings_after", "score_before", "score_after"),
    *("cost_microusd", "duration_s", "out", "notes", "exit_code"),
}


@pytest.fixture
def command(database_url, redis_url, tmp_path):
    return build_command(database_url, redis_url, tmp_path)


@pytest.fixture
def groq():
    with running_groq() as simulator:
        yield simulator


@pytest.fixture
def with_groq(database_url, redis_url, tmp_path, groq):
    """The command with a key that the simulator takes."""
    return build_command(
        database_url, redis_url, tmp_path, GROQ_API_KEY="gsk_test", GROQ_BASE_URL=groq.url
    )


@pytest.fixture
def deps(database_url, redis_url):
    with open_deps(database_url, redis_url) as made:
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "products.csv"
    path.write_bytes(make_csv(12))
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out.csv"


def read_titles(path: Path) -> list[str]:
    return [row["title"] for row in csv.DictReader(io.StringIO(path.read_text("utf-8")))]


def find_left(deps, redis_url) -> tuple[list[object], list[bytes]]:
    """Unfinished jobs and Redis keys of commands that have ended."""
    unfinished = query(
        deps, "SELECT id FROM app.job WHERE state NOT IN ('completed', 'discarded', 'cancelled')"
    )
    with redis.Redis.from_url(redis_url) as client:
        return list(unfinished), client.keys("listwright-run-*")


def test_a_run_tells_all_in_one_object_and_a_second_one_reuses_it(
    command, deps, redis_url, file, out
):
    ended = command.run(file, "--channel", "ebay", "--out", out, "--json")
    told = ended.object
    assert ended.code == 0, ended.err
    assert set(told) >= KEYS
    assert (told["exit_code"], told["rows"], told["products"], told["form"]) == (0, 12, 12, "full")
    assert told["jobs"] == {"completed": 12, "reused": 0, "discarded": 0, "cancelled": 0}
    assert told["engine"] == {"groq": 0, "rules": 12}
    assert sum(told["outcomes"].values()) == 12
    assert told["findings_after"] < told["findings_before"]
    assert 0 <= told["score_before"] < told["score_after"] <= 100
    assert "Estimate" in ended.err
    assert all(len(title) <= 80 for title in read_titles(out))
    assert find_left(deps, redis_url) == ([], [])

    again = command.run(file, "--channel", "ebay", "--out", out, "--json").object
    assert again["jobs"] == {"completed": 12, "reused": 12, "discarded": 0, "cancelled": 0}
    assert again["findings_after"] == told["findings_after"]


def test_no_product_and_the_full_form_give_the_file_back_byte_for_byte(command, file, out):
    content = b"\xef\xbb\xbf" + make_csv(3).replace(b"\r\n", b"\n")
    file.write_bytes(content)
    ended = command.run(
        file, "--channel", "google", "--limit", 0, "--form", "full", "--out", out, "--json"
    )
    assert (ended.code, ended.object["limited_to"], ended.object["products"]) == (0, 0, 3)
    assert out.read_bytes() == content


def test_a_form_that_the_file_cannot_have_is_refused_before_any_work(command, file, out):
    content = (ROOT / "docs" / "samples" / "etsy_download.csv").read_bytes()
    file.write_bytes(content)
    ended = command.run(file, "--form", "changes", "--out", out)
    assert ended.code == 2
    assert "Etsy" in ended.err
    assert "Estimate" not in ended.err
    assert not out.exists()


BAD = {
    "no such file": (["missing.csv", "--channel", "ebay"], "missing.csv"),
    "unknown channel": (["products.csv", "--channel", "amazn"], "amazon"),
    "no key": (["products.csv", "--channel", "ebay", "--engine", "groq"], "GROQ_API_KEY"),
    "over the file": (["products.csv", "--channel", "ebay", "--out", "products.csv"], "overwrite"),
    "no folder": (["products.csv", "--channel", "ebay", "--out", "no/where.csv"], "folder"),
    "unknown field": (["products.csv", "--channel", "ebay", "--fields", "colour"], "title"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_done_is_said_before_anything_is_started(command, deps, file, name):
    arguments, word = BAD[name]
    placed = [
        str(file.parent / one) if one.endswith(".csv") and not one.startswith("/") else one
        for one in arguments
    ]
    before = file.read_bytes()
    ended = command.run(*placed, "--json")
    assert ended.code == 2
    assert word in ended.err
    assert "Traceback" not in ended.err
    assert ended.object["exit_code"] == 2
    assert file.read_bytes() == before
    assert query(deps, "SELECT id FROM app.job") == []


def test_a_file_that_cannot_be_read_is_named_with_line_and_place(
    command, deps, redis_url, file, out
):
    file.write_bytes(b'sku,title\nA,"Red mug\n')
    ended = command.run(file, "--channel", "ebay", "--out", out)
    assert (ended.code, ended.out) == (2, "")
    for part in (str(file), "line 2, cell 2", "quote"):
        assert part in ended.err
    assert "Traceback" not in ended.err
    assert not out.exists()
    assert find_left(deps, redis_url) == ([], [])


def test_an_estimate_above_the_limit_stops_before_the_first_call(with_groq, groq, file, out):
    ended = with_groq.run(
        file, "--channel", "ebay", "--max-cost-usd", "0.000001", "--out", out, "--json"
    )
    assert (ended.code, ended.object["error"]["code"]) == (2, "cost_limit")
    assert "--max-cost-usd" in ended.err
    assert (groq.ledger()["calls"], out.exists()) == (0, False)


def test_a_second_run_with_groq_pays_nothing(with_groq, groq, file, out):
    first = with_groq.run(file, "--channel", "ebay", "--out", out, "--json").object
    assert (first["engine"], first["cost_microusd"] > 0) == ({"groq": 12, "rules": 0}, True)
    billed, written = groq.ledger()["billed_calls"], out.read_bytes()
    again = with_groq.run(file, "--channel", "ebay", "--out", out, "--json").object
    assert (again["jobs"]["reused"], again["cost_microusd"]) == (12, 0)
    assert groq.ledger()["billed_calls"] == billed
    assert out.read_bytes() == written
    assert any("simulator" in note for note in again["notes"])


@pytest.mark.parametrize(("engine", "code"), [("groq", 1), ("auto", 0)])
def test_a_refused_key_ends_groq_and_lets_auto_go_on(with_groq, groq, file, out, engine, code):
    groq.set_faults("401")
    ended = with_groq.run(file, "--channel", "ebay", "--engine", engine, "--out", out, "--json")
    told = ended.object
    assert (ended.code, told["exit_code"]) == (code, code)
    jobs = told["jobs"]
    if engine == "groq":
        assert jobs["discarded"] + jobs["cancelled"] == 12
        assert any("refuses the API key" in one["message"] for one in told["failures"])
        assert out.read_bytes() == file.read_bytes()
    else:
        assert (jobs["completed"], told["engine"]["rules"]) == (12, 12)
        assert told["outcomes"]["rules_fallback"] == 12
        assert any("rules engine" in note for note in told["notes"])


def test_it_survives_the_death_of_its_workers(with_groq, groq, deps, file, out, redis_url):
    """Only calls in flight at the kill may be billed twice, and every job ends."""
    file.write_bytes(make_csv(40))
    groq.set_faults("slow")
    with with_groq.start(file, "--channel", "ebay", "--out", out, "--json") as started:
        pool = find_pool(deps)
        assert wait_until(lambda: count_answers(deps) >= 1, timeout_s=30)
        groq.set_faults()
        in_flight = count_running(deps)
        assert kill_workers(pool) >= 2
        ended = started.end()
    told = ended.object
    assert (ended.code, told["jobs"]["completed"]) == (0, 40), ended.err
    assert len(read_titles(out)) == 40
    assert groq.ledger()["billed_calls"] <= count_answers(deps) + max(in_flight, 16)
    assert find_left(deps, redis_url) == ([], [])


def count_answers(deps) -> int:
    return int(query(deps, "SELECT count(*) FROM app.llm_answer")[0][0])


def count_running(deps) -> int:
    return int(query(deps, "SELECT count(*) FROM app.job WHERE state = 'running'")[0][0])


def test_two_runs_on_the_same_file_at_once_both_end(command, deps, redis_url, file, tmp_path):
    outs = [tmp_path / "one.csv", tmp_path / "two.csv"]
    with (
        command.start(file, "--channel", "ebay", "--out", outs[0], "--json") as one,
        command.start(file, "--channel", "ebay", "--out", outs[1], "--json") as two,
    ):
        ended = [one.end(), two.end()]
    assert [one.code for one in ended] == [0, 0], [one.err for one in ended]
    assert [one.object["jobs"]["completed"] for one in ended] == [12, 12]
    assert outs[0].read_bytes() == outs[1].read_bytes()
    assert find_left(deps, redis_url) == ([], [])


def test_ctrl_c_leaves_nothing_behind(with_groq, groq, deps, file, out, redis_url):
    file.write_bytes(make_csv(40))
    groq.set_faults("slow")
    with with_groq.start(file, "--channel", "ebay", "--out", out) as started:
        pool = find_pool(deps)
        assert wait_until(lambda: count_running(deps) > 0, timeout_s=30)
        started.interrupt()
        ended = started.end()
    assert ended.code == 130
    assert "Traceback" not in ended.err
    assert not out.exists()
    assert list_processes(Path(pool)) == {}
    assert find_left(deps, redis_url) == ([], [])


def test_a_worker_of_the_product_takes_none_of_its_jobs(with_groq, deps, file, out, tmp_path):
    """It has no key here: whatever it took would be written by rules."""
    worker = build_worker_process(deps, tmp_path, queues=list(Lane), threads=16)
    with running_workers(deps, worker):
        told = with_groq.run(file, "--channel", "ebay", "--out", out, "--json").object
    assert told["engine"] == {"groq": 12, "rules": 0}


def test_columns_are_named_and_problems_written(command, tmp_path, out):
    file, problems = tmp_path / "odd.csv", tmp_path / "problems.csv"
    file.write_text("Code,Was es ist\nA,Roter Becher\nB,\n", encoding="utf-8")
    named = ("--map", "title=Was es ist", "--map", "sku=Code")
    args = (file, "--channel", "ebay", "--out", out, "--json")
    assert command.run(*args, "--map", "title").code == 2
    ended = command.run(*args, *named, "--problems", problems)
    assert ended.code == 0, ended.err
    assert ended.object["products"] == 2
    assert problems.read_bytes().startswith(b"\xef\xbb\xbfline,column,code")
    voice = tmp_path / "voice.json"
    voice.write_text('{"avoid": "x"}', encoding="utf-8")
    assert "voice" in command.run(*args, "--voice", voice).err
    voice.write_text('{"avoid": ["gift"], "locks": ["title"]}', encoding="utf-8")
    again = command.run(*args, "--voice", voice)
    assert again.code == 0, again.err
    assert any("as you chose them for odd.csv" in note for note in again.object["notes"])


def test_a_rule_is_muted_and_a_format_named_for_one_run(command, tmp_path, out):
    shop = tmp_path / "shop.csv"
    shop.write_text("sku,title,brand\nA,Northfold Free Shipping Tour Poster,Northfold\n", "utf-8")
    plain = command.run(shop, "--channel", "walmart", "--out", out, "--json").object
    assert (plain["findings_before"], plain["findings_muted"]) == (1, 0)
    assert (plain["format"], plain["profile_chosen"]) == ("generic", False)
    said = "wmt.title.promo=Free Shipping is the band"
    options = ("--ignore", said, "--profile", "meta_catalog", "--form", "full")
    muted = command.run(shop, "--channel", "walmart", "--out", out, "--json", *options)
    told = muted.object
    assert (told["findings_before"], told["findings_muted"]) == (0, 1)
    assert (told["format"], told["profile_chosen"]) == ("meta_catalog", True)
    assert "wmt.title.promo is muted: Free Shipping is the band" in told["notes"]
    assert "meta_catalog (as you said)" in muted.err
    assert out.read_bytes() == shop.read_bytes()
    again = command.run(shop, "--channel", "walmart", "--out", out, "--json").object
    assert again["findings_before"] == 1


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--ignore", "nope=x", "no rule"),
        ("--ignore", "wmt.title.max=x", "cannot be muted"),
        ("--ignore", "gmc.title.promo=x", "of walmart"),
        ("--profile", "shopfy", "shopify_new"),
    ],
)
def test_what_cannot_be_muted_or_read_so_is_bad_input(command, file, out, option, value, says):
    ended = command.run(file, "--channel", "walmart", "--out", out, option, value)
    assert (ended.code, out.exists()) == (2, False)
    assert says in ended.err


def test_what_a_run_may_not_touch_is_named_with_the_reason(command, file, out):
    told = command.run(
        file, "--channel", "ebay", "--fields", "description", "--out", out, "--json"
    ).object
    assert told["outcomes"]["already_good"] == 12
    assert told["left_alone"][0] == {
        "listing": "SKU-0",
        "field": "title",
        "rule": "ebay.title.max",
        "reason": "not_asked",
    }
    assert len(told["left_alone"]) == 12
    assert any("SKU-2: title breaks ebay.title.max; left alone:" in one for one in told["notes"])
