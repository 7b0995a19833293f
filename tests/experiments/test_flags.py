"""Every flag of every command is used to its end, and what it cannot be is refused.

`RUNS` has toy runs in which every flag has another value than its default. A flag that
is added without a place in them fails the first test.
"""

import gzip
import importlib
import json
import math
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, NamedTuple, get_args

import jax
import numpy as np
import pytest
from PIL import Image
from processes import command, finish

from experiments.running import record, run_folder
from experiments.running.errors import UsageError
from jaxgan import data

COMMANDS = {
    name: importlib.import_module(f"experiments.{name}{main}")
    for main, names in {
        "": ("classifier", "evaluate", "gan", "wgan"),
        ".__main__": (
            *("compare", "diagnose", "invert", "kinks", "path"),
            *("path_gan", "rate_distortion", "recipes", "recover", "shannon"),
        ),
    }.items()
    for name in names
}
HOSTS = ("coordinator", "num_processes", "process_id")
ALWAYS = ("out", "overwrite", "resume")
"""Flags of every run of the table: into a folder with an old run, and once more."""


class Outcome(NamedTuple):
    """What a run has left behind."""

    out: Path
    config: Mapping[str, Any]
    summary: Mapping[str, Any]


Look = Callable[[Outcome], bool]


class Run(NamedTuple):
    """A run of a command.

    Attributes:
        experiment: the command.
        values: of its flags, none of them the default. Words in capitals stand for
            files that a test makes.
        looks: where the effect of a flag is seen. A flag that is not here must change
            the numbers: without it they are others.
    """

    experiment: str
    values: Mapping[str, Any]
    looks: Mapping[str, Look] = {}


def reports(name: str, value: Any) -> Look:
    """Whether the summary has this number."""
    return lambda outcome: outcome.summary[name] == value


def logs(count: int) -> Look:
    """Whether so many rows were logged."""
    return lambda outcome: len(read(outcome, "metrics.jsonl").splitlines()) == count


def holds(array: str, length: int) -> Look:
    """Whether an array of the results has so many rows."""

    def look(outcome: Outcome) -> bool:
        with np.load(outcome.out / "results.npz") as results:
            return len(results[array]) == length

    return look


def read(outcome: Outcome, name: str) -> str:
    """Return the text of a file that the run has written."""
    return (outcome.out / name).read_text(encoding="utf-8")


def has_arm(name: str) -> Look:
    """Whether a penalty is in the summary."""
    return lambda outcome: any(key.startswith(name) for key in outcome.summary)


def has_no_arm(name: str) -> Look:
    """Whether it is not."""
    return lambda outcome: not has_arm(name)(outcome)


def makes(**shape: Any) -> Look:
    """Whether the generator that was written is of this kind and shape."""
    expected = {name: value for name, value in shape.items() if name != "kind"}

    def look(outcome: Outcome) -> bool:
        generator = json.loads(read(outcome, "model/card.json"))["parts"]["generator"]
        kind = shape.get("kind", generator["architecture"])
        options = {name: generator["options"][name] for name in expected}
        return (generator["architecture"], options) == (kind, expected)

    return look


def checkpoints(*steps: int) -> Look:
    """Whether the states at these steps are kept."""

    def look(outcome: Outcome) -> bool:
        return {str(n) for n in steps} <= {
            path.name for path in (outcome.out / "checkpoint").iterdir()
        }

    return look


def has_events(outcome: Outcome) -> bool:
    """Whether there are event files for TensorBoard."""
    return any((outcome.out / "events").iterdir())


def only_how_soon_a_signal_stops_it(outcome: Outcome) -> bool:
    """Return True: it has no other effect, and that one is tested elsewhere."""
    return True


SHARED: Mapping[str, Callable[[Any], Look]] = {
    "dataset": lambda value: reports("dataset", value),
    "data_dir": lambda _: reports("dataset", "fashion_mnist"),
    "checkpoint": lambda value: reports("checkpoint", str(value)),
    "generator": lambda value: reports("checkpoint", value),
    "samples": lambda value: reports("n_samples", value),
}
"""Where the effect of a flag is seen that many commands have."""

SAMPLE = {"dataset": "sample", "seed": 3}
GIVEN = {"dataset": "fashion_mnist", "data_dir": "IDX"}
OWN = {"generator": "own:make"}
JUDGED = {"judge": "CLASSIFIER", "samples": 60}
TRAINED = {
    **{**SAMPLE, "epochs": 2, "batch_size": 500, "checkpoint_every": 1},
    "tensorboard": True,
}
OF_TRAINED = {
    "epochs": logs(2),
    "batch_size": reports("steps", 16),
    "checkpoint_every": checkpoints(8, 16),
    "tensorboard": has_events,
}
ADVERSARIAL = {
    **TRAINED,
    **{"latent_dim": 4, "widths": (16,), "learning_rate": 2e-3, "beta1": 0.5},
    **{"beta2": 0.9, "critic_steps": 2, "average_decay": 0.2, "corner_width": 0.5},
    **{"decay_after": 2, "critic_input": "centred"},
}
OF_ADVERSARIAL = {
    **OF_TRAINED,
    "batch_size": reports("steps", 8),  # of two batches each
    "checkpoint_every": checkpoints(4, 8),
    "latent_dim": makes(latent_dim=4),
    "widths": makes(widths=[16]),
    "corner_width": makes(corner_width=0.5),
}
PENALTY = {"penalty_weight": 5.0, "penalty_target": 0.5, "one_sided": True}
LARGE_BATCH = {**GIVEN, "epochs": 1, "batch_size": 30_000, "widths": (16,)}

RUNS = {
    "classifier": Run("classifier", {**TRAINED, "learning_rate": 0.01}, OF_TRAINED),
    "classifier, given files": Run(
        "classifier",
        {**GIVEN, "epochs": 1, "batch_size": 500, **dict.fromkeys(HOSTS)},
    ),
    "evaluate": Run("evaluate", {**SAMPLE, **JUDGED, "checkpoint": "TOY"}),
    "evaluate, own": Run("evaluate", {**GIVEN, **OWN, "samples": 60}),
    "gan": Run("gan", {**ADVERSARIAL, "saturating": True}, OF_ADVERSARIAL),
    "gan, given files": Run("gan", {**LARGE_BATCH, **dict.fromkeys(HOSTS)}),
    "gan, convolutional": Run(
        "gan",
        {**SAMPLE, "epochs": 1, "batch_size": 500, "architecture": "conv"},
        {"architecture": makes(kind="conv_generator")},
    ),
    "wgan": Run(
        "wgan",
        {**ADVERSARIAL, **PENALTY, "critic_input": "pixels"},
        OF_ADVERSARIAL,
    ),
    "wgan, given files": Run("wgan", {**LARGE_BATCH, **dict.fromkeys(HOSTS)}),
    "wgan, convolutional": Run(
        "wgan",
        {**SAMPLE, "epochs": 1, "batch_size": 500, "architecture": "conv"},
        {"architecture": makes(kind="conv_generator")},
    ),
    "compare": Run(
        "compare",
        {
            **{**SAMPLE, **JUDGED, "seeds": 2, "steps": 4, "points": 2},
            **{"batch_size": 32, "critic_steps": 2, "latent_dim": 4},
            **{"learning_rate": (1e-4, 5e-4), "beta1": (0.0, 0.5)},
            **{"decay_after": (1, None), "critic_input": ("pixels", "centred")},
        },
        {
            "seeds": reports("seeds", 2),
            "steps": reports("steps", 4),
            "points": lambda run: (
                '"step": 2' in next(run.out.rglob("metrics.jsonl")).read_text()
            ),
        },
    ),
    "compare, given files": Run(
        "compare",
        {**GIVEN, "samples": 20, "seeds": 2, "steps": 1, "points": 1, "latent_dim": 4},
    ),
    "diagnose": Run(
        "diagnose",
        {
            **{**SAMPLE, "checkpoint": "TOY", "images": 3, "own_images": 2},
            **{"steps": 20, "starts": 2, "learning_rate": 0.2, "prior_weight": 0.5},
        },
        {"images": holds("targets", 3), "own_images": holds("own_judged", 2)},
    ),
    "diagnose, own": Run(
        "diagnose",
        {**OWN, "targets": ("LARGE", "NPY"), "resize": True, "codes": "CODES"},
        {"targets": holds("targets", 3), "resize": holds("targets", 3)},
    ),
    "diagnose, given files": Run("diagnose", {**GIVEN, **OWN, "images": 1, "steps": 9}),
    "invert": Run(
        "invert",
        {
            **{**SAMPLE, "checkpoint": "TOY", "images": 2, "starts": 6},
            **{"survivors": 3, "prior_weight": 0.5, "steps": 5, "corner_width": 0.5},
        },
        {
            # All starts end in one minimum, whatever they are drawn with.
            "seed": lambda run: (
                np.load(run.out / "results.npz")["seeds"].tolist() == [[3, 0], [3, 1]]
            ),
            "images": reports("num_images", 2),
            "starts": reports("num_starts", 6),
            # A smooth generator has no kinks.
            "corner_width": reports("kink_fraction", 0.0),
            # One state before the first step, and one after each.
            "steps": lambda run: (
                len(np.load(run.out / "parts/000000.npz")["history"]) == 6
            ),
            "survivors": lambda run: (
                (np.load(run.out / "results.npz")["statuses"] >= 0).sum() == 6
            ),
        },
    ),
    "invert, own": Run(
        "invert",
        {**OWN, "targets": ("LARGE", "NPY"), "resize": True, **dict.fromkeys(HOSTS)},
        {"targets": holds("targets", 3), "resize": holds("targets", 3)},
    ),
    "invert, given files": Run("invert", {**GIVEN, **OWN, "images": 1, "starts": 2}),
    "path": Run(
        "path",
        {
            **{**SAMPLE, "judge": "CLASSIFIER", "checkpoint": "TOY", "codes": "prior"},
            **{"pairs": 2, "segments": 32, "starts": 2, "compared": 0},
        },
        {
            "pairs": reports("pairs", 2),
            "segments": reports("segments", 32),
            "codes": reports("codes", "prior"),
            "compared": lambda run: not (run.out / "convergence.png").exists(),
        },
    ),
    "path, own": Run(
        "path",
        {
            **{**GIVEN, **OWN, "pairs": 1, "segments": 32, "starts": 1},
            **{"compared": 1, "prior_weight": 0.1, **dict.fromkeys(HOSTS)},
        },
        {
            "prior_weight": reports("prior_weight", 0.1),
            "compared": lambda run: (run.out / "convergence.png").exists(),
            "segments": reports("segments", 32),
            "starts": reports("starts", 1),
            "pairs": reports("pairs", 1),
        },
    ),
    "path_gan": Run(
        "path_gan",
        {
            **{**SAMPLE, **JUDGED, "algorithm": "gan", "path_weights": (2.0,)},
            **{"line_weights": (3.0,), "length_weights": (), "every": 2, "seeds": 2},
            **{"steps": 4, "chunk": 2, "batch_size": 32, "average_decay": 0.05},
            **{"latent_dim": 3, "widths": (8, 16), "pairs": 4, "segments": 16},
            **{"digits": 2, "plain_steps": 2, "strength": "ratio", "between": True},
            **{"learning_rate": 1e-3, "beta1": -0.5, "critic_input": "centred"},
        },
        {
            "path_weights": has_arm("path_2"),
            "line_weights": has_arm("line_3"),
            "length_weights": has_no_arm("length"),
            "seeds": reports("seeds", 2),
            "steps": reports("none_steps_mean", 6),
            "between": has_arm("line_3_codes_between"),
            "plain_steps": lambda run: (run.out / "models/shared/1.npz").exists(),
            "strength": lambda run: " at ratio 3, " in read(run, "report.md"),
            "pairs": reports("pairs", 4),
            "chunk": only_how_soon_a_signal_stops_it,
        },
    ),
    "path_gan, given files": Run(
        "path_gan",
        {
            **{**GIVEN, "samples": 60, "path_weights": (2.0,), "line_weights": ()},
            **{"length_weights": (), "seeds": 2, "steps": 1, "chunk": 1, "digits": 2},
            **{"latent_dim": 3, "widths": (8,), "pairs": 4, "segments": 16},
            "encoder_weights": (0.5,),
        },
        {"encoder_weights": has_arm("encoder_0_5")},
    ),
    "rate_distortion": Run(
        "rate_distortion",
        {
            **{**SAMPLE, "betas": (0.5,), "seeds": 2, "units": 8, "latent_dim": 3},
            **{"steps": 4, "batch_size": 120, "learning_rate": 0.01, "depth": 9},
            **{"likelihood_images": 10, "likelihood_draws": 5},
            "training_images": 200,
        },
        {
            "training_images": reports("log_training_images", math.log(200)),
            "betas": lambda run: read(run, "metrics.jsonl").count('"beta": 0.5') == 4,
            "seeds": logs(4),
            "steps": reports("steps", 4),
        },
    ),
    "rate_distortion, given files": Run(
        "rate_distortion",
        {
            **{**GIVEN, "betas": (0.5,), "seeds": 1, "units": 8, "latent_dim": 3},
            **{"steps": 4, "likelihood_images": 10, "likelihood_draws": 5},
        },
    ),
    "kinks": Run(
        "kinks",
        {
            **{**SAMPLE, "checkpoint": "TOY", "images": 2, "starts": 4},
            **{"widths": (0.5, 0.05), "steps": 3, "prior_weight": 0.5},
        },
        {
            "images": reports("images", 2),
            "starts": reports("starts", 4),
            "widths": lambda run: (run.out / "parts/sharpening-0.05.npz").exists(),
        },
    ),
    "kinks, own": Run(
        "kinks",
        {
            **{**OWN, "targets": ("LARGE", "NPY"), "resize": True},
            **{"starts": 2, "widths": (0.5,)},
        },
        {"targets": reports("images", 3), "resize": reports("images", 3)},
    ),
    "kinks, given files": Run(
        "kinks", {**GIVEN, **OWN, "images": 1, "starts": 2, "widths": (0.5,)}
    ),
    "recipes": Run(
        "recipes",
        {**SAMPLE, "checkpoint": "TOY", "images": 2, "budget": 500},
    ),
    "recipes, own": Run("recipes", {**GIVEN, **OWN, "images": 1, "budget": 500}),
    "recover": Run(
        "recover",
        {"seed": 3, "checkpoint": "TOY", "images": 20, "starts": 1},
        {"images": reports("num_images", 20)},
    ),
    "recover, own": Run(
        "recover", {**OWN, "images": 1, "starts": 1, **dict.fromkeys(HOSTS)}
    ),
    "shannon": Run("shannon", {"seed": 3}),
}
WHOLE = [name for name in RUNS if name in COMMANDS]
"""The runs whose every flag is looked at; others have the flags that exclude those."""


def flags_of(config: type) -> dict[str, Any]:
    """Return the default of every flag of a command."""
    return {
        field.name: () if field.default is MISSING else field.default
        for field in fields(config)
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_every_flag_has_a_run_with_another_value(name):
    default = flags_of(COMMANDS[name].Config)
    runs = [run for run in RUNS.values() if run.experiment == name]
    used = {
        flag
        for run in runs
        for flag, value in run.values.items()
        if flag in HOSTS or value != default[flag]
    }
    assert not set(default) - used - set(ALWAYS), "flags without a run in `RUNS`"
    for run in runs:
        assert set(run.looks) <= set(run.values) <= set(default)


def numbers_of(config: type) -> dict[str, Any]:
    """Return the types of the flags that are numbers, or several numbers."""
    kinds = {}
    for field in fields(config):
        kind = {field.type, *get_args(field.type)} & {int, float}
        if kind and field.name not in HOSTS:
            kinds[field.name] = kind.pop()
    return kinds


@pytest.mark.parametrize("name", COMMANDS)
def test_numbers_that_cannot_be_are_refused_by_name(name):
    config = COMMANDS[name].Config
    for flag, kind in numbers_of(config).items():
        default = flags_of(config)[flag]
        wrong = [-1, *([math.nan, math.inf, -math.inf, 1e39] if kind is float else [])]
        for number in map(kind, wrong):
            word = "--" + flag.replace("_", "-")
            with pytest.raises(UsageError, match=f"^{word} must be .*, got ") as error:
                several = isinstance(default, tuple)
                config(**{flag: (number, *default[1:]) if several else number})
            assert "\n" not in str(error.value)


VOID = [
    ("wgan", {"dataset": "sample", "data_dir": Path("x")}),
    ("gan", {"architecture": "conv", "widths": (16,)}),
    ("wgan", {"architecture": "conv", "corner_width": 0.3}),
    ("wgan", {"penalty_weight": 0.0, "penalty_target": 0.5}),
    ("wgan", {"penalty_weight": 0.0, "one_sided": True}),
    *(
        (name, {"targets": (Path("x.png"),), **other})
        for name in ("invert", "diagnose")
        for other in (
            {"images": 3},
            {"dataset": "mnist"},
            {"data_dir": Path("x")},
        )
    ),
    ("diagnose", {"codes": Path("z.npy"), "steps": 10}),
    ("diagnose", {"codes": Path("z.npy"), "learning_rate": 0.2}),
    ("evaluate", {"generator": "own:make", "checkpoint": "mnist-gan"}),
]


@pytest.mark.parametrize(("name", "options"), VOID)
def test_a_flag_that_another_makes_void_is_refused(name, options):
    with pytest.raises(UsageError, match="^--.* and --.* exclude each other$"):
        COMMANDS[name].Config(**options)


@pytest.mark.parametrize("name", ["invert", "diagnose"])
def test_scaling_is_for_own_images(name):
    with pytest.raises(UsageError, match="^--resize is for the images in --targets$"):
        COMMANDS[name].Config(resize=True)


def test_a_tilde_is_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    config = COMMANDS["invert"].Config(
        out=Path("~/runs"), checkpoint="~/model", targets=(Path("~/x.png"), Path("y"))
    )
    assert config.out == tmp_path / "runs" and config.checkpoint == f"{tmp_path}/model"
    assert config.targets == (tmp_path / "x.png", Path("y"))
    with pytest.raises(UsageError, match="^~nobody-has-this-name/x: "):
        COMMANDS["invert"].Config(out=Path("~nobody-has-this-name/x"))


def idx(path: Path, array: np.ndarray) -> None:
    header = struct.pack(f">I{array.ndim}I", 0x800 + array.ndim, *array.shape)
    with gzip.open(path, "wb", 1) as file:
        file.write(header + array.tobytes())


@pytest.fixture(scope="session")
def files(tmp_path_factory, toy_model):
    """What stands in the table for files, by the words that stand for them."""
    folder = tmp_path_factory.mktemp("files")
    given = folder / "idx"
    given.mkdir()
    for part, split, times in (("train", "train", 15), ("t10k", "test", 10)):
        digits = data.load("sample", split)
        idx(
            given / f"{part}-images-idx3-ubyte.gz",
            digits.images[..., 0].repeat(times, 0),
        )
        idx(
            given / f"{part}-labels-idx1-ubyte.gz",
            digits.labels.astype(np.uint8).repeat(times),
        )
    (folder / "own.py").write_text(
        "from jaxgan import storage\n\n"
        f"def make():\n    return storage.load_generator({str(toy_model)!r})\n"
    )
    digit = data.load("sample", "test").images[150, ..., 0]
    Image.fromarray(digit).resize((40, 56)).save(folder / "large.png")
    np.save(folder / "two.npy", np.stack([digit, digit.T]))
    np.save(folder / "codes.npy", np.ones((3, 2), np.float32))
    names = {"LARGE": "large.png", "NPY": "two.npy", "CODES": "codes.npy"}
    return {
        **{"TOY": str(toy_model), "IDX": given, "HERE": folder},
        **{word: folder / name for word, name in names.items()},
    }


def filled(value: Any, files: Mapping[str, Path]) -> Any:
    """Return a value of the table with the files in place of words."""
    if isinstance(value, tuple):
        return tuple(filled(each, files) for each in value)
    return files.get(value, value) if isinstance(value, str) else value


def words(values: Mapping[str, Any]) -> list[str]:
    """Return flags as they are typed."""
    typed = []
    for name, value in values.items():
        flag = "--" + name.replace("_", "-")
        if isinstance(value, bool):
            typed.append(flag)
        else:
            several = value if isinstance(value, tuple) else (value,)
            typed += [flag, *map(str, several)]
    return typed


def numbers(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return a summary without what depends on how long a run took."""
    timed = ("second", "time", "quick", "step_ms", "overhead")
    return {
        name: value
        for name, value in summary.items()
        if not any(word in name for word in timed)
    }


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="session")
def outcome(files, tmp_path_factory):
    """Return a function that runs a line of the table through the command, once."""
    done: dict[str, tuple[Outcome, dict[str, Any]]] = {}

    def outcome_of(name: str) -> tuple[Outcome, dict[str, Any]]:
        if name not in done:
            run = RUNS[name]
            if run.values.get("judge") == "CLASSIFIER":
                files["CLASSIFIER"] = str(outcome_of("classifier")[0].out)
            out = tmp_path_factory.mktemp("flags") / "run"
            values = {flag: filled(value, files) for flag, value in run.values.items()}
            done[name] = through_the_command(run.experiment, out, values, files), values
        return done[name]

    return outcome_of


def through_the_command(
    experiment: str, out: Path, values: dict[str, Any], files: Mapping[str, Path]
) -> Outcome:
    """Run a command into a folder with an old run, and then once more to resume it."""
    config = COMMANDS[experiment].Config
    if set(HOSTS) <= set(values):
        port = free_port()
        values.update(coordinator=f"localhost:{port}", num_processes=1, process_id=0)
    out.mkdir()
    run_folder.write_json(
        out / "config.json", record.record(experiment, config(out=out), "sample", ())
    )
    (out / "summary.json").write_text('{"old": 1}')
    for once_more in (["--overwrite"], ["--resume"]):
        if once_more == ["--resume"] and "resume" not in flags_of(config):
            break
        before = (out / "summary.json").read_text()
        done = finish(
            command(experiment, out, *words(values), *once_more),
            PYTHONPATH=str(files["HERE"]),
        )
        assert done.returncode == 0, done.stderr
        if once_more == ["--resume"]:
            again = json.loads((out / "summary.json").read_text())
            assert numbers(again) == numbers(json.loads(before))
        else:
            assert '"old"' not in (out / "summary.json").read_text()
    written = [
        json.loads((out / f"{n}.json").read_text()) for n in ("config", "summary")
    ]
    return Outcome(out, *written)


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNS)
def test_every_flag_comes_to_its_end(name, outcome, files, tmp_path, monkeypatch):
    run = RUNS[name]
    found, values = outcome(name)
    recorded = {
        flag: json.loads(json.dumps(value, default=str))
        for flag, value in values.items()
        if flag not in record.NOT_RECORDED
    }
    assert {flag: found.config[flag] for flag in recorded} == recorded
    looks = {
        flag: look(values[flag]) for flag, look in SHARED.items() if flag in values
    }
    looks |= run.looks
    unseen = [flag for flag, look in looks.items() if not look(found)]
    if name in WHOLE:
        monkeypatch.syspath_prepend(files["HERE"])
        module = COMMANDS[run.experiment]

        def without(flag: str | None) -> dict[str, Any]:
            rest = {n: value for n, value in values.items() if n != flag}
            config = module.Config(out=tmp_path / str(flag), **rest)
            # Programs map memory, of which a process may have 65,530 pieces; a run of
            # a sweep has thousands.
            jax.clear_caches()
            # As in a process of its own, where optax's Adam is at home.
            with (
                jax.numpy_dtype_promotion("standard"),
                jax.numpy_rank_promotion("allow"),
            ):
                return numbers(module.run(config))

        whole = run_folder.finite(without(None))
        assert json.loads(json.dumps(whole)) == numbers(found.summary)
        blind = {name for name in looks if name in values}
        unseen += [
            flag
            for flag in values
            if flag not in blind | {*HOSTS}
            and run_folder.finite(without(flag)) == whole
        ]
    assert not unseen, "flags without an effect"
