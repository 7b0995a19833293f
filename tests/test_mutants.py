"""Faults put into the code on purpose: each is found by two tests or more.

Every line of `MUTANTS` is a mistake that somebody could make. `pytest -m slow
tests/test_mutants.py -rP` makes it in a copy of the package, and runs the tests that
are named beside it; what they do not find is printed.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
ENOUGH = 2
"""Tests that must find a fault: one alone could be weakened without a sign."""


class Mutant(NamedTuple):
    """A fault.

    Attributes:
        file: below `jaxgan`.
        before: text of the file, which is there once.
        after: what is in its place.
        tests: those that must find it, below `tests`: `file::test file::test …`.
    """

    file: str
    before: str
    after: str
    tests: str


CENTRED = (
    "networks/test_critics.py::test_a_bias_makes_up_for_the_centre "
    "networks/test_critics.py::test_the_centre_is_scored_as_zero_is "
)
ENCODER = "gan/test_encoder.py::test_errors_and_gradients_are_those_of_the_formula "
INTERPOLATION = (
    "gan/test_losses.py::test_interpolation_has_one_epsilon_for_each_example "
)
STACKING = "gan/test_alternating.py::test_stacking_and_sharing_change_no_value "
IMAGES = "gan/test_objectives.py::test_a_step_on_images_is_that_of_the_paper "
LINEAR = (
    "gan/test_objectives.py::test_the_penalty_of_a_linear_critic_of_images_is_exact "
)
ALL_PIXELS = "gan/test_losses.py::test_the_norm_is_over_all_pixels_and_of_one_example "
EVERYWHERE = "gan/test_losses.py::test_a_linear_critic_pays_the_same_everywhere "
OPTIONS = "gan/test_objectives.py::test_every_option_changes_what_is_learned "
MINIMAX = (
    "gan/test_objectives.py::"
    "test_the_minimax_generator_loss_is_minimised_where_it_is_asked_for "
)
TEXTBOOK = "gan/test_losses.py::test_vanilla_losses_equal_their_textbook_form "
DIRECTIONS = "gan/test_losses.py::test_losses_fall_as_the_scores_go_where_they_should "
SHIFT = (
    "gan/test_objectives.py::"
    "test_the_wasserstein_estimate_of_a_shift_has_its_closed_form_and_a_plus_sign "
)
AVERAGE = "gan/test_alternating.py::test_the_average_follows_its_recursion "
ENERGY_ALONE = (
    "gan/test_path_energy.py::"
    "test_the_penalty_differentiates_nothing_but_the_energy_of_its_paths "
)
LM = "inversion/test_levenberg_marquardt.py::"
BFGS = "inversion/test_quasi_newton.py::"
GRADIENT = (
    "paths/test_energy.py::test_the_gradient_is_autodiffs_and_finite_differences "
)
SIMPSON = "paths/test_energy.py::test_simpson_gives_the_energy_of_the_polygon "
CLOSED_FORMS = (
    "paths/test_multilevel.py::test_least_energies_are_those_of_the_closed_forms "
)
OWN_SMOOTHING = (
    "paths/test_minimiser.py::"
    "test_the_smoothing_of_ones_own_is_for_three_levels_and_not_for_the_last "
)
ECHO_BOUND = (
    "autoencoders/test_echo_codes.py::test_one_bound_holds_for_code_rate_and_tail "
)
CERTIFIED = "minima/test_certificates.py::"
WELLS = CERTIFIED + "test_two_wells_and_the_saddle_between_them "
NOT_A_MINIMUM = CERTIFIED + "test_what_is_no_minimum_is_not_called_one "

MUTANTS = {
    # The gradient penalty.
    "an ε for each pixel": Mutant(
        "gan/losses.py",
        "shape = real.shape[:1] + (1,) * (real.ndim - 1)",
        "shape = real.shape",
        INTERPOLATION + STACKING,
    ),
    "a centre that is added": Mutant(
        "networks/critics.py",
        "examples - jnp.asarray(checked, examples.dtype)[None]",
        "examples + jnp.asarray(checked, examples.dtype)[None]",
        CENTRED,
    ),
    "one ε for the batch": Mutant(
        "gan/losses.py",
        "shape = real.shape[:1] + (1,) * (real.ndim - 1)",
        "shape = (1,) * real.ndim",
        INTERPOLATION + STACKING,
    ),
    "a norm over channels": Mutant(
        "gan/losses.py",
        "return optax.safe_norm(jax.grad(score)(example), 0.0)",
        "return jnp.mean(optax.safe_norm(jax.grad(score)(example), 0.0, axis=-1))",
        ALL_PIXELS + EVERYWHERE + LINEAR,
    ),
    "a norm over channels, in training alone": Mutant(
        "gan/objectives.py",
        "norms = jax.vmap(partial(losses.gradient_norm, lambda x: score(x[None])[0]))(",
        "norms = jax.vmap(lambda x: jnp.mean(optax.safe_norm(jax.grad("
        "lambda x: score(x[None])[0])(x), 0.0, axis=-1)))(",
        LINEAR + IMAGES,
    ),
    "no square": Mutant(
        "gan/losses.py",
        "return excess * excess",
        "return jnp.abs(excess)",
        EVERYWHERE + STACKING + LINEAR,
    ),
    "the penalty of the mean norm": Mutant(
        "gan/objectives.py",
        "jnp.mean(jax.vmap(norm_penalty)(norms))",
        "norm_penalty(jnp.mean(norms))",
        STACKING + IMAGES,
    ),
    "the sum of the penalties": Mutant(
        "gan/objectives.py",
        "jnp.mean(jax.vmap(norm_penalty)(norms))",
        "jnp.sum(jax.vmap(norm_penalty)(norms))",
        STACKING + LINEAR,
    ),
    "a penalty without a gradient": Mutant(
        "gan/objectives.py",
        "return loss + penalty_weight * penalty",
        "return loss + penalty_weight * jax.lax.stop_gradient(penalty)",
        STACKING + IMAGES,
    ),
    "a penalty at real examples": Mutant(
        "gan/objectives.py",
        "between = losses.interpolate(key, real, fake)",
        "between = real",
        STACKING + IMAGES,
    ),
    "a negative penalty": Mutant(
        "gan/objectives.py",
        "return loss + penalty_weight * penalty",
        "return loss - penalty_weight * penalty",
        STACKING + LINEAR,
    ),
    "the weight is ignored": Mutant(
        "gan/objectives.py",
        "return loss + penalty_weight * penalty",
        "return loss + 10.0 * penalty",
        LINEAR + OPTIONS,
    ),
    "the target is ignored": Mutant(
        "gan/objectives.py", "target=penalty_target", "target=1.0", LINEAR + OPTIONS
    ),
    "one-sided is ignored": Mutant(
        "gan/objectives.py", "one_sided=one_sided", "one_sided=False", LINEAR + OPTIONS
    ),
    # The other losses.
    "the critic's sign": Mutant(
        "gan/losses.py",
        "return jnp.mean(fake) - jnp.mean(real)",
        "return jnp.mean(real) - jnp.mean(fake)",
        DIRECTIONS + STACKING,
    ),
    "the generator's sign": Mutant(
        "gan/losses.py",
        "return -jnp.mean(fake)",
        "return jnp.mean(fake)",
        DIRECTIONS + IMAGES,
    ),
    "the discriminator's sign": Mutant(
        "gan/losses.py",
        "jnp.mean(jax.nn.softplus(-real))",
        "jnp.mean(jax.nn.softplus(real))",
        DIRECTIONS + TEXTBOOK,
    ),
    "the sum of the discriminator's losses": Mutant(
        "gan/losses.py",
        "jnp.mean(jax.nn.softplus(-real))",
        "jnp.sum(jax.nn.softplus(-real))",
        TEXTBOOK
        + "gan/test_losses.py::test_an_undecided_discriminator_costs_two_log_two",
    ),
    "saturating is ignored": Mutant(
        "gan/objectives.py",
        "        if saturating\n",
        "        if False\n",
        MINIMAX + OPTIONS,
    ),
    "the estimate's sign": Mutant(
        "gan/objectives.py",
        "(penalty, jnp.mean(norms), -loss)",
        "(penalty, jnp.mean(norms), loss)",
        LINEAR + SHIFT,
    ),
    # The step of training.
    "latents and ε of one key": Mutant(
        "gan/alternating.py",
        "jnp.moveaxis(jax.vmap(jax.random.split)(keys), 1, 0)",
        "(keys, keys)",
        STACKING + IMAGES,
    ),
    "one ε for all critic steps": Mutant(
        "gan/alternating.py",
        "critic_keys[:-1], batches[:-1])",
        "critic_keys[jnp.full(critic_steps - 1, -1)], batches[:-1])",
        STACKING + IMAGES,
    ),
    "the same noise at every step": Mutant(
        "gan/alternating.py",
        "key = jax.random.fold_in(run_keys.noise, state.step)",
        "key = run_keys.noise",
        STACKING + IMAGES,
    ),
    "a stale critic": Mutant(
        "gan/alternating.py",
        "objective.generator(critic.apply(scorer, fake))",
        "objective.generator(critic.apply(state.critic, fake))",
        STACKING + IMAGES,
    ),
    "the average's decay is ignored": Mutant(
        "gan/alternating.py",
        "average_rate(state.step, average_decay)",
        "average_rate(state.step, 0.999)",
        AVERAGE + OPTIONS,
    ),
    "no average": Mutant(
        "gan/alternating.py",
        "average = optax.incremental_update(weights, state.average, rate)",
        "average = weights",
        AVERAGE + OPTIONS,
    ),
    # Penalties on the generator.
    "a lazy penalty counts once": Mutant(
        "gan/regularisation.py",
        "scaled_sum(gradient, slope, state.weight * every)",
        "scaled_sum(gradient, slope, state.weight)",
        "gan/test_regularisation.py::"
        "test_a_use_counts_as_many_times_as_there_are_steps_between "
        "gan/test_regularisation.py::test_a_lazy_penalty_is_the_eager_one_in_expectation",
    ),
    "a ratio is a weight": Mutant(
        "gan/regularisation.py",
        "share * state.ratio * adversarial / own, 0.0)",
        "share * state.ratio, 0.0)",
        "gan/test_regularisation.py::"
        "test_a_matched_penalty_adds_the_given_share_of_the_adversarial_gradient "
        "gan/test_regularisation.py::test_the_ratio_of_a_matched_penalty_rises_in_a_line",
    ),
    "an encoder that the generator ignores": Mutant(
        "gan/encoder.py",
        "return scaled_sum(gradient, slope, scale), state",
        "return gradient, state",
        ENCODER + "gan/test_encoder.py::test_its_weight_rises_in_a_line",
    ),
    "an encoder learns at the generator's weight": Mutant(
        "gan/encoder.py",
        "optimizer.update(own, state.optimizer, state.encoder)",
        "optimizer.update(scaled_sum(own, own, state.weight - 1), state.optimizer)",
        ENCODER + "gan/test_encoder.py::"
        "test_weight_zero_gives_the_bits_of_a_run_without",
    ),
    "paths are differentiated": Mutant(
        "gan/path_energy.py",
        "fixed = jax.lax.stop_gradient(folded)",
        "fixed = folded",
        ENERGY_ALONE + "gan/test_path_energy.py::"
        "test_paths_carry_no_derivative_from_one_use_to_the_next",
    ),
    "images at the ends are held": Mutant(
        "gan/path_energy.py",
        "image_a, image_b = generate(jnp.stack([path[0], path[-1]]))",
        "image_a, image_b = jax.lax.stop_gradient("
        "generate(jnp.stack([path[0], path[-1]])))",
        "gan/test_path_energy.py::test_contrast_has_no_slope "
        "gan/test_path_energy.py::test_the_envelope_gradient_is_that_of_the_minimum",
    ),
    # Inversion.
    "the prior is no part of the value": Mutant(
        "inversion/levenberg_marquardt.py",
        "return 0.5 * (residual @ residual + prior_weight * (latent @ latent))",
        "return 0.5 * residual @ residual",
        LM
        + "test_one_step_solves_a_linear_problem "
        + LM
        + "test_the_value_is_the_error_and_the_weighted_square_of_the_code",
    ),
    "a step uphill": Mutant(
        "inversion/quasi_newton.py",
        "step = -length * (inverse @ point.gradient)",
        "step = length * (inverse @ point.gradient)",
        BFGS
        + "test_one_step_with_the_exact_matrix_ends_at_the_minimum "
        + BFGS
        + "test_a_curved_valley_is_followed_to_its_end",
    ),
    "every step is accepted": Mutant(
        "inversion/levenberg_marquardt.py",
        "accepted = (trial.value < state.value) & (predicted > 0)",
        "accepted = predicted > 0",
        LM
        + "test_steps_never_raise_the_value "
        + LM
        + "test_a_step_that_overshoots_is_refused_and_damped",
    ),
    "the matrix learns nothing": Mutant(
        "inversion/quasi_newton.py",
        "return inverse - (crossed + crossed.T) + weight * jnp.outer(step, step)",
        "return inverse",
        BFGS
        + "test_the_matrix_maps_the_change_of_the_gradient_to_the_step "
        + BFGS
        + "test_a_curved_valley_is_followed_to_its_end",
    ),
    "the worse half survives": Mutant(
        "inversion/search.py",
        "np.where(progress.kept, progress.values, np.inf).reshape(images, -1)",
        "np.where(progress.kept, -progress.values, np.inf).reshape(images, -1)",
        "inversion/test_many_images.py::test_survivors_are_the_best_and_cost_less "
        "inversion/test_many_images.py::"
        "test_the_better_half_of_each_image_survives_and_equal_ones_in_their_order",
    ),
    # Minima and their certificates.
    "the prior does not curve": Mutant(
        "minima/faces.py",
        "hessian = hessian + prior_weight * jnp.eye(len(latent), dtype=latent.dtype)",
        "hessian = hessian + 0 * jnp.eye(len(latent), dtype=latent.dtype)",
        "minima/test_newton.py::"
        "test_gradient_hessian_and_their_smoothed_forms_are_autodiffs "
        "minima/test_settling.py::test_a_minimum_moves_as_the_problem_solved_anew",
    ),
    "a saddle passes": Mutant(
        "minima/certificates.py",
        "least < -FLAT * largest,",
        "jnp.zeros((), bool),",
        WELLS
        + CERTIFIED
        + "test_the_origin_of_a_product_is_a_saddle_and_a_valley_is_flat",
    ),
    "facets that do not attract pass": Mutant(
        "minima/certificates.py",
        "~stationary | (margin < -MARGIN),",
        "~stationary,",
        CERTIFIED
        + "test_a_valley_at_a_kink_is_a_minimum_and_a_ridge_is_not "
        + CERTIFIED
        + "test_a_slope_over_a_kink_is_no_minimum",
    ),
    "what moves is stationary": Mutant(
        "minima/certificates.py",
        "newton < SMALL_STEP * (1 + jnp.sqrt(state.latent @ state.latent))",
        "jnp.ones((), bool)",
        NOT_A_MINIMUM + WELLS,
    ),
    # Paths.
    "λ at the left ends": Mutant(
        "paths/energy.py",
        "middle = metric(midpoints(path))",
        "middle = metric(path[:-1])",
        GRADIENT + SIMPSON,
    ),
    "half of the slope of λ is lost": Mutant(
        "paths/energy.py",
        "push = 0.5 * squares[:, None] * slopes",
        "push = 0.25 * squares[:, None] * slopes",
        GRADIENT + CLOSED_FORMS,
    ),
    "lengths without a square": Mutant(
        "paths/energy.py",
        "return jnp.sum(jnp.diff(path, axis=0) ** 2, 1)",
        "return jnp.sqrt(jnp.sum(jnp.diff(path, axis=0) ** 2, 1))",
        GRADIENT + CLOSED_FORMS,
    ),
    "the energy is not multiplied by the number of segments": Mutant(
        "paths/energy.py",
        "return (len(path) - 1) * jnp.sum(weights * squared_lengths(path))",
        "return jnp.sum(weights * squared_lengths(path))",
        GRADIENT + SIMPSON,
    ),
    "λ without its least value": Mutant(
        "paths/conformal.py",
        "return 2 * jnp.sum(gap * gap, 1) + least",
        "return 2 * jnp.sum(gap * gap, 1)",
        "paths/test_conformal.py::test_rho_of_an_isometry_is_the_known_constant "
        "paths/test_conformal.py::test_no_straight_line_is_below_the_lower_bound "
        "gan/test_path_energy.py::test_an_affine_generator_has_the_known_score",
    ),
    "coarse levels see kinks": Mutant(
        "paths/multilevel.py",
        "[metrics.smoothed()] * smooth",
        "[metrics] * smooth",
        OWN_SMOOTHING + "paths/test_minimiser.py::"
        "test_coarse_levels_see_no_kinks_and_the_last_one_sees_them",
    ),
    "the last level sees no kinks": Mutant(
        "paths/multilevel.py",
        "min(SMOOTH_LEVELS, len(levels) - 1)",
        "min(SMOOTH_LEVELS, len(levels))",
        OWN_SMOOTHING
        + "paths/test_minimiser.py::"
        + "test_paths_are_better_than_lines_and_keep_their_ends",
    ),
    "a path's half is its first half": Mutant(
        "paths/records.py",
        "path_energy(metric, path[::step])",
        "path_energy(metric, path[: segments // step + 1])",
        "paths/test_records.py::"
        "test_the_error_of_a_path_follows_from_half_of_its_knots "
        "paths/test_records.py::test_a_path_without_a_middle_knot_has_no_half",
    ),
    # Codes with noise.
    "Echo's rate has the wrong sign": Mutant(
        "autoencoders/echo_codes.py",
        "-jnp.sum(log_scales, 1)",
        "jnp.sum(log_scales, 1)",
        ECHO_BOUND + "autoencoders/test_echo_codes.py::"
        "test_rates_stay_exact_where_scales_underflow",
    ),
    "Echo's rate is a mean over dimensions": Mutant(
        "autoencoders/echo_codes.py",
        "-jnp.sum(log_scales, 1)",
        "-jnp.mean(log_scales, 1)",
        ECHO_BOUND + "autoencoders/test_echo_codes.py::"
        "test_rates_stay_exact_where_scales_underflow "
        "autoencoders/test_echo_codes.py::"
        "test_constant_codes_and_the_floor_are_warned_of",
    ),
    "Echo's noise holds the example itself": Mutant(
        "autoencoders/echo_noise.py",
        "whole, covered = power, 1",
        "whole, covered = power, 0",
        "autoencoders/test_echo_noise.py::"
        "test_every_order_of_the_others_is_equally_likely_and_nothing_else_occurs "
        "autoencoders/test_echo_noise.py::"
        "test_doubling_is_one_neighbour_after_the_other",
    ),
    "one draw from the bank for all": Mutant(
        "autoencoders/echo_noise.py",
        "own = jax.vmap(partial(jax.random.fold_in, key))(items)",
        "own = jax.vmap(partial(jax.random.fold_in, key))(0 * items)",
        "autoencoders/test_echo_noise.py::"
        "test_the_bank_has_the_moments_of_independent_draws "
        "autoencoders/test_echo_codes.py::test_bank_and_batch_draw_one_law",
    ),
    "β is ignored": Mutant(
        "autoencoders/autoencoder.py",
        "value = distortion + state.beta * rate",
        "value = distortion + rate",
        "autoencoders/test_autoencoder.py::"
        "test_a_step_is_gradient_descent_on_distortion_plus_beta_rate "
        "autoencoders/test_autoencoder.py::"
        "test_a_great_weight_on_the_rate_leaves_the_mean_image",
    ),
    "the divergence without its half": Mutant(
        "autoencoders/gaussian.py",
        "return 0.5 * jnp.sum(mean * mean + excess, -1)",
        "return jnp.sum(mean * mean + excess, -1)",
        "autoencoders/test_autoencoder.py::test_the_divergence_is_the_mean_log_ratio "
        "autoencoders/test_autoencoder.py::"
        "test_the_divergence_keeps_its_digits_near_zero",
    ),
    "the code has no noise": Mutant(
        "autoencoders/gaussian.py",
        "latents = heads.location + jnp.exp(heads.scale) * noise\n    rates",
        "latents = heads.location + 0 * noise\n    rates",
        "autoencoders/test_autoencoder.py::"
        "test_importance_weighting_closes_the_gap_of_a_bound "
        "autoencoders/test_autoencoder.py::"
        "test_gaussian_codes_have_the_mean_and_the_deviation_that_the_encoder_says",
    ),
}


def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("name", MUTANTS)
def test_every_fault_has_its_place_and_its_tests(name):
    mutant = MUTANTS[name]
    source = (ROOT / "jaxgan" / mutant.file).read_text(encoding="utf-8")
    assert source.count(mutant.before) == 1
    ast.parse(source.replace(mutant.before, mutant.after))
    named = mutant.tests.split()
    assert len(set(named)) >= ENOUGH
    for test in named:
        file, _, function = test.partition("::")
        assert function in functions_of(ROOT / "tests" / file), test


def failing(folder: Path, tests: list[str]) -> set[str]:
    """Return which tests fail on the package in a folder."""
    named = [f"tests/{test}" for test in tests]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "0", "-q", "-rfE", "--tb=no", *named],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found = re.findall(r"^(?:FAILED|ERROR) tests/([^[\s]+)", done.stdout, re.MULTILINE)
    return set(found)


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A copy of all that the tests read; the package of it can be changed."""
    folder = tmp_path_factory.mktemp("mutants") / "copy"
    folder.mkdir()
    for name in ("jaxgan", "tests"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("experiments", "checkpoints"):
        (folder / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


@pytest.mark.slow
def test_without_a_fault_no_test_fails(copied):
    named = {test for mutant in MUTANTS.values() for test in mutant.tests.split()}
    assert not failing(copied, sorted(named))


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_a_fault_is_found_by_two_tests(name, copied):
    mutant = MUTANTS[name]
    path = copied / "jaxgan" / mutant.file
    whole = path.read_text(encoding="utf-8")
    try:
        path.write_text(whole.replace(mutant.before, mutant.after), encoding="utf-8")
        found = failing(copied, mutant.tests.split())
    finally:
        path.write_text(whole, encoding="utf-8")
    for test in set(mutant.tests.split()) - found:
        print(f"not found by {test}")
    assert len(found) >= ENOUGH, f"{name}: found by {sorted(found) or 'none'}"
