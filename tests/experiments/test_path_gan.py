"""The sweep of path penalties as users run it, at toy size."""

import json
import time
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from processes import SAMPLE, command, fail, run, start, succeed, wait_until

from experiments.path_gan import given, judge
from experiments.path_gan import report as trial_report
from experiments.path_gan.arms import BETWEEN, PLAIN, Arm
from jaxgan import data, networks, pixels, storage

TOY = "--seeds 2 --steps 8 --chunk 4 --batch-size 32 --latent-dim 3 --widths 8 "
TOY += "--pairs 4 --segments 16 --digits 2 --samples 40"
TOY = [*SAMPLE, *TOY.split()]
FEW = [*TOY, "--path-weights", "0.5", "--line-weights", "--length-weights"]


def read(path):
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    out = tmp_path_factory.mktemp("sweep") / "run"
    succeed("path_gan", out, *FEW)
    return out


def test_a_sweep_writes_everything(swept):
    summary = read(swept / "summary.json")
    assert summary["seeds"] == 2 and summary["best"] == "path 0.5"
    rows = {**read(swept / "models/none/0/numbers.json")["numbers"]}
    rows |= read(swept / "models/path-0.5/0/numbers.json")["numbers"]
    plain, halved = rows["none"], rows["none, codes halved"]
    # Another scale of the latent space: a quarter of the energy, and the same ρ.
    assert halved["energy"] == pytest.approx(plain["energy"] / 4, rel=1e-3)
    assert halved["rho"] == pytest.approx(plain["rho"], rel=1e-3)
    assert rows["none, equal time"]["steps"] >= plain["steps"] == 8
    for row in rows.values():
        bound = 1 - 1e-4
        assert row["rho"] >= bound and row["line_over_energy"] >= bound
        assert (
            set(trial_report.METRICS) <= set(row) and np.isfinite([*row.values()]).all()
        )
    assert rows["path 0.5"]["code_distance"] == plain["code_distance"]
    report = (swept / "report.md").read_text()
    assert "| ρ | " in report and " 0.5 takes " in report
    for name in ("pareto", "strips"):
        with Image.open(swept / f"{name}.png") as image:
            assert np.asarray(image.convert("L")).std() > 5
    kept = swept / "models/path-0.5/1/model"
    assert storage.load_card(kept)["penalty"] == "path 0.5"
    assert storage.load_generator(kept).latent_dim == 3


@pytest.mark.slow
def test_a_sweep_goes_on_after_the_last_finished_run(swept):
    before = read(swept / "summary.json")
    numbers = swept / "models/path-0.5/1/numbers.json"
    kept = numbers.read_text()
    numbers.unlink()
    # Damage to any file of a finished run, and the run is made again.
    films = swept / "models/path-0.5/0/films.npz"
    film = films.read_bytes()
    films.write_bytes(film[:-1])
    done = run("path_gan", swept, *FEW, "--resume")
    assert done.returncode == 0, done.stderr
    assert "models/path-0.5/0/numbers.json: not as written: films.npz" in done.stderr
    assert done.stderr.count("\n") == 1 and films.read_bytes() == film
    after = read(swept / "summary.json")
    assert after.pop("wall_seconds") >= before.pop("wall_seconds")
    assert numbers.read_text() == kept and after == before
    # More seeds: those that are there stay as they are.
    succeed("path_gan", swept, *FEW, "--resume", "--seeds", "3")
    assert numbers.read_text() == kept and read(swept / "summary.json")["seeds"] == 3


def test_arms_begin_where_the_shared_steps_end(tmp_path):
    """A penalty that is next to nothing ends in the same weights as none at all."""
    flags = [*TOY, "--plain-steps", "8", "--strength", "ratio", "--path-weights"]
    flags += ["--line-weights", "1e-30", "0.5", "--length-weights", "--steps", "20"]
    flags += ["--critic-input", "centred", "--beta1", "-0.5"]
    succeed("path_gan", tmp_path, *flags)

    def weights(arm):
        model = tmp_path / "models" / arm / "1" / "model"
        kinds = storage.load_card(model)["parts"]
        assert kinds["critic"]["architecture"] == "centred_mlp_critic"
        generator = storage.load_generator(model)
        return [np.asarray(leaf) for leaf in jax.tree.leaves(generator.params)]

    none, nothing, some = map(weights, ("none", "line-1e-30", "line-0.5"))
    assert all((a == b).all() for a, b in zip(none, nothing, strict=True))
    assert any((a != b).any() for a, b in zip(none, some, strict=True))
    summary = read(tmp_path / "summary.json")
    assert summary["none_steps_mean"] == 28 and summary["best"] is None
    assert not [name for name in summary if "equal_time" in name or "halved" in name]
    report = (tmp_path / "report.md").read_text()
    assert "at ratio 0.5, takes" in report or "at ratio 1e-30, takes" in report


@pytest.mark.slow
def test_a_sweep_of_all_penalties_on_a_vanilla_gan(tmp_path):
    flags = [*TOY, "--algorithm", "gan", "--length-weights", "1"]
    succeed("path_gan", tmp_path / "run", *flags)
    report = (tmp_path / "run" / "report.md").read_text()
    assert "The same penalty on straight lines" in report and "length 1" in report


@pytest.mark.slow
def test_an_encoder_is_trained_along(tmp_path):
    flags = [*TOY, "--path-weights", "--line-weights", "--length-weights"]
    flags += ["--digits", "5", "--encoder-weights", "0.5"]
    succeed("path_gan", tmp_path, *flags)
    rows = {**read(tmp_path / "models/encoder-0.5/0/numbers.json")["numbers"]}
    rows |= read(tmp_path / "models/none/0/numbers.json")["numbers"]
    for name in ("encoder 0.5", "none", "none, equal time"):
        assert set(trial_report.AT_USUAL) <= set(rows[name])
    assert given.number("energy", 0.01) not in rows["none, codes halved"]
    encode = storage.load_encoder(tmp_path / "models/encoder-0.5/1/model")
    images = jnp.asarray(data.load("sample", "test").images[:7])
    codes = encode(pixels.as_inputs(images))
    assert codes.shape == (7, 3) and np.asarray(codes).std() > 0
    text = (tmp_path / "report.md").read_text()
    assert "Training an encoder along, at weight 0.5, takes" in text
    assert "| given digits: U, κ = 0.01 | " in text
    with Image.open(tmp_path / "given.png") as image:
        assert np.asarray(image.convert("L")).std() > 5


@pytest.mark.slow
def test_a_signal_does_not_wait_for_the_run_to_end(tmp_path):
    out, flags = tmp_path / "run", ["--steps", "1000000", "--chunk", "100"]
    process = start(command("path_gan", out, *FEW, *flags))
    try:
        wait_until((out / "models" / "path-0.5" / "0").exists, process)
        time.sleep(2)  # It trains by now.
        process.terminate()
        errors = process.communicate(timeout=30)[1]
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 75, errors
    assert errors == "stopped in path 0.5 0; go on with --resume\n"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--path-weights", "0"], "--path-weights must be different, and above 0"),
        (["--plain-steps", "70"], "--chunk must be a divisor of --plain-steps"),
        (
            ["--path-weights", "--line-weights", "--length-weights"],
            "--path-weights must be at least one",
        ),
        (["--steps", "10", "--chunk", "3"], "--chunk must be a divisor of --steps"),
        (
            ["--encoder-weights", "1", "--strength", "ratio"],
            "--encoder-weights must be none with --strength ratio",
        ),
    ],
)
def test_flags_that_cannot_be_are_one_line(tmp_path, flags, message):
    fail(2, message, "path_gan", tmp_path / "x", *flags)


GIVEN = {
    given.number(quantity, weight): factor * weight**power
    for quantity, factor, power in (
        ("error", 1.0, 0.5),
        ("energy", 50.0, -1.0),
        ("distance", 2.0, -0.5),
        ("rho", 2.0, 0.0),
        ("norm", 1.0, -0.5),
    )
    for weight in given.PRIOR_WEIGHTS
}
"""Numbers of given digits, of which logarithms are on lines."""


def sweep(rho, distance):
    """A finished sweep of two seeds, ρ and Fréchet distance by arm; NaN if lost."""

    def rows(arm):
        judged = {"frechet_distance": distance[arm], "rho": rho[arm]}
        lost = np.isnan(distance[arm])
        others = {} if lost else dict.fromkeys(trial_report.METRICS, 1.0) | GIVEN
        return [{**others, **judged, "step_ms": 1.0}] * 2

    return trial_report.Sweep(
        "sample", 2, 10, 4, "weight", {arm: rows(arm) for arm in rho}
    )


ONE, TWO, THREE = (Arm("path", weight) for weight in (1.0, 2.0, 3.0))


def test_the_best_weight_gains_most_within_what_is_allowed():
    rho = {PLAIN: 2.0, ONE: 1.9, TWO: 1.7, THREE: 1.2}
    distance = {PLAIN: 10.0, ONE: 9.0, TWO: 10.4, THREE: 12.0}
    found = sweep(rho, distance)
    assert found.best("path") == TWO
    assert found.reduction(TWO) == pytest.approx([0.3, 0.3])
    assert found.worsening(TWO) == pytest.approx(0.04)
    dear = sweep(rho, {**distance, ONE: 11.0, TWO: 13.0})
    assert dear.best("path") == ONE


def test_a_lost_arm_is_never_the_best(tmp_path):
    nan = float("nan")
    rho = {PLAIN: 2.0, ONE: nan, TWO: 1.7, Arm("line", 1.0): nan}
    distance = {PLAIN: 10.0, ONE: nan, TWO: 12.0, Arm("line", 1.0): nan}
    found = sweep(rho, distance)
    assert found.best("path") == TWO and found.best("line") is None
    text = trial_report.words(found)
    assert "weight 2 takes 30.0% off ρ − 1" in text
    assert "The same penalty on straight lines is lost at every weight." in text
    header, *lines = trial_report.table(found).splitlines()
    assert header == "| metric | none | path 1 | path 2 | line 1 |"
    assert all(line.split(" | ")[2] == "lost" for line in lines[1:])
    # Of one seed that is lost, the arm is.
    one_seed = {**found.rows, TWO: [*found.rows[TWO][:1], found.rows[ONE][0]]}
    assert found._replace(rows=one_seed).best("path") is None


@pytest.mark.parametrize(
    ("name", "shorter"),
    [
        ("mnist-wgan-gp-2d", 1.0),  # two dimensions leave nothing to choose
        pytest.param("mnist-wgan-gp-expansive", 0.5, marks=pytest.mark.slow),
    ],
)
def test_paths_between_given_digits(name, shorter):
    """With a larger weight codes are shorter and fit less well; U = ½D²ℓ²ρ."""
    generator = storage.load_generator(name)
    test = data.load("sample", "test").images[:5].astype(np.float32) / 127.5 - 1
    found = given.measure(jax.random.key(0), generator, test, 16)
    errors, norms = (
        [found[given.number(q, w)] for w in given.PRIOR_WEIGHTS]
        for q in ("error", "norm")
    )
    if shorter < 1:
        assert (np.diff(errors) > 0).all() and (np.diff(norms) < 0).all()
        assert norms[-1] <= shorter * norms[0]
    # Of one pair the medians are those of the pair itself.
    one = given.measure(jax.random.key(0), generator, test[:3], 16)
    distance = np.sum((test[0] - test[1]) ** 2) / 4
    for weight in given.PRIOR_WEIGHTS:
        energy, length, rho, error = (
            one[given.number(q, weight)] for q in ("energy", "distance", "rho", "error")
        )
        assert energy == pytest.approx(0.5 * distance * length**2 * rho, rel=1e-5)
        assert rho >= 1 - 1e-4 and 0 < error < 0.2


def test_energies_between_given_digits_are_compared_at_equal_error():
    encoder = Arm("encoder", 1.0)
    found = sweep({PLAIN: 2.0, encoder: 1.8}, {PLAIN: 10.0, encoder: 11.0})
    # Codes that fit as well are half as long: the errors are those of a larger weight.
    shared = found.rows[encoder][0]  # by both seeds
    for weight in given.PRIOR_WEIGHTS:
        shared[given.number("error", weight)] /= 2
    assert found.given_error() == pytest.approx(0.1)
    for arm, energy, distance in ((PLAIN, 5000, 20), (encoder, 1250, 10)):
        assert found.at_given_error(arm, "energy") == pytest.approx([energy] * 2)
        assert found.at_given_error(arm, "distance") == pytest.approx([distance] * 2)
    said = trial_report.words(found)
    assert "a squared error of 1.00e-01 at most, U goes from 5000 to 1250" in said
    assert "and ℓ from 20 to 10." in said
    table = trial_report.table(found)
    assert "| given digits: U, error at most 1.00e-01 | 5000 ± 0 | 1250 ± " in table
    # Where all errors are smaller it is the shortest codes that were tried.
    for weight in given.PRIOR_WEIGHTS:
        shared[given.number("error", weight)] /= 100
    assert found.at_given_error(encoder, "energy") == pytest.approx([50 / 0.3] * 2)
    # Where all are larger there is nothing to compare.
    for weight in given.PRIOR_WEIGHTS:
        shared[given.number("error", weight)] *= 1e4
    assert np.isnan(found.at_given_error(encoder, "energy")).all()
    assert "at most, U goes" not in trial_report.words(found)
    assert "1.00e-01 | 5000 ± 0 | – |" in trial_report.table(found)


@pytest.mark.parametrize("lost", [{ONE}, {PLAIN}, {PLAIN, ONE}])
def test_a_sweep_without_a_best_arm_is_reported(lost, tmp_path):
    arms = (PLAIN, ONE)
    found = sweep(*({a: np.nan if a in lost else x for a in arms} for x in (2.0, 9.0)))
    numbers = trial_report.summary(found)
    assert [numbers[n] for n in numbers if n.startswith("best")] == [None] * 4
    trial_report.write(tmp_path, found)
    text = (tmp_path / "report.md").read_text()
    assert "lost" in text and "nan" not in text
    assert not (tmp_path / "strips.png").exists()


def test_middles_of_lines_are_of_codes_with_half_the_variance():
    """The mean of two independent codes of N(0, 1) is one of N(0, ½)."""
    network = networks.FinishedNetwork(
        lambda params, latents, kink: latents, 3, networks.linear(-9.0, 9.0), slope=None
    )
    identity = networks.FinishedGenerator(network, {})
    keys = jax.random.split(jax.random.key(0), 4000)
    middles = np.asarray(jax.vmap(partial(judge.middle_of_line, identity))(keys))
    assert middles.shape == (4000, 3)
    np.testing.assert_allclose(np.cov(middles.T), np.eye(3) / 2, atol=0.04)


def test_images_half_way_are_compared_where_they_were_measured(tmp_path):
    between = PLAIN._replace(variant=BETWEEN)
    line = Arm("line", 0.5, BETWEEN)
    rho, distance = ({PLAIN: v, between: v, line: v} for v in (2.0, 10.0))
    found = sweep({**rho, line: 1.5}, {**distance, between: 11.0})
    said = trial_report.words(found)
    assert "half-way" not in said and "half-way" not in trial_report.table(found)
    assert said.endswith("that distance is 1 in the middles of lines (without both 1).")
    for arm, halfway in ((PLAIN, 80.0), (between, 30.0), (line, 40.0)):
        for row in found.rows[arm]:
            row.update(frechet_half=halfway, frechet_half_line=halfway)
    said, table = trial_report.words(found), trial_report.table(found)
    assert (
        "each batch between two, training without a penalty takes 0.0% off ρ − 1 and "
        "changes the Fréchet distance by +10.0%; that distance is 1 in the middles of "
        "lines (without both 1) and 30 half-way on paths (without both 80)." in said
    )
    assert "the penalty (line, weight 0.5) takes 50.0% off ρ − 1" in said
    assert "| Fréchet distance half-way on paths | 80 ± 0 | 30 ± 0 | 40 ± 0 |" in table
    # No arm with codes between two is the best weight of a penalty.
    assert found.best("line") is None
    trial_report.write(tmp_path, found)
    with Image.open(tmp_path / "pareto.png") as image:
        assert image.width > 2 * image.height  # three panels
