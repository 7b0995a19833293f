"""What the names of arrays, files and folders tell: train, test, labels."""

import re

TRAIN = {"train", "training", "trn"}
TEST = {"test", "testing", "tst", "t10k"}
OTHER = {"val", "valid", "validation", "dev"}
IS_LABELS = {"label", "labels", "target", "targets", "class", "classes", "gnd", "y"}


def words(name: str) -> set[str]:
    """Return the words of a name: `X_train`, `xTrain` and `train-images` have `train`.

    An x or y that is joined to the word for a split stands alone.
    """
    apart = re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()
    every = re.findall(r"t10k|[a-z]+", apart)
    found = set(every)
    for word in every:
        for part in (word.removeprefix("x"), word.removesuffix("x")):
            if part in TRAIN | TEST | OTHER:
                found.add(part)
        for part in (word.removeprefix("y"), word.removesuffix("y")):
            if part != word and part in TRAIN | TEST | OTHER:
                found |= {part, "y"}
    return found


def split_of(name: str) -> str:
    """Return `test`, `train`, `other` (to validate with), or `all` if nothing tells."""
    said = words(name)
    for split, known in (("test", TEST), ("other", OTHER), ("train", TRAIN)):
        if said & known:
            return split
    return "all"


def is_of_labels(name: str) -> bool:
    """Return whether an array has the name of labels."""
    return bool(words(name) & IS_LABELS)
