import json
import shutil

import damages
import files
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan
from jaxgan import networks, storage
from jaxgan.errors import CheckpointError
from jaxgan.storage import seals

LATENTS = jax.random.normal(jax.random.key(1), (5, 3))


def parts():
    generator = networks.mlp_generator(3, (4, 8))
    critic = networks.mlp_critic()
    finished = generator.fold(
        generator.init(jax.random.key(0)), jax.random.normal(jax.random.key(2), (50, 3))
    )
    return finished.network, {
        "generator": storage.Part(
            "mlp_generator", {"latent_dim": 3, "widths": [4, 8]}, finished.params
        ),
        "critic": storage.Part("mlp_critic", {}, critic.init(jax.random.key(3))),
    }


@pytest.fixture
def saved(tmp_path):
    network, written = parts()
    storage.save_model(tmp_path / "model", written, {"seed": 7})
    return tmp_path / "model", network, written


def test_a_model_comes_back_as_it_was_stored(saved):
    folder, network, written = saved
    loaded = jaxgan.load_generator(folder)
    weights = storage.as_stored(written["generator"].params)
    expected = network.apply(weights, LATENTS)
    np.testing.assert_array_equal(loaded.generate(LATENTS), expected)
    np.testing.assert_array_equal(loaded.network.apply(weights, LATENTS), expected)
    assert loaded.latent_dim == 3 and storage.load_card(folder)["seed"] == 7
    assert jax.tree.structure(loaded.params) == jax.tree.structure(weights)


@pytest.mark.parametrize(
    ("kind", "critic", "options"),
    [
        ("mlp", networks.mlp_critic((4,)), {"widths": [4]}),
        ("mlp", networks.mlp_critic(shape=(3, 2)), {"shape": [3, 2]}),
        ("conv", networks.conv_critic((2, 3)), {"channels": [2, 3]}),
    ],
)
def test_a_centred_critic_comes_back_with_its_centre(kind, critic, options, tmp_path):
    shape = tuple(options.get("shape", (28, 28, 1)))
    centre = jax.random.uniform(jax.random.key(0), shape)
    weights = {"centre": centre, "critic": critic.init(jax.random.key(3))}
    part = storage.Part(f"centred_{kind}_critic", options, weights)
    storage.save_model(tmp_path, {"critic": part}, {})
    images = jax.random.uniform(jax.random.key(1), (5, *shape))
    stored = storage.as_stored(weights)
    expected = networks.centred(critic, stored["centre"]).apply(
        stored["critic"], images
    )
    np.testing.assert_array_equal(storage.load_critic(tmp_path)(images), expected)
    with pytest.raises(ValueError, match="do not fit {.centre.: "):
        storage.save_model(
            tmp_path, {"critic": part._replace(params=weights["critic"])}, {}
        )


def test_the_name_of_a_folder_will_do(saved):
    folder, _, written = saved
    storage.save_model(f"{folder}-again", written, {})
    first, second = map(jaxgan.load_generator, (str(folder), f"{folder}-again"))
    np.testing.assert_array_equal(first.generate(LATENTS), second.generate(LATENTS))


def test_half_precision_moves_no_pixel_by_a_gray_level(saved):
    folder, network, written = saved
    exact = network.apply(written["generator"].params, LATENTS)
    stored = jaxgan.load_generator(folder).generate(LATENTS)
    assert 0 < float(jnp.abs(exact - stored).max()) < 1 / 127.5


def test_the_critic_comes_back(saved):
    folder, _, written = saved
    images = jnp.zeros((2, 28, 28, 1))
    weights = storage.as_stored(written["critic"].params)
    expected = networks.mlp_critic().apply(weights, images)
    np.testing.assert_array_equal(jaxgan.load_critic(folder)(images), expected)


def test_an_encoder_comes_back(tmp_path):
    encoder = networks.mlp_encoder(3, (4,))
    weights = encoder.init(jax.random.key(5))
    part = storage.Part("mlp_encoder", {"latent_dim": 3, "widths": [4]}, weights)
    storage.save_model(tmp_path, {"encoder": part}, {})
    images = jax.random.uniform(jax.random.key(6), (5, 28, 28, 1))
    expected = encoder.apply(storage.as_stored(weights), images).location
    np.testing.assert_array_equal(storage.load_encoder(tmp_path)(images), expected)


def test_a_run_folder_with_a_model_is_a_model(saved):
    folder, _, _ = saved
    assert jaxgan.load_generator(folder.parent).latent_dim == 3


def test_weights_beyond_half_precision_are_refused(tmp_path):
    _, written = parts()
    part = written["critic"]
    large = jax.tree.map(lambda w: w.at[...].set(1e5), part.params)
    with pytest.raises(ValueError, match="not finite in half precision"):
        storage.save_model(tmp_path, {"critic": part._replace(params=large)}, {})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"architecture": "transformer"}, "'transformer' is none of mlp_generator"),
        ({"options": {"latent_dim": 3, "widths": [4, 9]}}, "do not fit"),
    ],
)
def test_what_no_loader_would_take_is_not_saved(tmp_path, change, message):
    part = parts()[1]["generator"]._replace(**change)
    with pytest.raises(ValueError, match=message):
        storage.save_model(tmp_path, {"generator": part}, {})
    assert not list(tmp_path.iterdir())


def test_a_critic_in_the_place_of_a_generator_is_refused(tmp_path):
    storage.save_model(tmp_path, {"generator": parts()[1]["critic"]}, {})
    with pytest.raises(CheckpointError, match="not a usable model"):
        jaxgan.load_generator(tmp_path)


def test_a_full_disk_leaves_the_old_model(saved):
    folder, network, written = saved
    other = jax.tree.map(lambda w: w + 1, written["generator"].params)
    parts = written | {"generator": written["generator"]._replace(params=other)}
    # The new generator can be written, the critic cannot.
    with files.of_at_most(100_000), pytest.raises(CheckpointError, match="too large"):
        storage.save_model(folder, parts, {"seed": 8})
    kept = network.apply(storage.as_stored(written["generator"].params), LATENTS)
    np.testing.assert_array_equal(jaxgan.load_generator(folder).generate(LATENTS), kept)
    names = ["card.json", "critic.safetensors", "generator.safetensors"]
    assert sorted(path.name for path in folder.iterdir()) == names


def other_format(path):
    card = json.loads(path.read_text())
    path.write_text(json.dumps(card | {"format": 99}))


def other_shape(path):
    card = seals.open_json(path.read_bytes())
    card["parts"]["generator"]["options"]["widths"] = [4, 9]
    path.write_bytes(seals.seal_json(card))


def other_seed(path):
    path.write_text(path.read_text().replace('"seed": 7', '"seed": 8'))


@pytest.mark.parametrize(
    ("file", "damage", "message"),
    [
        ("generator.safetensors", damages.cut, "not the file that was saved"),
        ("generator.safetensors", damages.flip, "not the file that was saved"),
        ("generator.safetensors", damages.delete, "No such file"),
        ("card.json", damages.cut, "not a usable model"),
        ("card.json", lambda p: p.write_text("[]"), "not a usable model"),
        ("card.json", lambda p: p.write_bytes(b"\xff\xfe"), "not a usable model"),
        ("card.json", other_format, "format is 99, expected 2"),
        ("card.json", other_seed, "its digest is not that of what was written"),
        ("card.json", lambda p: p.write_text("[" * 10_000), "not a usable model"),
        ("card.json", other_shape, "do not fit the architecture"),
    ],
)
def test_a_damaged_model_is_one_clear_error(saved, file, damage, message):
    folder, _, _ = saved
    damage(folder / file)
    in_card = file == "card.json" and damage is not other_shape
    for load in (jaxgan.load_generator, *[storage.load_card] * in_card):
        with pytest.raises(CheckpointError, match=message) as caught:
            load(folder)
        said = str(caught.value)
        assert "\n" not in said.strip() and str(folder) in said


def test_cards_of_format_1_had_no_digest(saved):
    folder, _, _ = saved
    path = folder / "card.json"
    card = seals.open_json(path.read_bytes()) | {"format": 1}
    path.write_text(json.dumps(card))
    assert storage.load_card(folder) == card
    assert jaxgan.load_generator(folder).latent_dim == 3


def test_a_model_that_is_not_there_names_those_that_are(tmp_path):
    with pytest.raises(CheckpointError, match="mnist-classifier"):
        jaxgan.load_generator("mnist-gna")
    with pytest.raises(CheckpointError, match="has no generator, only classifier"):
        jaxgan.load_generator("mnist-classifier")


def test_shipped_models_load_and_are_small():
    assert "mnist-classifier" in storage.shipped()
    images = jnp.zeros((1, 28, 28, 1))
    for name in storage.shipped():
        if name.endswith("classifier"):
            assert jaxgan.load_classifier(name)(images).features.shape == (1, 128)
            continue
        generator = jaxgan.load_generator(name)
        samples = generator.generate(jnp.zeros((1, generator.latent_dim)))
        card = storage.load_card(name)
        assert {"command", "seed", "data_sha256", "versions"} <= set(card)
        if "critic" in card["parts"]:
            assert jaxgan.load_critic(name)(samples).shape == (1,)


def test_the_front_door_still_names_the_models_after_one_was_loaded():
    """The package of the models must not take the place of the function `shipped`."""
    jaxgan.load_generator("mnist-wgan-gp-2d")
    assert jaxgan.shipped() == storage.shipped()


def test_a_shipped_name_is_not_searched_in_the_working_directory(
    saved, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(saved[0], tmp_path / "mnist-classifier")
    assert jaxgan.load_classifier("mnist-classifier") is not None
