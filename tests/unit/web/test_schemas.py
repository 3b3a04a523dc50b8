"""The API's shapes know every field of a listing, and its words are ours."""

from __future__ import annotations

from typing import get_args

from domain.files.forms import Form
from domain.findings import Check
from domain.job import JobState, Outcome
from domain.listing import LIST_FIELDS, TEXT_FIELDS, Channel
from web.api.schemas import FieldName, FormQuery, ListingIn
from web.dashboard import wording


def test_every_text_field_can_be_sent():
    assert get_args(FieldName) == TEXT_FIELDS
    assert set(TEXT_FIELDS) <= set(ListingIn.model_fields)


def test_list_fields_are_lists():
    for name in TEXT_FIELDS:
        kinds = str(ListingIn.model_fields[name].annotation)
        assert ("list[" in kinds) == (name in LIST_FIELDS), name


def test_every_form_can_be_asked_for_and_has_words():
    for form in Form:
        assert FormQuery.model_validate({"form": form.value}).form == form
        assert wording.FORMS[form]


def test_sellers_never_read_our_codes():
    assert set(wording.CHANNELS) == set(Channel)
    assert set(wording.FIELDS) == set(TEXT_FIELDS)
    assert set(wording.JOB_STATES) == set(JobState)
    assert set(wording.OUTCOMES) == set(Outcome)
    assert set(wording.CHECKS) == set(Check)


def test_money_and_sizes_read_well():
    assert wording.format_cost(0) == "nothing"
    assert wording.format_cost(1234) == "$0.0012"
    assert wording.format_cost(12_345_678) == "$12.35"
    assert wording.format_size(999) == "999 bytes"
    assert wording.format_size(2_500_000) == "2.5 MB"
    assert wording.count_of(1, "product") == "1 product"
    assert wording.count_of(2000, "product") == "2,000 products"
