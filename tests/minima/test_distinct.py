"""The distinct minima among settled points, where all minima are known."""

import landscapes
import numpy as np

from jaxgan import minima


def settled_toy():
    _, generator, target = landscapes.toy(0)
    starts = np.random.default_rng(0).normal(size=(24, 2)) * 2.5
    owners = np.zeros(len(starts), int)
    return minima.settle_many(
        generator, starts, target[None], owners, prior_weight=0.03
    )


def test_every_proved_end_point_is_in_one_minimum_and_the_best_comes_first():
    settled = settled_toy()
    found = minima.distinct_minima(settled)
    status = [minima.STATUSES[s] for s in settled.certificates.status]
    proved = [n for n, s in enumerate(status) if s in ("strict", "kink")]
    assert sorted(n for one in found for n in one.starts) == proved
    count = minima.count_minima(
        settled.latents[proved], np.zeros((len(proved), 1)), settled.errors[proved]
    )
    assert len(found) == count.seen > 1
    errors = [one.error for one in found]
    assert errors == sorted(errors)
    for one in found:
        ends = settled.latents[one.starts]
        assert np.abs(ends - one.latent).max() < 1e-5 * np.abs(settled.latents).max()
        assert one.error == settled.errors[one.starts].min()
        assert (one.status == "kink") == (one.num_held > 0)
        assert one.margin > 0
        assert one.least_curvature > 0 or one.num_held == 2  # no direction is left


def test_without_proved_points_there_is_none():
    settled = settled_toy()
    saddle = np.full(len(settled.errors), minima.STATUSES.index("saddle"))
    lost = settled._replace(certificates=settled.certificates._replace(status=saddle))
    assert minima.distinct_minima(lost) == ()
