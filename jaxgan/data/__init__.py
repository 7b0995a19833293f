"""Digit images as arrays.

`load` returns one split of a dataset: the sample of 5,000 digits that needs no network,
or an official dataset. `random_affine` changes an image a little and leaves its class
what it is.

>>> from jaxgan import data
>>> digits = data.load("sample", "train")
>>> digits.images.shape, digits.images.dtype
((4000, 28, 28, 1), dtype('uint8'))

Read `loading` first; `idx`, `official` and `tfds_store` are where it reads from.
"""

from jaxgan.data.augmentation import affine, random_affine
from jaxgan.data.loading import NAMES, Dataset, load

__all__ = [
    "Dataset",
    "NAMES",
    "affine",
    "load",
    "random_affine",
]
