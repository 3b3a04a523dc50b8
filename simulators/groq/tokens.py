"""How the simulator counts tokens: it only has to agree with itself."""

from __future__ import annotations

import math
from typing import Final

BYTES_PER_TOKEN: Final = 3.5


def count_tokens(text: str) -> int:
    """About what a tokenizer says."""
    return math.ceil(len(text.encode("utf-8", "surrogatepass")) / BYTES_PER_TOKEN)
