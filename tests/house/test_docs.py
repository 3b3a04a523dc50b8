"""The papers say what the code says: states, words, tables, links, targets of make."""

from __future__ import annotations

import re

import psycopg
import pytest

from domain.brief import EngineChoice, Mode
from domain.files.forms import Form
from domain.job import MOVES, JobKind, JobState, Lane, Outcome
from domain.listing import Channel
from models.base import Base
from tests.house.repo import ROOMS, ROOT, list_files, list_python, name_of, read
from tests.house.test_migrations import WITHOUT_ROW_CLASS, load_row_classes

PAPERS = [name_of(path) for path in list_files() if path.suffix == ".md"]
DECISION = re.compile(r"docs/decisions/(\d{4})-[a-z0-9-]+\.md")
LINK = re.compile(r"\]\(([^)\s]+)\)")
START, END = "[*]", "[*]"


def read_moves(text: str) -> set[tuple[str, str]]:
    """The arrows of the first Mermaid state diagram, without that into it and those out."""
    diagram = text.split("stateDiagram-v2", 1)[1].split("```", 1)[0]
    arrows = re.findall(r"^\s*(\S+) --> (\w+|\[\*\])", diagram, re.MULTILINE)
    return {(a, b) for a, b in arrows if START not in (a, b)}


def list_anchors(text: str) -> set[str]:
    """The addresses of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


def find_dead_links(name: str) -> list[str]:
    """Links of a page to files or headings that are not there."""
    dead = []
    for link in LINK.findall(read(name)):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        if not target.exists() or (anchor and anchor not in list_anchors(target.read_text())):
            dead.append(link)
    return dead


def test_the_diagram_of_states_is_the_code_s():
    moves = {(a.value, b.value) for a, targets in MOVES.items() for b in targets}
    assert read_moves(read("docs/architecture.md")) == moves


def test_a_wrong_arrow_would_be_seen():
    text = "stateDiagram-v2\n  [*] --> available\n  available --> completed: x\n```"
    assert read_moves(text) == {("available", "completed")}


@pytest.mark.parametrize(
    "words", [JobState, Outcome, Lane, JobKind, Mode, EngineChoice, Form], ids=lambda e: e.__name__
)
def test_the_glossary_has_every_word_of(words):
    glossary = read("docs/glossary.md")
    assert not [word.value for word in words if f"`{word.value}`" not in glossary]


def test_the_architecture_names_every_table_and_no_other():
    load_row_classes()
    tables = {table.name for table in Base.metadata.tables.values()} | WITHOUT_ROW_CLASS
    section = read("docs/architecture.md").split("## Tables", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert named == tables - {"alembic_version"}


def test_the_readme_names_every_channel():
    assert not [
        channel for channel in Channel if channel.value.lower() not in read("README.md").lower()
    ]


@pytest.mark.parametrize("name", PAPERS)
def test_links_lead_somewhere(name):
    assert not find_dead_links(name)


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "docs/runbook.md"])
def test_the_targets_of_make_are_there(name):
    named = set(re.findall(r"\bmake (?:-s )?([a-z]+)", read(name)))
    there = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    assert named
    assert named <= there


def test_no_two_decisions_have_one_number():
    numbers = [found[1] for name in PAPERS if (found := DECISION.fullmatch(name))]
    assert len(numbers) > 10
    assert len(set(numbers)) == len(numbers)


def test_every_decision_is_in_the_list_of_decisions():
    listed = set(LINK.findall(read("docs/decisions/README.md")))
    decisions = {name.rpartition("/")[2] for name in PAPERS if DECISION.fullmatch(name)}
    assert listed == decisions


def test_the_runbook_names_every_warning_and_no_other():
    logged = re.compile(r"\blog\.(?:warning|error|exception)\(\s*\"(\w+)\"")
    texts = [path.read_text(encoding="utf-8") for path in list_python(*ROOMS)]
    events = {event for one in texts for event in logged.findall(one)}
    assert len(events) > 10
    section = read("docs/runbook.md").split("## Warnings and errors in the logs", 1)[1]
    assert set(re.findall(r"`(\w+)`", section)) == events


@pytest.mark.servers
def test_the_runbook_s_queries_run(database_url):
    [queries] = re.findall(r"```sql\n(.*?)```", read("docs/runbook.md"), re.DOTALL)
    inline = re.findall(r"`((?:SELECT|UPDATE|DELETE) [^`]+)`", read("docs/runbook.md"))
    with psycopg.connect(database_url) as connection:
        for query in [*queries.split(";"), *inline]:
            if query.strip():
                connection.execute(query.replace("'…'", "NULL").encode())


def test_the_files_the_readme_works_on_are_there():
    named = re.findall(r"FILE=(\S+)", read("README.md"))
    assert named
    assert not [name for name in named if not (ROOT / name).is_file()]
