"""What may reach a seller: every proposed value is judged here."""

from domain.gate.verdict import Verdict, clean_value, find_markup, judge, list_kept_facts

__all__ = ["Verdict", "clean_value", "find_markup", "judge", "list_kept_facts"]
