"""The forms in which a seller gets a file back."""

from __future__ import annotations

from enum import StrEnum


class Form(StrEnum):
    """What the seller gets back."""

    FULL = "full"
    """The seller's own file, byte for byte but for approved cells."""
    CHANGES = "changes"
    """Key columns and changed columns of changed products, to be imported on the platform."""
    REVERT = "revert"
    """The same with the seller's former texts."""
    SUPPLEMENT = "supplement"
    """Key and new fields, for another channel than the file's."""
    PASTE = "paste"
    """Text to paste listing by listing, for Etsy, which takes no file back."""
