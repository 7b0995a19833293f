"""Finished models as files: weights in half precision, and a card that describes them.

A model is a folder with `card.json` and one `.safetensors` file for each of its parts.
The card has the digest of each, and of itself.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import partial
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from safetensors.numpy import load as parse
from safetensors.numpy import save as serialise

from jaxgan import networks
from jaxgan.errors import CheckpointError, first_line, is_out_of_memory
from jaxgan.storage.digests import named
from jaxgan.storage.seals import open_json, seal_json, write
from jaxgan.types import Examples, Latents, Params, Scores

FORMAT = 2
SHIPPED = "jaxgan.checkpoints"

DIGITS = 28, 28, 1


def _centred(
    build: Callable[..., networks.Network], **options: Any
) -> networks.Network:
    return networks.with_centre(build(**options), options.get("shape", DIGITS))


ARCHITECTURES: dict[str, Callable[..., Any]] = {
    "mlp_generator": partial(networks.mlp_generator, batch_norm=False),
    "conv_generator": partial(networks.conv_generator, batch_norm=False),
    "mlp_critic": networks.mlp_critic,
    "conv_critic": networks.conv_critic,
    "centred_mlp_critic": partial(_centred, networks.mlp_critic),
    "centred_conv_critic": partial(_centred, networks.conv_critic),
    "conv_classifier": networks.conv_classifier,
    "mlp_encoder": networks.mlp_encoder,
}
"""Networks by their names in cards; generators are those without normalisation."""


class Part(NamedTuple):
    """One network of a model.

    Attributes:
        architecture: a key of `ARCHITECTURES`.
        options: arguments to build it with, which JSON can hold.
        params: its weights.
    """

    architecture: str
    options: dict[str, Any]
    params: Params


def as_stored(params: Params) -> Params:
    """Return weights rounded to half precision, as a saved model has them."""
    return jax.tree.map(lambda p: p.astype(jnp.float16).astype(jnp.float32), params)


def save_model(
    folder: str | Path, parts: Mapping[str, Part], provenance: Mapping[str, Any]
) -> None:
    """Write a model; files of the same names are replaced.

    They are replaced when all new ones are on disk, the card last: a model is the old
    one, the new one, or, if the process was killed in between, refused by the loaders.

    Args:
        folder: made if needed.
        parts: by name, such as `generator` and `critic`.
        provenance: added to the card: command, seed, data, results.

    Raises:
        CheckpointError: if the files cannot be written.
        ValueError: if a weight is not finite in half precision, or no loader would
            take a part: its architecture is unknown, or its weights are of another one.
    """
    folder = Path(folder)
    for name, part in parts.items():
        _require_known(name, part)
    contents = {name: _serialise(name, part.params) for name, part in parts.items()}
    card = {
        "format": FORMAT,
        "parts": {
            name: {
                "architecture": part.architecture,
                "options": part.options,
                "sha256": hashlib.sha256(contents[name]).hexdigest(),
            }
            for name, part in parts.items()
        },
        **provenance,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files = {f"{name}.safetensors": data for name, data in contents.items()}
        write(folder, files | {"card.json": seal_json(card)})
    except OSError as error:
        raise CheckpointError(f"{folder}: not writable: {error.strerror}") from error


def shipped() -> list[str]:
    """Return the names of the models that come with the package.

    >>> import jaxgan
    >>> "mnist-wgan-gp" in jaxgan.shipped()
    True
    """
    folders = resources.files(SHIPPED).iterdir()
    return sorted(f.name for f in folders if f.joinpath("card.json").is_file())


def load_generator(source: str | Path) -> networks.FinishedGenerator:
    """Load a finished generator.

    >>> import jax
    >>> import jaxgan
    >>> generator = jaxgan.load_generator("mnist-wgan-gp-2d")
    >>> generator.generate(jax.numpy.zeros((1, generator.latent_dim))).shape
    (1, 28, 28, 1)

    Args:
        source: the name of a shipped model (see `shipped`), a model's folder, or the
            folder of a run with a model in it.

    Raises:
        CheckpointError: if there is no such model, or it is not what was saved.
    """
    network, params, _ = load_part(source, "generator")
    if not isinstance(network, networks.Generator):
        raise CheckpointError(f"{source}: not a usable model: its generator is none")
    return networks.FinishedGenerator(network.plain, params)


def load_card(source: str | Path) -> dict[str, Any]:
    """Load the card of a model: how it was trained.

    Args:
        source: as in `load_generator`.

    Raises:
        CheckpointError: if there is no such model, or its card is not what was saved.
    """
    return _card_in(_find(source), source)


def load_critic(source: str | Path) -> Callable[[Examples], Scores]:
    """Load the critic that a generator was trained against; see `load_generator`.

    >>> import jax
    >>> import jaxgan
    >>> score = jaxgan.load_critic("mnist-wgan-gp-2d")
    >>> score(jax.numpy.zeros((5, 28, 28, 1))).shape
    (5,)
    """
    network, params, _ = load_part(source, "critic")
    return partial(network.apply, params)


def load_encoder(source: str | Path) -> Callable[[Examples], Latents]:
    """Load the encoder that was trained beside a generator: from images to codes.

    The generator makes of these codes images like the given ones. No model that ships
    has an encoder; `gan.encoder_regulariser` trains one. See `load_generator`.

    >>> import jax
    >>> from jaxgan import networks, storage
    >>> weights = networks.mlp_encoder(2, (4,)).init(jax.random.key(0))
    >>> sizes = {"latent_dim": 2, "widths": [4]}
    >>> part = storage.Part("mlp_encoder", sizes, weights)
    >>> storage.save_model("with-encoder", {"encoder": part}, {})
    >>> encode = storage.load_encoder("with-encoder")
    >>> encode(jax.numpy.zeros((5, 28, 28, 1))).shape
    (5, 2)
    """
    network, params, _ = load_part(source, "encoder")
    return lambda examples: network.apply(params, examples).location


def load_classifier(
    source: str | Path = "mnist-classifier",
) -> Callable[[Examples], networks.Classified]:
    """Load a classifier of images in [-1, 1]; see `load_generator`.

    >>> import jax
    >>> import jaxgan
    >>> classify = jaxgan.load_classifier()
    >>> classify(jax.numpy.zeros((5, 28, 28, 1))).logits.shape
    (5, 10)
    """
    network, params, _ = load_part(source, "classifier")
    return partial(network.apply, params)


def load_part(source: str | Path, name: str) -> tuple[Any, Params, dict[str, Any]]:
    """Load one network of a model.

    Args:
        source: as in `load_generator`.
        name: of the part, such as `generator` or `critic`.

    Returns:
        The network (a `Generator` or `Network`), its weights, and the card.

    Raises:
        CheckpointError: if there is no such part, or it is not what was saved.
    """
    folder = _find(source)
    card = _card_in(folder, source)
    key = jax.random.key(0)  # It starts JAX, which is no fault of the model.
    try:
        if name not in card["parts"]:
            raise ValueError(f"has no {name}, only {', '.join(card['parts'])}")
        part = card["parts"][name]
        content = folder.joinpath(f"{name}.safetensors").read_bytes()
        if hashlib.sha256(content).hexdigest() != part["sha256"]:
            raise ValueError(f"{name}.safetensors is not the file that was saved")
        network = ARCHITECTURES[part["architecture"]](**part["options"])
        params = _parse(content, jax.eval_shape(network.init, key))
    except Exception as error:  # a card may ask for any options
        if is_out_of_memory(error):
            raise
        raise _unusable(source, error) from error
    return network, params, card


def _unusable(source: str | Path, error: Exception) -> CheckpointError:
    return CheckpointError(f"{source}: not a usable model: {first_line(error)}")


def _card_in(folder: Traversable, source: str | Path) -> dict[str, Any]:
    try:
        return _read_card(folder.joinpath("card.json").read_bytes())
    except Exception as error:  # a RecursionError where JSON is nested too deep
        raise _unusable(source, error) from error


def _read_card(content: bytes) -> dict[str, Any]:
    card = json.loads(content)
    # Cards of format 1 had no digest of their own.
    if card["format"] == 1 and "sha256" not in card:
        return card
    if card["format"] != FORMAT:
        raise ValueError(f"format is {card['format']!r}, expected {FORMAT}")
    try:
        return open_json(content)
    except ValueError as error:
        raise ValueError(f"card.json: {error}") from error


def _find(source: str | Path) -> Traversable:
    if isinstance(source, str) and source in shipped():
        return resources.files(SHIPPED).joinpath(source)
    folders = [Path(source), Path(source) / "model"]
    folder = next((f for f in folders if f.joinpath("card.json").is_file()), None)
    if folder is None:
        names = ", ".join(shipped()) or "none"
        raise CheckpointError(
            f"{source}: neither a folder with a card.json nor a shipped model ({names})"
        )
    return folder


def _require_known(name: str, part: Part) -> None:
    if part.architecture not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise ValueError(f"{name}: {part.architecture!r} is none of {known}")
    network = ARCHITECTURES[part.architecture](**part.options)
    like = named(jax.eval_shape(network.init, jax.random.key(0)))
    found, expected = _shapes(named(part.params)), _shapes(like)
    if found != expected:
        raise ValueError(f"{name}: weights {found} do not fit {expected}")


def _shapes(leaves: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: np.shape(leaf) for name, leaf in leaves.items()}


def _serialise(name: str, params: Params) -> bytes:
    # A large weight becomes infinite, which is checked here, so NumPy need not warn.
    with np.errstate(over="ignore"):
        arrays = {k: np.asarray(v).astype(np.float16) for k, v in named(params).items()}
    wrong = [k for k, array in arrays.items() if not np.isfinite(array).all()]
    if wrong:
        raise ValueError(f"{name}: not finite in half precision: {', '.join(wrong)}")
    return serialise(arrays)


def _parse(content: bytes, like: Params) -> Params:
    arrays, expected = parse(content), named(like)
    wrong = [name for name, array in arrays.items() if array.dtype != np.float16]
    if wrong:
        raise ValueError(f"not in half precision: {', '.join(wrong)}")
    found = {name: array.shape for name, array in arrays.items()}
    if found != {name: leaf.shape for name, leaf in expected.items()}:
        raise ValueError(f"weights {found} do not fit the architecture")
    leaves = [jnp.asarray(arrays[name].astype(np.float32)) for name in expected]
    return jax.tree.unflatten(jax.tree.structure(like), leaves)
