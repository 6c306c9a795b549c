"""How good the plans are: scores, shares of values kept, returns, and matches."""
