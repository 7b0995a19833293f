"""Images of digits, and of anything else, as arrays.

`load` returns one split of a dataset: an official one, or the sample of 5,000 digits
that needs no network. `load_own` returns images of your own to train and to test with,
from pictures, arrays or tables; `read_images` all images of a file as they are.
`random_affine` distorts an image a little; its class stays.

>>> from jaxgan import data
>>> digits = data.load("sample", "train")
>>> digits.images.shape, digits.images.dtype
((4000, 28, 28, 1), dtype('uint8'))

Read `loading` first, then where it reads from: `official` (which files there are),
`idx` (their format) and `tfds_store` (TensorFlow Datasets). `own` finds the images in
files and folders, with `files` (what is in one file), `names` (what names tell),
`pictures` (PNG and the like), `tables` (text) and `arrays` (axes and scales).
`augmentation` has the distortions.
"""

from jaxgan.data.augmentation import affine, random_affine
from jaxgan.data.loading import NAMES, Dataset, OwnData, load, load_own
from jaxgan.data.own import ImageSet, OwnImages, read_images

__all__ = [
    "Dataset",
    "ImageSet",
    "NAMES",
    "OwnData",
    "OwnImages",
    "affine",
    "load",
    "load_own",
    "random_affine",
    "read_images",
]
