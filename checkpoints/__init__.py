"""Trained models that ship with jaxgan: see their cards, and `jaxgan.storage`."""
