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
    with pytest.raises(DataError, match=r"expected a file test-labels.gz, found none"):
        loading.load_official(source, "train", tmp_path / "given")


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
