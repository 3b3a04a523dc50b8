"""The countries a store may be in."""

from __future__ import annotations

from typing import Final

from core.errors import InvalidFieldError
from domain.marketplaces.rulebook import load_rulebook

_CODES: Final = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ "
    "BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM "
    "DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS "
    "GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN "
    "KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ "
    "MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM "
    "PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV "
    "SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI "
    "VN VU WF WS YE YT ZA ZM ZW "
)
"""ISO 3166-1 alpha-2, as of 2026."""

_COUNTRIES: Final = frozenset(_CODES.split())

_ALIASES: Final = {"UK": "GB"}
"""How marketplaces write what the standard calls otherwise."""


def parse_store(text: str) -> str:
    """The country of a store, in the standard's letters; raises InvalidFieldError.

    A country that no rule names has the rules that hold everywhere.
    """
    store = text.strip().upper()
    store = _ALIASES.get(store, store)
    if store not in _COUNTRIES:
        raise InvalidFieldError(
            f"{text!r} is no country that we know.",
            field="store",
            remedy="Use the two letters of ISO 3166: US, CA, GB, DE, FR, IT, ES, NL, PL, SE, AU, JP"
            f" or another. Rules of their own are known for {', '.join(list_own_stores())}; all"
            " others have the general ones.",
        )
    return store


def list_own_stores() -> tuple[str, ...]:
    """The stores that the rules tell from others, in alphabetical order."""
    rules = (one for found in load_rulebook().rules_by_channel.values() for one in found)
    return tuple(sorted({name for one in rules for name in (*one.only_store, *one.except_store)}))
