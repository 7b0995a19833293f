import functools
import gzip
import hashlib
import http.server
import socket
import struct
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from jaxgan import data
from jaxgan.data import loading, official, tfds_store
from jaxgan.data.official import File, Source, Split
from jaxgan.errors import DataError

DIGEST_OF_THE_SAMPLE = (
    "9c4e171e612ccd62324a9be3835e75214de42ff105984df252266a247f7692b2"
)
COUNTS = {"train": 20, "test": 10}


@pytest.fixture(autouse=True)
def own_tfds_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tfds_store, "DATA_DIR", tmp_path / "tfds")


def make_files(folder, seed=0):
    """Write a small dataset and return its record, with a URL that answers nothing."""
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(seed)
    splits = {}
    for split, count in COUNTS.items():
        pixels = rng.integers(0, 256, (count, 28, 28), np.uint8)
        classes = np.arange(count, dtype=np.uint8) % 10
        files = []
        for kind, header, array in (
            ("images", struct.pack(">IIII", 0x803, count, 28, 28), pixels),
            ("labels", struct.pack(">II", 0x801, count), classes),
        ):
            content = header + array.tobytes()
            packed = gzip.compress(content, mtime=0)
            name = f"{split}-{kind}.gz"
            (folder / name).write_bytes(packed)
            digests = (hashlib.sha256(b).hexdigest() for b in (packed, content))
            files.append(File(name, len(packed), *digests))
        splits[split] = Split(files[0], files[1], count)
    return Source("small", "http://127.0.0.1:9/", splits, block=5)


@pytest.fixture
def server(tmp_path):
    """A web server on loopback over a small dataset; yields its record."""
    folder = tmp_path / "web"
    source = make_files(folder)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format, *args):
            pass

    handler = functools.partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield source._replace(url=f"http://127.0.0.1:{running.server_port}/"), folder
        running.shutdown()
        thread.join()


def test_the_sample_is_stratified_disjoint_and_the_same_everywhere():
    train, test = data.load("sample", "train"), data.load("sample", "test")
    assert train.images.shape == (4000, 28, 28, 1) and train.images.dtype == np.uint8
    assert test.images.shape == (1000, 28, 28, 1) and test.labels.dtype == np.int32
    assert np.bincount(train.labels).tolist() == [400] * 10
    assert np.bincount(test.labels).tolist() == [100] * 10
    together = np.concatenate([train.images, test.images])
    assert len({image.tobytes() for image in together}) == 5000
    digest = hashlib.sha256(together.tobytes()).hexdigest()
    assert digest == DIGEST_OF_THE_SAMPLE


def test_the_sample_is_part_of_the_official_training_set(mnist_dir):
    official = data.load("mnist", "train", data_dir=mnist_dir)
    assert official.images.shape == (60_000, 28, 28, 1)
    known = {image.tobytes() for image in official.images}
    sample = data.load("sample", "train")
    assert all(image.tobytes() in known for image in sample.images)


def test_unknown_names_and_splits_are_refused():
    with pytest.raises(ValueError, match="auto, sample, mnist.*got 'cifar'"):
        data.load("cifar", "train")
    with pytest.raises(ValueError, match="train, test, got 'val'"):
        data.load("sample", "val")


def test_official_records_are_complete():
    for name, source in official.OFFICIAL.items():
        assert source.name == name and len(source.files) == 4
        assert all(len(file.sha256) == 64 for file in source.files)
        assert all(s.num_examples % source.block == 0 for s in source.splits.values())


def test_given_files_are_read_and_nothing_is_written(tmp_path):
    source = make_files(tmp_path / "given")
    given = loading.load_official(source, "test", tmp_path / "given")
    assert given.source == "the given files"
    assert not (tmp_path / "tfds").exists()
    np.testing.assert_array_equal(given.labels, np.arange(10) % 10)


def test_files_prepared_for_later_are_the_same(tmp_path):
    source = make_files(tmp_path / "given")
    given = loading.load_official(source, "test", tmp_path / "given")
    tfds_store.prepare(source, tmp_path / "given")
    later = loading.load_official(source, "test", None)
    assert later.source == "tfds:jaxgan_small/1.0.0"
    np.testing.assert_array_equal(later.images, given.images)
    np.testing.assert_array_equal(later.labels, given.labels)


def test_a_damaged_prepared_file_is_named_and_never_read(tmp_path):
    source = make_files(tmp_path / "given")
    whole = loading.load_official(source, "train", tmp_path / "given")
    tfds_store.prepare(source, tmp_path / "given")
    files = [path for path in (tmp_path / "tfds").rglob("*") if path.is_file()]
    assert len(files) == 4
    refused = set()
    for path in files:
        content = path.read_bytes()
        middle = len(content) // 2
        flipped = (
            content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        )
        for damaged in (flipped, content[:-1], content[:middle], b""):
            path.write_bytes(damaged)
            try:
                found = loading.load_official(source, "train", None)
            except DataError as error:
                assert "\n" not in str(error) and str(tmp_path / "tfds") in str(error)
                refused.add(path)
            else:
                np.testing.assert_array_equal(found.images, whole.images)
                np.testing.assert_array_equal(found.labels, whole.labels)
        path.write_bytes(content)
    assert {path.name for path in refused} > {"dataset_info.json"}


def test_unzipped_given_files_do(tmp_path):
    source = make_files(tmp_path / "given")
    for packed in (tmp_path / "given").glob("*.gz"):
        packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
        packed.unlink()
    assert len(loading.load_official(source, "train", tmp_path / "given").images) == 20


def test_a_given_file_that_is_missing_or_another_is_an_error(tmp_path):
    source = make_files(tmp_path / "given")
    make_files(tmp_path / "given", seed=1)
    with pytest.raises(DataError, match="expected content with SHA-256"):
        loading.load_official(source, "train", tmp_path / "given")
    (tmp_path / "given" / "test-labels.gz").unlink()
    missing = "expected a file test-labels.gz, found none; there are test-images.gz, tr"
    with pytest.raises(DataError, match=missing):
        loading.load_official(source, "test", tmp_path / "given")


def test_a_dataset_is_downloaded_once(server):
    source, folder = server
    first = loading.load_official(source, "train", None)
    for path in folder.iterdir():
        path.unlink()
    again = loading.load_official(source, "train", None)
    np.testing.assert_array_equal(first.images, again.images)
    assert first.labels.tolist() == [i % 10 for i in range(20)]


@pytest.mark.parametrize("content", [b"<html>sorry</html>", b"other bytes"])
def test_a_server_that_sends_something_else_leaves_nothing(server, content):
    source, folder = server
    (folder / "test-images.gz").write_bytes(content)
    with pytest.raises(DataError, match="small: not prepared"):
        loading.load_official(source, "train", None)
    assert not tfds_store.is_prepared(source)


def test_no_network_is_told_with_the_ways_out(tmp_path):
    source = make_files(tmp_path / "unused")
    with pytest.raises(DataError, match="--data-dir, or use --dataset sample"):
        loading.load_official(source, "train", None)


def test_a_server_that_never_answers_costs_the_bound_and_no_more(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        source = make_files(tmp_path / "unused")._replace(url=url)
        started = time.monotonic()
        assert not tfds_store.answers(source, seconds=0.5)
        assert time.monotonic() - started < 2


def test_auto_says_so_when_it_falls_back_to_the_sample(tmp_path, capsys):
    source = make_files(tmp_path / "unused")
    assert loading.load_auto("test", None, source).name == "sample"
    notice = capsys.readouterr().err
    assert notice.count("\n") == 1 and "embedded sample" in notice


def test_auto_prefers_what_is_given_or_prepared(tmp_path):
    source = make_files(tmp_path / "given")
    assert loading.load_auto("test", tmp_path / "given", source).name == "small"
    tfds_store.prepare(source, tmp_path / "given")
    assert loading.load_auto("test", None, source).name == "small"


def test_tensorflow_is_never_imported(tmp_path):
    program = """
import sys
from pathlib import Path
from jaxgan import data
from jaxgan.data import official, tfds_store
tfds_store.DATA_DIR = Path(sys.argv[1])
data.load("sample", "train")
assert tfds_store.is_prepared(official.OFFICIAL["mnist"]) is False
assert "tensorflow" not in sys.modules
"""
    subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], check=True, timeout=120
    )


def known(monkeypatch, source, name):
    """Let a small dataset be an official one; return it under this name."""
    named = source._replace(name=name)
    monkeypatch.setitem(official.OFFICIAL, name, named)
    return named


LAYOUTS = {
    "as official": ("", "{stem}-ubyte.gz"),
    "with points": ("", "{dotted}-ubyte"),
    "with points, zipped": ("", "{dotted}-ubyte.gz"),
    "in capitals": ("", "{capital}-UBYTE"),
    "of torchvision": ("Small/raw", "{stem}-ubyte"),
    "in raw": ("raw", "{stem}-ubyte"),
    "with any name": ("", "{number}.bin"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_official_files_are_found_in_the_layouts_that_people_have(tmp_path, layout):
    source = make_files(tmp_path / "given")
    names = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3")
    names += ("t10k-labels-idx1",)
    renamed = [
        file._replace(name=f"{stem}-ubyte.gz")
        for stem, file in zip(names, source.files, strict=True)
    ]
    splits = {
        "train": Split(renamed[0], renamed[1], 20),
        "test": Split(renamed[2], renamed[3], 10),
    }
    folder, name = LAYOUTS[layout]
    place = tmp_path / "there" / folder
    place.mkdir(parents=True)
    for number, (stem, file) in enumerate(zip(names, source.files, strict=True)):
        found = name.format(
            stem=stem,
            dotted=stem.replace("-idx", ".idx"),
            capital=stem.upper(),
            number=number,
        )
        content = (tmp_path / "given" / file.name).read_bytes()
        if not found.endswith(".gz"):
            content = gzip.decompress(content)
        (place / found).write_bytes(content)
    small = source._replace(splits=splits)
    found = loading.load_official(small, "test", tmp_path / "there")
    expected = loading.load_official(source, "test", tmp_path / "given")
    np.testing.assert_array_equal(found.images, expected.images)
    np.testing.assert_array_equal(found.labels, expected.labels)


def test_only_the_split_that_is_read_is_needed(tmp_path):
    source = make_files(tmp_path / "given")
    for name in ("train-images.gz", "train-labels.gz"):
        (tmp_path / "given" / name).unlink()
    assert len(loading.load_official(source, "test", tmp_path / "given").images) == 10
    with pytest.raises(DataError, match=r"train-images.gz, found none; there are test"):
        loading.load_official(source, "train", tmp_path / "given")


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("hashed", [True, False])
def test_the_files_of_another_dataset_are_refused_by_name(
    tmp_path, monkeypatch, zipped, hashed
):
    first = known(monkeypatch, make_files(tmp_path / "first"), "first")
    second = known(monkeypatch, make_files(tmp_path / "second", seed=1), "second")
    if not hashed:  # as of fashion_mnist and kmnist: only the gzip files are known
        splits = {
            name: Split(
                split.images._replace(content_sha256=None),
                split.labels._replace(content_sha256=None),
                split.num_examples,
            )
            for name, split in second.splits.items()
        }
        second = known(monkeypatch, second._replace(splits=splits), "second")
    if not zipped:
        for packed in (tmp_path / "first").glob("*.gz"):
            packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
            packed.unlink()
    assert loading.load_official(first, "test", tmp_path / "first").name == "first"
    with pytest.raises(DataError, match="found a file of first"):
        loading.load_official(second, "test", tmp_path / "first")


def test_where_no_folder_is_it_is_said(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match="expected a folder with official files"):
        data.load("mnist", "test", data_dir=tmp_path / "file")
    with pytest.raises(DataError, match="expected a folder .*, found none"):
        data.load("mnist", "test", data_dir=tmp_path / "none")
    np.save(tmp_path / "own.npy", np.zeros((2, 28, 28)))
    with pytest.raises(DataError, match="there are file, own.npy: .* --dataset own"):
        data.load("mnist", "test", data_dir=tmp_path)
    with pytest.raises(ValueError, match="sample is read from no data_dir"):
        data.load("sample", "test", data_dir=tmp_path)


def test_the_home_folder_is_meant_by_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    np.save(tmp_path / "one.npy", np.zeros((2, 28, 28), np.uint8))
    assert len(data.read_images("~/one.npy").images) == 2
    with pytest.raises(DataError, match=str(tmp_path)):
        data.load("mnist", "test", data_dir="~/none")


@pytest.mark.parametrize("folder", ["/proc/none", "a file"])
def test_a_cache_that_cannot_be_is_no_obstacle(tmp_path, monkeypatch, folder, capsys):
    (tmp_path / "a file").write_bytes(b"")
    monkeypatch.setattr(tfds_store, "DATA_DIR", tmp_path / folder)
    source = make_files(tmp_path / "given")
    assert loading.load_official(source, "test", tmp_path / "given").name == "small"
    assert loading.load_auto("test", tmp_path / "given", source).name == "small"
    assert loading.load_auto("test", None, source).name == "sample"
    assert "embedded sample" in capsys.readouterr().err
