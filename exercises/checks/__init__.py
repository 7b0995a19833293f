"""Checks of the exercises: each yields a sentence for everything that is wrong."""
