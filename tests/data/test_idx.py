import gzip
import hashlib
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxgan.data.idx import read_idx, read_pair
from jaxgan.errors import DataError

PIXELS = (np.arange(3 * 28 * 28) % 251).astype(np.uint8).reshape(3, 28, 28)
CONTENT = struct.pack(">IIII", 0x803, 3, 28, 28) + PIXELS.tobytes()
LABELS = struct.pack(">II", 0x801, 3) + bytes([0, 9, 5])


def read(tmp_path, content, **options):
    path = tmp_path / "images"
    path.write_bytes(content)
    return read_idx(path, (3, 28, 28), **options)


@pytest.mark.parametrize(
    "packed", [CONTENT, gzip.compress(CONTENT, 9), gzip.compress(CONTENT, 1)]
)
def test_plain_gzipped_and_recompressed_files_are_the_same(tmp_path, packed):
    digest = hashlib.sha256(CONTENT).hexdigest()
    np.testing.assert_array_equal(read(tmp_path, packed, sha256=digest), PIXELS)


def changed(position, value):
    return CONTENT[:position] + bytes([value]) + CONTENT[position + 1 :]


ZIPPED = gzip.compress(CONTENT)

MALFORMED = {
    "empty": (b"", "an IDX file, found an empty file"),
    "empty gzip": (gzip.compress(b""), "an IDX file, found an empty file"),
    "cut header": (CONTENT[:10], "a header of 16 bytes, found 10"),
    "cut": (CONTENT[:-1], "2368 bytes, found a file cut off after 2367"),
    "cut inside the gzip": (gzip.compress(CONTENT[:-1]), "cut off after 2367"),
    "trailing": (CONTENT + b"\0", "2368 bytes, found more bytes"),
    "trailing inside the gzip": (gzip.compress(CONTENT + b"\0"), "found more bytes"),
    "trailing after the gzip": (ZIPPED + b"x", "a single gzip member"),
    "two gzip members": (ZIPPED + ZIPPED, "a single gzip member"),
    "cut gzip": (ZIPPED[:-9], "a complete gzip file"),
    "wrong checksum": (
        ZIPPED[:-8] + bytes(4) + ZIPPED[-4:],
        "a valid gzip file",
    ),
    "wrong magic": (changed(0, 7), "magic bytes 0000, found 0700"),
    "wrong type": (changed(2, 13), "element type 8, found 13"),
    "wrong dimensions": (changed(3, 1), "3 dimensions, found 1"),
    "wrong count": (changed(7, 4), r"shape \(3, 28, 28\), found \(4, 28, 28\)"),
    "huge count": (changed(4, 255), r"found \(4278190083, 28, 28\)"),
    "wrong shape": (changed(15, 27), r"found \(3, 28, 27\)"),
    "html": (b"<!DOCTYPE html><html></html>", "what looks like an HTML page"),
    "html in gzip": (gzip.compress(b"\n<html>"), "what looks like an HTML page"),
    "other content": (changed(20, 255), "content with SHA-256"),
}


@pytest.mark.parametrize("fault", MALFORMED)
def test_malformed_files_end_in_one_line_with_file_expected_and_found(tmp_path, fault):
    content, message = MALFORMED[fault]
    digest = hashlib.sha256(CONTENT).hexdigest()
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path, content, sha256=digest)
    line = str(caught.value)
    assert str(tmp_path / "images") in line and "expected" in line and "found" in line
    assert "\n" not in line


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(DataError, match="missing: expected an IDX file, found no file"):
        read_idx(tmp_path / "missing", (3,))
    with pytest.raises(DataError, match="expected a readable file"):
        read_idx(tmp_path, (3,))


def test_a_gzip_bomb_is_not_unpacked(tmp_path):
    import tracemalloc

    bomb = gzip.compress(CONTENT + bytes(200_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="more bytes"):
            read(tmp_path, bomb)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_labels_are_checked_against_the_classes_and_the_count(tmp_path):
    images, labels = tmp_path / "images", tmp_path / "labels"
    images.write_bytes(CONTENT)
    labels.write_bytes(LABELS)
    pixels, classes = read_pair(images, labels, 3)
    assert pixels.shape == (3, 28, 28, 1) and classes.tolist() == [0, 9, 5]
    labels.write_bytes(LABELS[:-2] + bytes([10, 5]))
    with pytest.raises(DataError, match="labels from 0 to 9, found 10 at index 1"):
        read_pair(images, labels, 3)
    labels.write_bytes(struct.pack(">II", 0x801, 4) + bytes(4))
    with pytest.raises(DataError, match=r"shape \(3,\), found \(4,\)"):
        read_pair(images, labels, 3)


@settings(max_examples=200, deadline=None)
@given(
    zipped=st.booleans(),
    position=st.integers(0, 10_000),
    replacement=st.binary(max_size=3),
    removed=st.integers(0, 3),
)
def test_any_change_gives_the_exact_array_or_the_one_error(
    tmp_path_factory, zipped, position, replacement, removed
):
    original = ZIPPED if zipped else CONTENT
    position %= len(original) + 1
    mutated = original[:position] + replacement + original[position + removed :]
    path = tmp_path_factory.mktemp("fuzz") / "images"
    path.write_bytes(mutated)
    try:
        array = read_idx(path, (3, 28, 28), sha256=hashlib.sha256(CONTENT).hexdigest())
    except DataError:
        return
    np.testing.assert_array_equal(array, PIXELS)
