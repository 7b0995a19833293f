"""What a run of `gan` or `wgan` shows while it trains."""

import errno

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from experiments import wgan
from experiments.reporting import pictures
from experiments.running import adversarial, optimizers
from experiments.running.errors import UsageError
from jaxgan import gan
from jaxgan.networks import mlp_critic, mlp_generator

GENERATOR, CRITIC = mlp_generator(2, (4,)), mlp_critic((4,))
HELDOUT = np.zeros((3, 28, 28, 1), np.uint8)


@pytest.fixture(scope="module")
def states():
    """Two states of a run with different generators."""
    algorithm = gan.wgan_gp(GENERATOR, CRITIC)
    return [algorithm.init(jax.random.key(seed)) for seed in range(2)]


def test_a_batch_of_one_cannot_be_normalised():
    with pytest.raises(UsageError, match="--batch-size must be at least 2, got 1"):
        wgan.Config(batch_size=1).check()


def test_both_step_sizes_fall_at_the_same_time():
    """A gradient of one makes steps of the learning rate itself."""
    both = optimizers.adams(0.5, 3, 0.0, critic_steps=2)
    sizes = []
    for optimizer, count in zip(both, (8, 16), strict=True):
        state, taken = optimizer.init(jnp.zeros(1)), []
        with jax.numpy_dtype_promotion("standard"):  # for optax's bias correction
            for _ in range(count):
                change, state = optimizer.update(jnp.ones(1), state)
                taken.append(-np.asarray(change)[0])
        sizes.append(taken)
    generator, critic = sizes
    np.testing.assert_allclose(critic[::2], generator, rtol=1e-6)
    np.testing.assert_allclose(generator[-1], 0.5 * 3 / 7, rtol=1e-6)
    stays, same = optimizers.adams(0.5, None, 0.0, critic_steps=2)
    assert stays is same


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


def test_samples_are_renewed_after_every_epoch(states, tmp_path):
    observe = adversarial._observer(tmp_path, 0, GENERATOR, CRITIC, HELDOUT)
    seen = []
    for epoch, state in enumerate(states, 1):
        observe(epoch, state)
        seen.append(pixels(tmp_path / "samples.png"))
        frame = tmp_path / "frames" / f"{epoch:05}.png"
        np.testing.assert_array_equal(seen[-1], pixels(frame))
    assert (seen[0] != seen[1]).any()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["frames", "samples.png"]


def test_a_full_disk_costs_the_picture_only(states, tmp_path, monkeypatch):
    def save(path, grid):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pictures, "save_image", save)
    observe = adversarial._observer(tmp_path, 0, GENERATOR, CRITIC, HELDOUT)
    assert np.isfinite(observe(1, states[0])["wasserstein_estimate_heldout"])


def test_a_picture_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "samples.png"
    pictures.save_image(path, np.zeros((4, 4), np.uint8))

    def save(image, path):
        path.write_bytes(b"half of an image")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", save)
    with pytest.raises(OSError, match="No space left"):
        pictures.save_image(path, np.ones((4, 4), np.uint8))
    assert pixels(path).max() == 0
    assert [p.name for p in tmp_path.iterdir()] == ["samples.png"]
