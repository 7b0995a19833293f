"""Trained models that ship with jaxgan: see each folder's card, and `jaxgan.storage`."""
