"""The numbers by which every budget works, in one place for the model and for the script."""

from __future__ import annotations

from typing import Final

from domain.budget.values import SLACK_S

LINE_S: Final = 30.0
"""Whoever would stand further back than this is sent away without a place."""

LINE_MAX: Final = 512
"""The most places in the line: each is looked at whenever somebody asks."""

GRACE_S: Final = 10.0
"""A place is kept so long after its turn has come; then its owner counts as dead."""

HEAD_START_S: Final = 5.0
"""An urgent call stands as if it had come so much earlier, so that no other ever starves."""

OPEN_S: Final = 120.0
"""A reservation that nobody settles is forgotten after so long; what it booked flows back."""

ARRIVE_S: Final = 5.0
"""A call may reach the provider so long after its grant: until then nothing of it flows back."""

BUSY_WAIT_S: Final = 1.0
SPENT_WAIT_S: Final = 5.0
"""How soon to ask again while calls in flight may still give back what they booked."""

DRIFT_S: Final = 0.6
"""The provider's count may be above ours by what flows back in so long before we believe that
somebody else spends too: its headers and our settlements overtake each other by milliseconds."""

MARGIN_FACTOR: Final = 1.5
MARGIN_S_MAX: Final = 6.0
MARGIN_HALF_LIFE_S: Final = 60.0
"""While somebody else spends, we stay below the limit by so many times what they took unseen, at
most what flows back in ``MARGIN_S_MAX``."""

DISTRUST_S: Final = 600.0
"""So long after a 429 the provider's count is not believed where it is lower than ours."""

RATIO_WEIGHT: Final = 0.1
RATIO_LEAST: Final = 0.1
"""What share of a booking is really used, on the average of the last ones: the line moves by that
much faster than what stands in it was booked for."""

LEAST_WAIT_S: Final = 0.02
"""Nobody is told to ask again sooner, but for one whose own turn is nearer than that."""

ALERT_PERCENTS: Final = (50, 75, 90)

SHARED: Final = {
    "line_s": LINE_S,
    "line_max": LINE_MAX,
    "grace_s": GRACE_S,
    "head_start_s": HEAD_START_S,
    "open_s": OPEN_S,
    "arrive_s": ARRIVE_S,
    "busy_wait_s": BUSY_WAIT_S,
    "spent_wait_s": SPENT_WAIT_S,
    "slack_s": SLACK_S,
    "drift_s": DRIFT_S,
    "margin_factor": MARGIN_FACTOR,
    "margin_s_max": MARGIN_S_MAX,
    "margin_half_life_s": MARGIN_HALF_LIFE_S,
    "distrust_s": DISTRUST_S,
    "ratio_weight": RATIO_WEIGHT,
    "ratio_least": RATIO_LEAST,
    "least_wait_s": LEAST_WAIT_S,
    "alert_percents": ALERT_PERCENTS,
}
