"""The flags that commands share; imports nothing heavy."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeAlias

from experiments.running.errors import UsageError

LEAST_SAMPLES = 20
"""Fewest samples that are judged."""
LARGEST = 3.4e38
"""Of all numbers that may have a fraction: single precision has none above it."""

CriticInput: TypeAlias = Literal["pixels", "centred"]
"""What a critic is given: pixels as they are, or minus their mean."""


@dataclass(frozen=True)
class HostOptions:
    """How a run is spread over several processes; one uses all devices of its host."""

    coordinator: str | None = None
    """Address HOST:PORT of process 0; start the same command on every host."""
    num_processes: int | None = None
    """Number of processes of the run. Alone it means: this one only (1), or that JAX
    finds the others by itself. Leave it out under srun and mpirun."""
    process_id: int | None = None
    """Number of this process, from 0."""

    def check_hosts(self) -> None:
        """Raise a `UsageError` if the three flags do not fit together."""
        count = self.num_processes
        require(count is None or count >= 1, self, "num_processes", "at least 1")
        given = (self.coordinator, count, self.process_id)
        if self.coordinator is not None or self.process_id is not None:
            if None in given:
                raise UsageError(
                    "--coordinator, --num-processes and --process-id go together"
                )
            _, _, port = str(self.coordinator).rpartition(":")
            if not (port.isdigit() and 0 < int(port) < 65536):
                raise UsageError(
                    f"--coordinator must be HOST:PORT, got {self.coordinator}"
                )
            own, most = self.process_id or 0, (count or 0) - 1
            require(0 <= own <= most, self, "process_id", f"in 0…{most}")

    def is_one_of_several(self, launched: int) -> bool:
        """Return whether this process is one of several, which have to be connected.

        Args:
            launched: number of processes that a launcher says it has started.
        """
        if self.num_processes is None:
            return launched > 1
        return self.num_processes > 1 or self.coordinator is not None


@dataclass(frozen=True)
class OutputOptions:
    """Where the results are written, and the seed."""

    out: Path | None = None
    """Folder for the results; default: runs/<experiment>-<data or model>-<seed>."""
    overwrite: bool = False
    """First delete what the run in --out has written, and nothing else."""
    seed: int = 0
    """Seed of all random numbers of the run, 0 or larger."""

    def __post_init__(self) -> None:
        """Put the home folder in place of `~`, and check the flags; see `check`."""
        for field in fields(self):
            value = getattr(self, field.name)
            object.__setattr__(self, field.name, _with_home(value))
            numbers = value if isinstance(value, tuple) else (value,)
            finite = all(abs(n) <= LARGEST for n in numbers if isinstance(n, float))
            require(finite, self, field.name, f"finite, at most {LARGEST:g}")
        self.check()

    def check(self) -> None:
        """Raise a `UsageError` if a flag is out of range."""
        require(0 <= self.seed < 2**32, self, "seed", "in [0, 2^32)")


@dataclass(frozen=True)
class GeneratorOptions(OutputOptions):
    """Which finished generator to use."""

    checkpoint: str = "mnist-wgan-gp"
    """Name of a shipped model, or folder of a run."""
    generator: str | None = None
    """MODULE:FUNCTION in place of --checkpoint: a function without arguments that
    returns your own generator, a `jaxgan.networks.FinishedGenerator`."""

    @property
    def model(self) -> str | None:
        """The model that the generator comes from; None if a function makes it."""
        return self.checkpoint if self.generator is None else None

    @property
    def source(self) -> str:
        """The model or the function that the generator comes from."""
        return self.generator or self.checkpoint

    @property
    def source_name(self) -> str:
        """A short name of it, for a folder."""
        return Path(self.source).name.replace(":", "-")

    def check(self) -> None:
        """Raise a `UsageError` if a flag is out of range."""
        super().check()
        if self.generator is not None:
            module, _, function = self.generator.partition(":")
            named = module and function.isidentifier()
            require(bool(named), self, "generator", "MODULE:FUNCTION")
            exclude(self, "--generator", ["checkpoint"])


@dataclass(frozen=True)
class DataOptions(OutputOptions):
    """Which images to use."""

    dataset: Literal["auto", "sample", "mnist", "fashion_mnist", "kmnist", "own"] = (
        "auto"
    )
    """auto is mnist if it is there or can be downloaded, else sample (5,000 digits);
    own is your own images, in --data-dir."""
    data_dir: Path | None = None
    """Folder with the official IDX files of the dataset. With --dataset own: a folder
    of pictures, or of folders whose names are labels; or a .npy, .npz, .csv, .mat or
    IDX file. Names with train and test in them divide the images."""

    def check(self) -> None:
        """Raise a `UsageError` if a flag is out of range or void."""
        super().check()
        if self.dataset == "sample":
            exclude(self, "--dataset sample", ["data_dir"])
        if self.dataset == "own" and self.data_dir is None:
            raise UsageError("--dataset own needs --data-dir, where your images are")


@dataclass(frozen=True)
class TargetOptions(DataOptions):
    """Which images to invert."""

    images: int = 10
    """Number of test images to invert, beginning with the first."""
    targets: tuple[Path, ...] = ()
    """Files to invert in place of test images: pictures such as PNG, folders of them,
    or .npy, .npz, .csv, .mat and IDX files."""
    resize: bool = False
    """Scale the images in --targets to the size of the generator's."""

    def check(self) -> None:
        """Raise a `UsageError` if a flag is out of range or void."""
        super().check()
        require(self.images >= 1, self, "images", "at least 1")
        if self.targets:
            exclude(self, "--targets", ["images", "dataset", "data_dir"])
        elif self.resize:
            raise UsageError("--resize is for the images in --targets")


@dataclass(frozen=True)
class JudgeOptions(DataOptions):
    """How the samples of a generator are judged."""

    judge: str = "mnist-classifier"
    """Classifier whose features are compared: shipped model, or folder of a run."""
    samples: int | None = None
    """Number of samples and of test images, 20 or more; default: all test images."""

    def check(self) -> None:
        """Raise a `UsageError` if a flag is out of range."""
        super().check()
        enough = self.samples is None or self.samples >= LEAST_SAMPLES
        require(enough, self, "samples", f"at least {LEAST_SAMPLES}")


@dataclass(frozen=True)
class RunOptions(DataOptions, HostOptions):
    """What to train on, and for how long."""

    resume: bool = False
    """Continue from the last checkpoint of the run in --out."""
    epochs: int = 100
    """Number of passes over the training images."""
    batch_size: int = 64
    """Number of images in each batch."""
    checkpoint_every: int = 5
    """Number of epochs from one checkpoint to the next."""
    tensorboard: bool = False
    """Also write what is logged into events/, for TensorBoard (extra: tensorboard)."""

    def check(self) -> None:
        """Raise a `UsageError` if a flag is out of range."""
        super().check()
        for name in ("epochs", "batch_size", "checkpoint_every"):
            require(getattr(self, name) >= 1, self, name, "at least 1")


@dataclass(frozen=True)
class AdversarialOptions(RunOptions):
    """The flags of commands that train a generator against a critic."""

    architecture: Literal["mlp", "conv"] = "mlp"
    """Kind of networks: mlp is fully connected; conv is convolutional, and takes about
    eight times as long in training on a processor."""
    latent_dim: int = 64
    """Number of dimensions of the latent space."""
    widths: tuple[int, ...] = (128, 256, 512, 1024)
    """Widths of the hidden layers of the mlp generator."""
    corner_width: float = 0.0
    """Width of the rounded corners that the leaky ReLUs of the mlp generator have, in
    units of their inputs: the generator is smooth, in training and afterwards. 0: they
    have kinks."""
    critic_input: CriticInput = "pixels"
    """What the discriminator or critic is given: pixels from -1 to 1, or these minus
    the mean of all training images."""
    learning_rate: float = 5e-4
    """Adam's step size for both networks, in (0, 1)."""
    decay_after: int | None = None
    """Number of generator steps, 1 or more, after which the step size falls as one over
    the number of steps; None: it stays."""
    beta1: float = 0.0
    """Adam's decay rate of the mean gradient, in (-1, 1); below 0 it takes back a part
    of the step before."""
    beta2: float = 0.99
    """Adam's decay rate of the mean squared gradient, in [0, 1)."""
    critic_steps: int = 1
    """Number of critic updates for each generator update."""
    average_decay: float = 0.999
    """Decay rate, in [0, 1), of the averaged weights that the samples are made with."""

    def check(self) -> None:
        """Raise a `UsageError` if a flag is out of range."""
        super().check()
        for name in ("latent_dim", "critic_steps"):
            require(getattr(self, name) >= 1, self, name, "at least 1")
        # The generator is normalised by the mean and variance of its batch.
        require(self.batch_size >= 2, self, "batch_size", "at least 2")
        require(min(self.widths, default=0) >= 1, self, "widths", "all at least 1")
        require(0 < self.learning_rate < 1, self, "learning_rate", "in (0, 1)")
        corner = self.corner_width
        require(0 <= corner < LARGEST, self, "corner_width", "at least 0, and finite")
        require(-1 < self.beta1 < 1, self, "beta1", "in (-1, 1)")
        for name in ("beta2", "average_decay"):
            require(0 <= getattr(self, name) < 1, self, name, "in [0, 1)")
        after = self.decay_after
        require(after is None or after >= 1, self, "decay_after", "at least 1")
        if self.architecture != "mlp":
            exclude(
                self, f"--architecture {self.architecture}", ["widths", "corner_width"]
            )


def require(holds: bool, options: Any, name: str, expected: str) -> None:
    """Raise a `UsageError` that names the flag if a condition does not hold."""
    if not holds:
        value = getattr(options, name)
        raise UsageError(f"{_flag(name)} must be {expected}, got {value}")


def exclude(options: Any, given: str, names: Iterable[str]) -> None:
    """Raise a `UsageError` if a flag is not its default, though it has no effect.

    Args:
        options: the flags.
        given: the flag, with its value where that matters, beside which the others have
            no effect.
        names: fields of these others.
    """
    default = {field.name: field.default for field in fields(options)}
    for name in names:
        if getattr(options, name) != default[name]:
            raise UsageError(f"{given} and {_flag(name)} exclude each other")


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _with_home(value: Any) -> Any:
    """Return a path, or a name that may be one, with the home folder in place of ~."""
    if isinstance(value, tuple):
        return tuple(map(_with_home, value))
    if isinstance(value, str | Path) and str(value).startswith("~"):
        try:
            return type(value)(Path(value).expanduser())
        except RuntimeError as error:  # no such user
            raise UsageError(f"{value}: {error}") from error
    return value
