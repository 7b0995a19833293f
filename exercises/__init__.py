"""Exercises: stubs to fill in, and checks that say in words what is wrong."""
