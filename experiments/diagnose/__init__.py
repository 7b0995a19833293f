"""Say whether a bad inversion is the fault of the search or of the generator."""
