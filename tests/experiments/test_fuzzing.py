"""Bytes changed at random: the exact object, or the one clear error, and no more.

The default is a few seconds a test; `--hypothesis-profile=long` tries ten times as many
inputs, and `-rP` shows how many there were.
"""

import gzip
import hashlib
import io
import json
import struct
import tracemalloc
import zlib
from contextlib import contextmanager

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from experiments.running import parts, run_folder, targets
from experiments.running.errors import UsageError
from jaxgan import storage
from jaxgan.data.idx import read_idx
from jaxgan.errors import CheckpointError, DataError
from jaxgan.storage import digests, seals


def fuzz(number, *strategies, also=()):
    """Try the function on so many inputs; it says whether an input was malformed.

    Ten times as many with the profile `long`; those in `also` besides.
    """

    def run(function):
        malformed = []

        @settings(
            max_examples=number * settings().max_examples // 100,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        )
        @given(st.tuples(*strategies))
        def try_one(case):
            malformed.append(function(*case))

        for case in also:
            try_one = example(case)(try_one)
        try_one()
        print(f"{sum(malformed)} malformed inputs, {malformed.count(False)} others")
        assert sum(malformed) > 0.5 * number

    return run


@st.composite
def damage(draw):
    """One to three changes: bytes replaced, removed, put in, or said twice."""
    changes = st.tuples(
        st.floats(0, 1), st.integers(0, 8) | st.integers(0, 1 << 16), st.binary()
    )
    several = draw(st.lists(changes, min_size=1, max_size=3))
    bit = draw(st.none() | st.integers(0, 7))
    again = draw(st.booleans())

    def apply(content):
        for place, removed, put in several:
            start = int(place * len(content))
            if bit is not None and start < len(content):
                put = bytes([content[start] ^ 1 << bit])
                removed = 1
            if again:
                put = content[start : start + removed] * 2
            content = content[:start] + put + content[start + removed :]
        return content

    return apply


def inputs():
    """A way to change the original, or bytes that have nothing to do with it."""
    return damage() | st.binary(max_size=2000).map(lambda data: lambda _: data)


@contextmanager
def bounded_memory(megabytes=8):
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < megabytes << 20
    finally:
        tracemalloc.stop()


def one_line(error, path):
    return "\n" not in str(error) and str(path) in str(error)


PIXELS = (np.arange(3 * 28 * 28) % 251).astype(np.uint8).reshape(3, 28, 28)
CONTENT = struct.pack(">IIII", 0x803, 3, 28, 28) + PIXELS.tobytes()


@pytest.mark.parametrize("packed", [CONTENT, gzip.compress(CONTENT)])
def test_idx_files(tmp_path, packed):
    path = tmp_path / "images"
    digest = hashlib.sha256(CONTENT).hexdigest()
    bomb = gzip.compress(bytes(100_000_000), 1)

    @fuzz(300, inputs(), also=[(lambda _: bomb,)])
    def _(change):
        path.write_bytes(change(packed))
        try:
            with bounded_memory():
                array = read_idx(path, PIXELS.shape, sha256=digest)
        except DataError as error:
            return one_line(error, path)
        # A gzip header has bytes that mean nothing, such as its time.
        np.testing.assert_array_equal(array, PIXELS)
        return False


def test_checkpoints(tmp_path):
    state = {
        "weights": jnp.arange(3000.0).reshape(60, 50),
        "key": jax.random.key(1),
        "step": jnp.int32(5),
    }
    storage.save_state(tmp_path, 5, state, log="what led to it")
    files = sorted(p for p in (tmp_path / "5").rglob("*") if p.is_file())
    contents = [file.read_bytes() for file in files]

    @fuzz(200, st.integers(0, len(files) - 1), inputs())
    def _(number, change):
        damaged = change(contents[number])
        files[number].write_bytes(damaged)
        try:
            found = storage.restore_state(tmp_path, state)
        except CheckpointError as error:
            assert one_line(error, tmp_path) and files[number].name in str(error)
            (tmp_path / "corrupt-5").rename(tmp_path / "5")
        else:
            assert damaged == contents[number]
            assert found is not None and found.log == "what led to it"
            assert digests.sha256(found.state) == digests.sha256(state)
        files[number].write_bytes(contents[number])
        return damaged != contents[number]


@pytest.fixture
def model(toy_model, tmp_path):
    names = ("card.json", "generator.safetensors")
    return tmp_path, {name: (toy_model / name).read_bytes() for name in names}


def load(folder, contents):
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    try:
        return storage.load_generator(folder)
    except CheckpointError as error:
        assert one_line(error, folder) and "not a usable model" in str(error)


@pytest.mark.parametrize("name", ["card.json", "generator.safetensors"])
def test_models(model, name):
    folder, contents = model
    whole = load(folder, contents)
    assert whole is not None
    card = storage.load_card(folder)

    @fuzz(200, inputs(), also=[(lambda _: b"[" * 100_000,)])
    def _(change):
        damaged = change(contents[name])
        found = load(folder, {**contents, name: damaged})
        if found is not None:
            assert damaged == contents[name] and storage.load_card(folder) == card
            assert digests.sha256(found.params) == digests.sha256(whole.params)
        return found is None


def test_models_whose_digests_are_made_to_fit(model):
    """What is inside must be refused too, or be a generator like any other."""
    folder, contents = model
    card = seals.open_json(contents["card.json"])
    whole = load(folder, contents)
    assert whole is not None

    @fuzz(50, st.booleans(), inputs())
    def _(in_card, change):
        weights = contents["generator.safetensors"]
        text = json.dumps(card["parts"]["generator"])
        if in_card:
            text = change(text.encode()).decode(errors="replace")
        else:
            changed = change(weights)
            text = text.replace(
                hashlib.sha256(weights).hexdigest(), hashlib.sha256(changed).hexdigest()
            )
            weights = changed
        marked = seals.seal_json({**card, "parts": {"generator": "MARK"}}).decode()
        made = seals.sealed(marked.replace('"MARK"', text).encode(), seals.AFTER_JSON)
        with bounded_memory():
            found = load(folder, {"card.json": made, "generator.safetensors": weights})
        if found is not None:
            chex.assert_trees_all_equal_shapes_and_dtypes(found.params, whole.params)
        return found is None


def image_files():
    gray = np.arange(28 * 28).astype(np.uint8).reshape(28, 28)
    files = {}
    for name in ("png", "gif", "bmp", "tiff", "jpeg"):
        file = io.BytesIO()
        Image.fromarray(gray).save(file, name)
        files[f"image.{name}"] = file.getvalue()
    for name, array in (("bytes", gray), ("floats", gray[None] / 255)):
        file = io.BytesIO()
        np.save(file, array)
        files[f"{name}.npy"] = file.getvalue()
    return files


@pytest.mark.parametrize("name", image_files())
def test_own_images(tmp_path, name):
    """Images have no digest: what comes is an image in [-1, 1], or the error."""
    path, content = tmp_path / name, image_files()[name]
    large = content.replace(b"28), }        ", b"9999999999), }")
    assert (large != content) == name.endswith(".npy")
    zipped = b"PK\x03\x04" + bytes(100)
    header = b"IHDR" + struct.pack(">IIBBBBB", 40_000, 40_000, 8, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header
    bomb += struct.pack(">I", zlib.crc32(header))
    # A chunk whose header claims half a gigabyte, which nobody must reserve.
    claims = image_files()["image.png"].replace(b"\0\0\0\x2bIDAT", b"\x20\0\0\x2bIDAT")
    assert claims != image_files()["image.png"]

    @fuzz(
        100,
        inputs(),
        st.booleans(),
        also=[
            (lambda _, data=data: data, True)
            for data in (b"", zipped, bomb, claims, large)
        ],
    )
    def _(change, resize):
        damaged = change(content)
        path.write_bytes(damaged)
        try:
            with bounded_memory(256):  # a picture may have 4096² pixels
                found = targets.from_files([path], resize=resize).images
        except UsageError as error:
            assert one_line(error, path)
        else:
            assert found.dtype == np.float32 and found.shape[1:] == (28, 28, 1)
            assert np.abs(found).max() <= 1
        return damaged != content


def test_parts(tmp_path, capsys):
    """What is damaged is computed again, and never read."""
    arrays = {"codes": np.arange(300.0).reshape(100, 3), "exact": np.ones(7, bool)}
    path = tmp_path / "000000.npz"
    parts.kept_arrays(path, lambda: arrays)
    content = path.read_bytes()

    @fuzz(200, inputs())
    def _(change):
        damaged = change(content)
        path.write_bytes(damaged)
        with bounded_memory():
            found = parts.kept_arrays(path, lambda: arrays)
        assert found.keys() == arrays.keys() and path.read_bytes() == content
        assert all(np.array_equal(found[name], arrays[name]) for name in arrays)
        said = capsys.readouterr().err
        assert said.count("\n") == (damaged != content) == (str(path) in said)
        return damaged != content


def test_numbers_of_a_folder(tmp_path, capsys):
    path, film = tmp_path / "numbers.json", tmp_path / "films.npz"

    def compute():
        film.write_bytes(bytes(1000))
        return {"none": {"rho": 1.5, "lost": float("nan")}}

    parts.kept_numbers(path, compute)
    contents = {file: file.read_bytes() for file in (path, film)}

    @fuzz(200, st.sampled_from([path, film]), inputs())
    def _(file, change):
        damaged = change(contents[file])
        file.write_bytes(damaged)
        found = parts.kept_numbers(path, compute)
        assert found == {"none": {"rho": 1.5, "lost": None}}
        assert {f: f.read_bytes() for f in contents} == contents
        assert capsys.readouterr().err.count("\n") == (damaged != contents[file])
        return damaged != contents[file]


def test_configurations_of_runs(tmp_path):
    config = {"experiment": "wgan", "seed": 0, "widths": [8, 16], "data_dir": None}
    path = tmp_path / "run" / "config.json"
    run_folder.open_run_folder(path.parent, config, resume=False, overwrite=False)
    content = path.read_bytes()

    @fuzz(200, inputs())
    def _(change):
        damaged = change(content)
        path.write_bytes(damaged)
        try:
            run_folder.open_run_folder(
                path.parent, config, resume=True, overwrite=False
            )
        except UsageError as error:
            assert one_line(error, "")
        else:
            assert path.read_bytes() == content
        return damaged != content
