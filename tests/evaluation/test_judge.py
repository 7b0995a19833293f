import jax
import numpy as np
import pytest

from jaxgan import data, evaluation, pixels, storage

KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def digits():
    return data.load("sample", "train"), data.load("sample", "test")


@pytest.fixture(scope="module")
def classify():
    return storage.load_classifier()


@pytest.fixture(scope="module")
def seen(digits, classify):
    return evaluation.features_of(
        classify, digits[0].images[::4]
    ), evaluation.features_of(classify, digits[1].images)


def test_the_shipped_classifier_knows_digits(digits, seen):
    # Real training digits of MNIST, which it was trained on.
    assert np.mean(seen[1].classes == digits[1].labels) > 0.99


def test_the_classifier_reads_unseen_digits(mnist_dir, classify):
    test = data.load("mnist", "test", data_dir=mnist_dir)
    seen = evaluation.features_of(classify, test.images)
    assert np.mean(seen.classes == test.labels) >= 0.993


def test_looking_does_not_depend_on_the_chunk(digits, classify, seen):
    images = digits[1].images[:300]
    for chunk in (1, 7):
        again = evaluation.features_of(classify, images, chunk=chunk)
        np.testing.assert_allclose(
            again.features, seen[1].features[:300], rtol=1e-5, atol=1e-4
        )
        np.testing.assert_array_equal(again.pixels, seen[1].pixels[:300])


def test_looking_is_classifying(digits, classify):
    images = digits[1].images[:8]
    whole = jax.jit(classify)(pixels.as_inputs(jax.numpy.asarray(images)))
    np.testing.assert_allclose(
        evaluation.features_of(classify, images).features,
        whole.features,
        rtol=1e-5,
        atol=1e-4,
    )


def test_what_are_no_images_is_refused(unchecked, digits, classify):
    images = digits[1].images[:4]
    for bad in (images / 255, images[..., 0], images[:0], images.astype(int)):
        with pytest.raises(ValueError, match="expected images uint8 .* got"):
            evaluation.features_of(classify, bad)
    with pytest.raises(ValueError, match="takes no images .28, 28, 3."):
        evaluation.features_of(classify, np.zeros((2, 28, 28, 3), np.uint8))


def test_a_verdict_repeats_and_does_not_depend_on_the_chunk(digits, classify, seen):
    training_seen, reference = seen

    def verdict(samples):
        return evaluation.verdict(
            KEY, samples, reference, samples, training_seen.pixels
        )

    first = verdict(training_seen)
    assert verdict(evaluation.features_of(classify, digits[0].images[::4])) == first
    chunked = verdict(evaluation.features_of(classify, digits[0].images[::4], chunk=7))
    for name, estimate in first.items():
        assert chunked[name].value == pytest.approx(estimate.value, rel=1e-5), name


def test_samples_that_are_the_reference_are_perfect(seen):
    training_seen, reference = seen
    verdict = evaluation.verdict(
        KEY, reference, reference, reference, training_seen.pixels
    )
    for name in ("frechet_distance", "class_matched_frechet_distance"):
        assert verdict[name].value == pytest.approx(0, abs=1e-3)
    for name in ("precision", "recall", "coverage"):
        assert verdict[name].value == 1
    assert verdict["class_total_variation"].value == 0


def test_noise_is_far_from_the_floor_in_every_metric(classify, seen):
    training_seen, reference = seen
    noise = np.random.default_rng(0).integers(0, 256, (500, 28, 28, 1), np.uint8)
    fake = evaluation.features_of(classify, noise)
    worse = evaluation.verdict(KEY, fake, reference, fake, training_seen.pixels)
    floor = evaluation.floor(KEY, training_seen, reference, 500)
    assert worse.keys() == floor.keys()
    for name in ("recall", "coverage", "classifier_score"):
        assert worse[name].value < 0.5 * floor[name].value
    for name in ("frechet_distance", "kernel_distance", "class_total_variation"):
        assert worse[name].value > 3 * floor[name].value


def test_copies_are_caught_by_their_distance_to_the_training_images(seen):
    training_seen, reference = seen
    copies = evaluation.ImageFeatures(*(leaf[:100] for leaf in training_seen))
    found = evaluation.verdict(KEY, copies, reference, copies, training_seen.pixels)
    floor = evaluation.floor(KEY, training_seen, reference, 100)
    assert found["nearest_training_distance"].value == 0
    assert floor["nearest_training_distance"].value > 3


def test_a_floor_needs_enough_images(seen):
    with pytest.raises(ValueError, match="at 1001 samples needs"):
        evaluation.floor(KEY, seen[0], seen[1], 1001)


def test_drawn_images_differ_and_are_of_all_classes(digits):
    images = digits[1].images  # sorted by class
    drawn = evaluation.draw_images(KEY, images, 200)
    rows = {image.tobytes() for image in images}
    assert all(image.tobytes() in rows for image in drawn)
    assert len({image.tobytes() for image in drawn}) == 200
    np.testing.assert_array_equal(
        evaluation.draw_images(KEY, images, len(images)), images
    )
    with pytest.raises(ValueError, match="cannot draw 1001 of 1000"):
        evaluation.draw_images(KEY, images, 1001)
