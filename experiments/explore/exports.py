"""What a walk is exported as: a film, its arrays, and a program that repeats it."""

import os
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from experiments.explore import views
from experiments.explore.ways import LEVELS, Walk
from experiments.running.options import GeneratorOptions

PROGRAM = """\
# Repeats a walk of the app. It needs walk.npz in the folder of this file, and is run in
# the folder in which the app was started: python walk.py
import sys
from pathlib import Path

import jax.numpy as jnp
import numpy as np

sys.path.insert(0, "")  # modules are looked for in the folder in which this is run
from experiments.running import generators
from experiments.running.options import GeneratorOptions
from jaxgan import paths

saved = np.load(Path(__file__).with_name("walk.npz"))
generator = generators.load(GeneratorOptions({flag}={source!r}))
code_a, code_b = jnp.asarray(saved["codes"])
digits = (saved["digits"][..., None] / 255).astype("float32")
found = paths.minimise_many(
    paths.between_images(generators.in_pixels(generator)),
    code_a[None],
    code_b[None],
    (digits[:1], digits[1:]),
    levels={levels},
)
bound = paths.least_value(*map(jnp.asarray, digits)) * jnp.sum((code_b - code_a) ** 2)
rho, shown = found.energies[0, -1] / bound, saved["rho"][-1]
print(f"ρ = {{rho:.6f}}, and {{shown:.6f}} in the app")
"""


def program(options: GeneratorOptions) -> str:
    """Return the program that repeats a walk of the generator with these options."""
    flag = "checkpoint" if options.generator is None else "generator"
    return PROGRAM.format(flag=flag, source=options.source, levels=LEVELS)


def write(walk: Walk, options: GeneratorOptions) -> tuple[str, str, str]:
    """Write `walk.gif`, `walk.npz` and `walk.py` into a new folder; return the files.

    The film has the three paths side by side. The arrays are the two `digits`, their
    `codes`, and the knots of the three `paths` with their `rho`, in the order of the
    page. The folder is in that of the app, and ends with it.
    """
    parent = os.environ.get("GRADIO_TEMP_DIR")
    folder = Path(tempfile.mkdtemp(prefix="jaxgan-walk-", dir=parent))
    film, arrays, text = (folder / f"walk.{end}" for end in ("gif", "npz", "py"))
    ways = walk.ways.values()
    frames = [
        Image.fromarray(views.enlarged(views.strip(np.stack(some)), 4))
        for some in zip(*(way.frames for way in ways), strict=True)
    ]
    rest = [*frames[1:], *frames[-2:0:-1]]
    frames[0].save(film, save_all=True, append_images=rest, duration=120, loop=0)
    np.savez_compressed(
        arrays,
        digits=walk.digits,
        codes=walk.codes,
        paths=np.stack([way.path for way in ways]),
        rho=np.array([way.rho for way in ways]),
    )
    text.write_text(program(options), encoding="utf-8")
    return str(film), str(arrays), str(text)
