"""Digit images as arrays.

`load` returns one split of a dataset: an official one, or the sample of 5,000 digits
that needs no network. `random_affine` distorts an image a little; its class stays.

>>> from jaxgan import data
>>> digits = data.load("sample", "train")
>>> digits.images.shape, digits.images.dtype
((4000, 28, 28, 1), dtype('uint8'))

Read `loading` first, then where it reads from: `official` (which files there are),
`idx` (their format) and `tfds_store` (TensorFlow Datasets). `augmentation` has the
distortions.
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
