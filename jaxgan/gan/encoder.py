"""An encoder beside the generator, so that given images have codes of the prior.

The energy of a path between two given images grows with the squared distance of their
codes, and codes that are searched for after training are longer than the prior's: no
loss of a GAN asks that a real image has a code at all. Here an encoder E and the
generator G minimise together, for codes z of the prior and training images x,

    mean (E(G(z)) − z)² + v · mean (G(E(x)) − x)²,

means over dimensions and over pixels. The first term keeps codes at the scale of the
prior (Srivastava et al. 2017, arXiv:1705.07761, add one like it against lost modes),
the second asks for a code of each training image.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int

from jaxgan.gan.regularisation import Regulariser, require_ramp, risen, scaled_sum
from jaxgan.networks import Generator, Network
from jaxgan.networks.arguments import require_weight
from jaxgan.training.algorithm import ADAM
from jaxgan.types import Examples, Latents, Params, PRNGKey, Scalar


class EncoderState(NamedTuple):
    """What training carries of an encoder from step to step.

    Attributes:
        weight: what the generator's part is multiplied by, once it has risen; an array,
            so that one program serves all weights.
        encoder: weights of the encoder, which are being trained.
        optimizer: optax state of these.
        uses: steps taken.
        code_error: mean square of E(G(z)) − z in the last step; NaN before the first.
        image_error: mean square of G(E(x)) − x there, in the generator's units.
    """

    weight: Scalar
    encoder: Params
    optimizer: optax.OptState
    uses: Int[Array, ""]
    code_error: Scalar
    image_error: Scalar


def encoder_regulariser(
    generator: Generator,
    encoder: Network,
    *,
    weight: float | Scalar = 1.0,
    image_weight: float | Scalar = 10.0,
    ramp: int = 0,
    optimizer: optax.GradientTransformation = ADAM,
) -> Regulariser:
    """Return the regulariser that trains an encoder beside the generator.

    Both errors are those of the generator with its batch-normalisation folded over the
    codes z, which is how codes are searched for after training. With weight 0 the
    generator is trained as without a regulariser, to the bit.

    Args:
        generator: the generator that is trained.
        encoder: from examples to `networks.Heads`; the location is the code, and the
            scale is not used.
        weight: what the generator's part of the gradient is multiplied by, 0 or larger.
            The encoder minimises the same sum whatever the weight is.
        image_weight: v, 0 or larger.
        ramp: steps over which the weight rises from 0, in a line; 0 for none.
        optimizer: of the encoder.

    Raises:
        ValueError: if `weight`, `image_weight` or `ramp` is out of range.
    """
    require_weight("weight", weight)
    require_weight("image_weight", image_weight)
    require_ramp(ramp)

    def init(key: PRNGKey) -> EncoderState:
        params = encoder.init(key)
        return EncoderState(
            weight=jnp.asarray(weight, jnp.float32),
            encoder=params,
            optimizer=optimizer.init(params),
            uses=jnp.zeros((), jnp.int32),
            code_error=jnp.asarray(jnp.nan, jnp.float32),
            image_error=jnp.asarray(jnp.nan, jnp.float32),
        )

    def loss(
        params: Params, own: Params, latents: Latents, examples: Examples
    ) -> tuple[Scalar, tuple[Scalar, Scalar]]:
        codes = encoder.apply(own, examples).location
        generate = generator.fold(params, latents).generate
        made, remade = jnp.split(generate(jnp.concatenate([latents, codes])), 2)
        code_error = jnp.mean((encoder.apply(own, made).location - latents) ** 2)
        image_error = jnp.mean((remade - examples) ** 2)
        return code_error + image_weight * image_error, (code_error, image_error)

    def add(
        gradient: Params,
        params: Params,
        key: PRNGKey,
        step: Int[Array, ""],
        state: EncoderState,
        examples: Examples,
    ) -> tuple[Params, EncoderState]:
        shape = len(examples), generator.latent_dim
        latents = jax.random.normal(jax.random.fold_in(key, step), shape)
        (slope, own), (code_error, image_error) = jax.grad(loss, (0, 1), has_aux=True)(
            params, state.encoder, latents, examples
        )
        change, moments = optimizer.update(own, state.optimizer, state.encoder)
        scale = state.weight * risen(state.uses, ramp)
        state = EncoderState(
            weight=state.weight,
            encoder=optax.apply_updates(state.encoder, change),
            optimizer=moments,
            uses=state.uses + 1,
            code_error=code_error,
            image_error=image_error,
        )
        return scaled_sum(gradient, slope, scale), state

    return Regulariser(init, add)
