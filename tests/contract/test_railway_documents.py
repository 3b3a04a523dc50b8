"""What we send to Railway is valid by Railway's own schema, where that is at hand."""

from __future__ import annotations

import json

import pytest

from gateways.railway import DOCUMENTS, UNDER_WAY, WRITE_PATCH
from tests.support.servers import ROOT

graphql = pytest.importorskip("graphql", reason="graphql-core is not installed")
SCHEMA = ROOT.parent / "shared" / "railway" / "schema.json"
pytestmark = pytest.mark.skipif(not SCHEMA.exists(), reason="Railway's schema is not here")


@pytest.fixture(scope="module")
def schema():
    stored = json.loads(SCHEMA.read_text())
    return graphql.build_client_schema(stored.get("data", stored), assume_valid=True)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: one.split("(")[0].split()[1])
def test_the_document_is_valid(schema, document):
    assert graphql.validate(schema, graphql.parse(document)) == []


def test_an_invalid_document_is_found(schema):
    wrong = WRITE_PATCH.replace("patch: $patch", "replicas: $patch")
    assert graphql.validate(schema, graphql.parse(wrong))


def test_the_input_of_the_fallback_has_our_field(schema):
    fields = schema.type_map["ServiceInstanceUpdateInput"].fields
    assert {"multiRegionConfig", "numReplicas"} <= set(fields)


def test_the_states_we_wait_for_exist(schema):
    assert set(schema.type_map["DeploymentStatus"].values) >= UNDER_WAY
    assert "RUNNING" in schema.type_map["DeploymentInstanceStatus"].values
