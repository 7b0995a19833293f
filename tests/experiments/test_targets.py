"""Users' own images: what is read, and what is refused."""

import numpy as np
import pytest
from PIL import Image

from experiments.running import targets
from experiments.running.errors import UsageError


def test_own_images_are_read_from_arrays_and_pictures(tmp_path):
    gray = np.arange(28 * 28, dtype=np.uint8).reshape(28, 28)
    np.save(tmp_path / "two.npy", np.stack([gray, 255 - gray]))
    np.save(tmp_path / "one.npy", gray[None, ..., None] / 255)
    Image.fromarray(gray).save(tmp_path / "one.png")
    paths = [tmp_path / name for name in ("two.npy", "one.npy", "one.png")]
    found = targets.from_files(paths, resize=False).images
    expected = np.stack([gray, 255 - gray, gray, gray])[..., None] / 127.5 - 1
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_another_size_is_refused_or_scaled_on_request(tmp_path):
    path = tmp_path / "large.png"
    Image.fromarray(np.full((56, 40), 51, np.uint8)).save(path)
    with pytest.raises(UsageError, match="28 × 28 pixels, found 56 × 40; add --resize"):
        targets.from_files([path], resize=False)
    found = targets.from_files([path], resize=True).images
    assert found.shape == (1, 28, 28, 1)
    np.testing.assert_allclose(found, 2 * 51 / 255 - 1, atol=1e-5)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (np.zeros(5), "expected gray images"),
        (np.zeros((2, 28, 28), complex), "expected uint8 or floating point"),
        (np.full((2, 28, 28), 256), "whole numbers from 0 to 255, found 256 to 256"),
        (np.full((28, 28), 1.5), r"expected pixels in \[0, 1\], found 1.5 to 1.5"),
        (np.full((28, 28), np.nan), r"expected pixels in \[0, 1\]"),
        (np.array([{"a": 1}]), "Python objects in dtype"),
    ],
)
def test_arrays_that_are_no_images_are_refused(content, message, tmp_path):
    path = tmp_path / "bad.npy"
    np.save(path, content, allow_pickle=True)
    with pytest.raises(UsageError, match=message):
        targets.from_files([path], resize=False)


def test_files_that_are_no_images_are_refused(tmp_path):
    path = tmp_path / "bad.png"
    path.write_text("no image")
    with pytest.raises(UsageError, match="not an image"):
        targets.from_files([path], resize=False)
    with pytest.raises(UsageError, match="No such file"):
        targets.from_files([tmp_path / "none.png"], resize=False)
