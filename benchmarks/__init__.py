"""How fast the search is, and how good its plans are."""
