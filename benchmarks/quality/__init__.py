"""How good the plans are: scores on problems whose best possible return is known."""
