"""Train generators with penalties on their paths, and compare them."""
