"""Which comparisons there are."""

from suite.groups import GROUPS

__all__ = ["GROUPS"]
