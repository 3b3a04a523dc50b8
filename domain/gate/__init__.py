"""What may reach a seller: every proposed value is judged here."""

from domain.gate.verdict import Verdict, clean_value, find_markup, judge, list_kept_facts
from domain.gate.voice import list_avoided_left

__all__ = ["Verdict", "clean_value", "find_markup", "judge", "list_avoided_left", "list_kept_facts"]
