"""How many worker replicas there should be."""

from domain.scaling.policy import decide

__all__ = ["decide"]
