"""Find the codes of a generator's own images, and compare them with the true ones."""
