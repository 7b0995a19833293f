"""Images that people have: what a file is, its content decides."""

import gzip
import struct
import warnings
import zipfile
from typing import Any

import numpy as np
import pytest
import scipy.io
from PIL import Image

from jaxgan import data
from jaxgan.data.arrays import in_floats
from jaxgan.errors import DataError

RNG = np.random.default_rng(0)
D = RNG.integers(0, 256, (28, 28)).astype(np.uint8)
D[0] = D[-1] = D[:, 0] = D[:, -1] = 0
D[5, 5] = 255
L = Image.fromarray(D)
ZERO = Image.fromarray(np.zeros_like(D))
WHITE = Image.fromarray(np.full_like(D, 255))
MANY = RNG.integers(0, 256, (20, 28, 28)).astype(np.uint8)
MANY[:, 0] = MANY[:, -1] = MANY[:, :, 0] = MANY[:, :, -1] = 0
CLASSES = np.arange(20) % 10


def labels_of(found, split="all"):
    labels = found.sets[split].labels
    assert labels is not None
    return labels


def read(path):
    found = data.read_images(path)
    assert all("\n" not in notice for notice in found.notices)
    return [in_floats(image)[..., 0] for image in found.images], found.notices


def turned_picture():
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned right by 90 degrees
    return Image.fromarray(np.rot90(D)), {"exif": exif}


def sixteen(dtype="<u2"):
    return Image.fromarray((D.astype(np.uint16) * 257).astype(dtype))


def palette():
    image = Image.fromarray(255 - D)
    image.putpalette([255 - i // 3 for i in range(768)])
    return image


PICTURES = {
    "L.png": (L, {}),
    "RGB.png": (L.convert("RGB"), {}),
    "capital.PNG": (L, {}),
    "16 bits.png": (sixteen(), {}),
    "16 bits.tiff": (sixteen(), {}),
    "16 bits, other end first.tiff": (sixteen(">u2"), {}),
    "negative.tiff": (
        Image.fromarray(65535 - D.astype(np.uint16) * 257),
        {"tiffinfo": {262: 0}},
    ),
    "floats.tiff": (Image.fromarray(D.astype(np.float32) / 255), {}),
    "palette.png": (palette(), {}),
    "palette.gif": (palette(), {}),
    "CMYK.tiff": (
        Image.merge("CMYK", [ZERO, ZERO, ZERO, Image.fromarray(255 - D)]),
        {},
    ),
    "opaque.png": (Image.merge("RGBA", [L, L, L, WHITE]), {}),
    "opaque gray.png": (Image.merge("LA", [L, WHITE]), {}),
    "turned.png": turned_picture(),
    "turned.tiff": turned_picture(),
    "L.bmp": (L, {}),
    "L.pgm": (L, {}),
    "16 bits.pgm": (sixteen(), {}),
    "L.webp": (L.convert("RGB"), {"lossless": True}),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_read_as_what_it_is(name, tmp_path):
    picture, options = PICTURES[name]
    picture.save(tmp_path / name, **options)
    (found,), notices = read(tmp_path / name)
    np.testing.assert_allclose(found, D / 255, atol=1e-6)
    assert notices == []


def test_one_bit_is_black_or_white(tmp_path):
    Image.fromarray(D > 99).save(tmp_path / "bit.png")
    (found,), _ = read(tmp_path / "bit.png")
    np.testing.assert_array_equal(found, D > 99)


CLEAR = {
    "white ink": (Image.merge("RGBA", [WHITE, WHITE, WHITE, L]), D, "set on black"),
    "white ink in gray": (Image.merge("LA", [WHITE, L]), D, "set on black"),
    "black ink": (Image.merge("RGBA", [ZERO] * 3 + [L]), 255 - D, "set on white"),
    "black ink in gray": (Image.merge("LA", [ZERO, L]), 255 - D, "set on white"),
}


@pytest.mark.parametrize("name", CLEAR)
def test_a_transparent_picture_is_set_on_the_ground_on_which_it_is_seen(name, tmp_path):
    picture, expected, notice = CLEAR[name]
    picture.save(tmp_path / "clear.png")
    (found,), notices = read(tmp_path / "clear.png")
    np.testing.assert_allclose(found, expected / 255, atol=1e-6)
    assert notice in notices[0]
    if "white" in notice:
        assert "bright border" in notices.pop()
    assert len(notices) == 1


def test_a_colour_that_stands_for_transparency_is_transparent(tmp_path):
    path = tmp_path / "clear.png"
    binary = np.where(D > 99, 255, 7).astype(np.uint8)
    Image.fromarray(binary).save(path, transparency=7)
    (found,), notices = read(path)
    np.testing.assert_array_equal(found, D > 99)
    assert notices == ["transparent: set on black"]


@pytest.mark.parametrize(
    ("name", "picture", "message"),
    [
        ("int32.tiff", Image.fromarray(D.astype(np.int32) * 257), "32 bits"),
        ("range.tiff", Image.fromarray(D.astype(np.float32)), r"found 0 to 255"),
        ("nan.tiff", Image.fromarray(np.full((9, 9), np.nan, np.float32)), "found nan"),
        ("lab.tiff", Image.merge("LAB", [L, L, L]), "mode LAB"),
        ("none.png", Image.merge("LA", [L, ZERO]), "transparent everywhere"),
    ],
)
def test_a_picture_that_is_not_understood_is_one_line(name, picture, message, tmp_path):
    picture.save(tmp_path / name)
    with pytest.raises(DataError, match=message) as caught:
        data.read_images(tmp_path / name)
    assert "\n" not in str(caught.value) and name in str(caught.value)


def test_every_page_is_an_image(tmp_path):
    pages = [Image.fromarray(image) for image in MANY[:3]]
    for name in ("pages.tiff", "pages.png"):
        pages[0].save(tmp_path / name, save_all=True, append_images=pages[1:])
        found, notices = read(tmp_path / name)
        np.testing.assert_allclose(found, MANY[:3] / 255, atol=1e-6)
        assert notices == ["3 pages, each taken for an image"]


def test_black_ink_on_white_is_said(tmp_path):
    Image.fromarray(255 - D).save(tmp_path / "ink.png")
    _, notices = read(tmp_path / "ink.png")
    assert len(notices) == 1 and "a bright border in 1 of 1 images" in notices[0]


F = MANY / 255
COLOUR = np.stack([D, D // 2, D // 3], -1)
ARRAYS = {
    "one": (D, D[None]),
    "one with a channel": (D[..., None], D[None]),
    "one in colour": (COLOUR, D[None]),
    "one, opaque": (np.dstack([D, D, D, D * 0 + 255]), D[None]),
    "one in a row": (D.ravel(), D[None]),
    "many": (MANY, MANY),
    "many, as long as they are high": (np.tile(D, (28, 1, 1)), np.tile(D, (28, 1, 1))),
    "channels last": (MANY[..., None], MANY),
    "channels first": (MANY[:, None], MANY),
    "one, channels first": (MANY[:1, None], MANY[:1]),
    "colours first": (np.moveaxis(np.stack([COLOUR] * 5), 3, 1), np.stack([D] * 5)),
    "colours last": (np.stack([COLOUR] * 5), np.stack([D] * 5)),
    "number last": (np.moveaxis(MANY, 0, 2), MANY),
    "number last, colours": (np.moveaxis(np.stack([COLOUR] * 5), 0, 3), [D] * 5),
    "rows": (MANY.reshape(20, 784), MANY),
    "one row": (MANY[:1].reshape(1, 784), MANY[:1]),
    "rows with an axis": (MANY.reshape(20, 784, 1), MANY),
    "rows with an axis before": (MANY.reshape(20, 1, 784), MANY),
    "columns": (MANY.reshape(20, 784).T, MANY),
    "floats": (F, MANY),
    "half precision": ((D > 9).astype(np.float16), 255 * (D[None] > 9)),
    "truth values": (D > 9, 255 * (D[None] > 9)),
    "zero and one": ((D > 9).astype(np.uint8), 255 * (D[None] > 9)),
    "long integers": (MANY.astype(np.int64), MANY),
    "other end first": (F.astype(">f4"), MANY),
    "columns first in memory": (np.asfortranarray(MANY), MANY),
}


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("suffix", [".npy", ".NPY", ".npz"])
def test_an_array_is_read_by_its_axes_and_its_scale(name, suffix, tmp_path):
    array, expected = ARRAYS[name]
    path = tmp_path / f"array{suffix}"
    with path.open("wb") as file:
        (np.savez if suffix == ".npz" else np.save)(file, array)
    found, _ = read(path)
    np.testing.assert_allclose(found, np.asarray(expected) / 255, atol=1e-6)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((0, 28, 28)), "expected"),
        (np.zeros((2, 3, 28, 28, 1)), r"found \(2, 3, 28, 28, 1\)"),
        (np.zeros((5, 28, 28, 2)), "1, 3 or 4 channels"),
        (np.zeros((30, 30, 40)), "which axis"),
        (MANY.astype(np.float32), "found 0 to 255"),
        (F * 2 - 1, "found -1 to"),
        (MANY.astype(np.uint16) * 257, "found 0 to 65535"),
        (MANY // 16, "found 0 to 15"),
        (MANY.astype(np.int16) - 3, "found -3"),
        (F.astype(complex), "complex128"),
        (np.array([["a"]]), "found <U1"),
        (np.full((28, 28), np.inf), "found inf"),
    ],
)
def test_an_array_that_is_not_understood_is_one_line(array, message, tmp_path):
    np.save(tmp_path / "array.npy", array)
    with pytest.raises(DataError, match=message) as caught:
        data.read_images(tmp_path / "array.npy")
    assert "\n" not in str(caught.value)


def table(*, header="", label=None, index=False, comma=",", end="\n", kind: Any = str):
    rows = []
    for number, image in enumerate(MANY):
        row = [kind(v) for v in image.ravel()]
        if label == "first":
            row = [str(CLASSES[number]), *row]
        if label == "last":
            row = [*row, str(CLASSES[number])]
        if index:
            row = [str(number), *row]
        rows.append(comma.join(row))
    return end.join(([header] if header else []) + rows) + end


PIXEL_NAMES = ",".join(f"pixel{i}" for i in range(784))
TABLES = {
    "Kaggle's to train": (table(header=f"label,{PIXEL_NAMES}", label="first"), True),
    "Kaggle's to test": (table(header=PIXEL_NAMES), False),
    "without names": (table(label="first"), True),
    "label last": (table(label="last"), True),
    "class last": (table(header=f"{PIXEL_NAMES},class", label="last"), True),
    "numbered": (
        table(header=f",label,{PIXEL_NAMES}", label="first", index=True),
        True,
    ),
    "semicolons": (table(label="first", comma=";"), True),
    "tabs": (table(comma="\t"), False),
    "blanks": (table(comma=" "), False),
    "of Windows": ("\ufeff" + table(label="first", end="\r\n"), True),
    "quoted": (table(label="first", kind=lambda v: f'"{v}"'), True),
    "with points": (table(label="first", kind=lambda v: f"{v}.0"), True),
    "of shares": (table(label="first", kind=lambda v: f"{v / 255:.7f}"), True),
    "named by its first row": (
        table(header=",".join(["0", *(f"0.{i}" for i in range(784))]), label="first"),
        True,
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_of_pixels_is_read_with_its_labels(name, tmp_path):
    text, labelled = TABLES[name]
    for path, write in (
        (tmp_path / "digits.csv", lambda p, b: p.write_bytes(b)),
        (tmp_path / "digits.CSV.gz", lambda p, b: p.write_bytes(gzip.compress(b))),
    ):
        write(path, text.encode())
        found, _ = read(path)
        np.testing.assert_allclose(found, MANY / 255, atol=1e-6)
        labels = data.read_images(path).sets["all"].labels
        assert labels == ([str(c) for c in CLASSES] if labelled else None)


def test_a_table_of_other_things_is_one_line(tmp_path):
    for text in (
        "a,b\n1,2\n3,4\n",
        "1,2,3\n4,5\n",
        "label,x\n",
        "date 2020\n",
        "1 2 3",
    ):
        (tmp_path / "other.csv").write_text(text)
        with pytest.raises(DataError, match="other.csv") as caught:
            data.read_images(tmp_path / "other.csv")
        assert "\n" not in str(caught.value)


TRAIN, TEST = MANY[:15], MANY[15:]
NAMED = {
    "Keras": ("x_train", "y_train", "x_test", "y_test"),
    "medical": ("train_images", "train_labels", "test_images", "test_labels"),
    "capitals": ("XTrain", "YTrain", "XTest", "YTest"),
    "joined": ("trainx", "trainy", "testx", "testy"),
}


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("suffix", [".npz", ".mat", " of files"])
def test_arrays_with_names_are_put_together(name, suffix, tmp_path):
    given: dict[str, Any] = dict(
        zip(NAMED[name], (TRAIN, CLASSES[:15], TEST, CLASSES[15:]), strict=True)
    )
    path = tmp_path / f"digits{suffix}"
    if suffix == ".npz":
        np.savez(path, **given, val_images=TEST)
    elif suffix == ".mat":
        scipy.io.savemat(path, given)
    else:
        path.mkdir()
        for key, array in given.items():
            np.save(path / f"{key}.npy", array)
    train, test, classes, _ = data.load_own(path)
    np.testing.assert_array_equal(train.images[..., 0], TRAIN)
    np.testing.assert_array_equal(test.images[..., 0], TEST)
    np.testing.assert_array_equal(train.labels, CLASSES[:15])
    np.testing.assert_array_equal(test.labels, CLASSES[15:])
    assert classes == [str(c) for c in range(10)] and test.name == "own"


def test_images_without_a_test_set_are_divided(tmp_path):
    np.savez(tmp_path / "one.npz", MANY, CLASSES)
    train, test, classes, notices = data.load_own(tmp_path / "one.npz")
    assert len(classes) == 10 and "one of 10 is held out, 2 of 20" in notices[-1]
    np.testing.assert_array_equal(test.images[..., 0], MANY[[14, 19]])
    assert len(train.labels) == len(train.images) == 18


def test_two_arrays_whose_names_say_nothing_are_refused(tmp_path):
    np.savez(tmp_path / "two.npz", a=MANY, b=MANY)
    with pytest.raises(DataError, match="one array of images, found a, b"):
        data.read_images(tmp_path / "two.npz")
    np.savez(tmp_path / "few.npz", x=MANY, y=CLASSES[:3])
    with pytest.raises(DataError, match="a label for each of 20 images, found 3"):
        data.read_images(tmp_path / "few.npz")


def test_matlab_files_of_known_sets(tmp_path):
    colour = RNG.integers(0, 256, (32, 32, 3, 12)).astype(np.uint8)
    path = tmp_path / "train_32x32.mat"
    scipy.io.savemat(path, {"X": colour, "y": np.arange(1, 13)[:, None] % 10 + 1})
    svhn = data.load_own(path)
    assert svhn.train.images.shape == (11, 32, 32, 3)
    np.testing.assert_array_equal(svhn.train.images[3], colour[..., 3])

    usps = RNG.uniform(-1, 1, (40, 256))
    usps[:, 0], usps[:, 1] = -1, 1
    path = tmp_path / "usps.mat"
    scipy.io.savemat(path, {"fea": usps, "gnd": np.arange(40)[:, None] % 10 + 1})
    found = data.read_images(path)
    np.testing.assert_allclose(
        np.stack(found.images).reshape(40, 256), (usps + 1) / 2, atol=1e-6
    )
    assert labels_of(found)[:2] == ["1", "2"]
    assert any("-1 was taken for black" in notice for notice in found.notices)

    usps_all = RNG.integers(0, 256, (256, 30, 10)).astype(np.uint8)
    path = tmp_path / "usps_all.mat"
    scipy.io.savemat(path, {"data": usps_all})
    found = data.read_images(path)
    np.testing.assert_array_equal(found.images[31].ravel(), usps_all[:, 1, 1])
    assert labels_of(found)[::30] == list("1234567890")

    columns = {"data": MANY.reshape(20, 784).T, "label": CLASSES[None].astype(float)}
    path = tmp_path / "mnist-original.mat"
    scipy.io.savemat(path, columns)
    found = data.read_images(path)
    np.testing.assert_array_equal(np.stack(found.images)[..., 0], MANY)
    assert found.sets["all"].labels == [str(c) for c in CLASSES]

    path = tmp_path / "mnist_all.mat"
    flat = MANY.reshape(20, 784)
    scipy.io.savemat(
        path, {"train0": flat[:6], "train1": flat[6:9], "test0": flat[9:12]}
    )
    found = data.read_images(path)
    assert found.sets["train"].labels == ["0"] * 6 + ["1"] * 3
    np.testing.assert_array_equal(np.stack(found.images)[..., 0], MANY[9:12])


def idx(array, kind=8):
    header = struct.pack(">HBB", 0, kind, array.ndim) + struct.pack(
        f">{array.ndim}I", *array.shape
    )
    return header + array.tobytes()


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_idx_files_of_other_sets(pack, tmp_path):
    labels = np.zeros((15, 8), ">i4")
    labels[:, 0] = CLASSES[:15]
    files = {
        "qmnist-train-images-idx3-ubyte": idx(TRAIN),
        "qmnist-train-labels-idx2-int": idx(labels, 12),
        "qmnist-test-images-idx3-ubyte": idx(TEST),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(pack(content))
    found = data.read_images(tmp_path)
    assert found.sets["train"].labels == [str(c) for c in CLASSES[:15]]
    np.testing.assert_array_equal(np.stack(found.images)[..., 0], TEST)

    aside = tmp_path / "emnist-letters-test-images-idx3-ubyte"
    aside.write_bytes(pack(idx(np.ascontiguousarray(TEST.swapaxes(1, 2)))))
    images, notices = read(aside)
    np.testing.assert_allclose(images, TEST / 255, atol=1e-6)
    assert "EMNIST has rows for columns" in notices[0]

    aside.write_bytes(pack(idx(TEST)[:-1]))
    with pytest.raises(DataError, match="bytes for the shape"):
        data.read_images(aside)


def test_folders_of_pictures(tmp_path):
    for split, images in (("training", TRAIN), ("testing", TEST)):
        for number, image in enumerate(images):
            folder = tmp_path / "mnist_png" / split / ("even", "odd")[number % 2]
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).convert("RGB").save(folder / f"{number:03}.PNG")
            (folder / "Thumbs.db").write_bytes(b"\0")
    train, test, classes, notices = data.load_own(tmp_path)
    assert classes == ["even", "odd"] and not notices
    assert train.images.shape == (15, 28, 28, 1) and test.images.shape[0] == 5
    assert train.labels.tolist() == [0] * 8 + [1] * 7
    np.testing.assert_array_equal(train.images[1, ..., 0], TRAIN[2])

    flat = tmp_path / "mnist_png" / "testing" / "even"
    assert data.read_images(flat).sets["all"].labels is None
    (flat / "large.png").write_bytes((flat / "000.PNG").read_bytes())
    Image.fromarray(np.zeros((30, 20), np.uint8)).save(flat / "large.png")
    with pytest.raises(DataError, match="one size, found 28 × 28 and 30 × 20"):
        data.load_own(flat)
    (flat / "broken.png").write_bytes(b"no")
    with pytest.raises(DataError, match="broken.png: not an image"):
        data.read_images(flat)


def test_a_table_of_other_things_beside_those_of_pixels_is_left_out(tmp_path):
    (tmp_path / "train.csv").write_text(table(label="first"))
    (tmp_path / "test.csv").write_text(table())
    (tmp_path / "sample_submission.csv").write_text("ImageId,Label\n1,0\n2,0\n")
    found = data.read_images(tmp_path)
    assert found.sets.keys() == {"train", "test"}
    assert any("sample_submission.csv is left out" in word for word in found.notices)


def test_what_holds_no_images_is_one_line(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "code.py").write_text("x = 1\n")
    (tmp_path / "v7.mat").write_bytes(b"MATLAB 7.3 MAT-file" + bytes(600))
    (tmp_path / "data.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(600))
    (tmp_path / "some.npz").write_bytes(b"PK\x03\x04" + bytes(100))
    (tmp_path / "none").write_bytes(b"")
    (tmp_path / "p.pkl.gz").write_bytes(gzip.compress(b"\x80\x04K\x01."))
    with zipfile.ZipFile(tmp_path / "pictures.zip", "w") as archive:
        archive.writestr("one.png", b"")
    names = ("empty", "code.py", "v7.mat", "data.h5", "some.npz", "none", "absent")
    names += ("p.pkl.gz", "pictures.zip")
    for name in names:
        with pytest.raises(DataError, match=name) as caught:
            data.read_images(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_odd_metadata_is_no_warning(tmp_path):
    with warnings.catch_warnings(action="error"):
        L.save(tmp_path / "odd.tiff", tiffinfo={700: b"xml", 305: "program"})
        read(tmp_path / "odd.tiff")
