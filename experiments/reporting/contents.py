"""What each file of a run shows: captions, and the main figure of every command."""

MAIN_FIGURES = {
    **dict.fromkeys(("wgan", "gan", "evaluate"), "samples.png"),
    "compare": "frechet.png",
    "invert": "reconstructions.png",
    "kinks": "kinks.png",
    "recover": "recovery.png",
    "recipes": "recipes.png",
    "path": "strip.png",
    "path_gan": "pareto.png",
    "rate_distortion": "plane.png",
    "diagnose": "diagnosis.png",
    "shannon": "shannon.png",
}
"""The figure that comes first in the report of a command; some have none."""

CAPTIONS = {
    "config.json": "every setting of the run, versions of the packages, hash of the "
    "data",
    "duration.json": "how long earlier processes have worked on the run",
    "summary.json": "the final numbers, units in their names",
    "report.html": "this page",
    "metrics.jsonl": "what was logged, one line for each epoch or model",
    "table.md": "the table as text",
    "report.md": "the words and the table as text",
    "samples.png": "samples of the generator; at the end of a training, of the "
    "finished one",
    "progress.gif": "images of the same codes after every epoch",
    "losses.png": "estimates, losses and gradients over the training",
    "frechet.png": "the Fréchet distance over the training, a line for each seed",
    "nearest.png": "above, the samples that are nearest to a training image, one of "
    "each class; below, these training images",
    "classes.png": "the share of each class among the samples and among test images",
    "reconstructions.png": "left, or above, the images; beside them their "
    "reconstructions",
    "errors.png": "how many starts end with which error, for each image",
    "distances.png": "the distance of two images over the distance of their codes, "
    "for pairs of starts",
    "objective.png": "the objective of the first image, through its best minimum and "
    "between its two best minima",
    "kinks.png": "minima, their best error and the barrier between the best two, over "
    "the width of the corners",
    "convergence.png": "the error, or the energy, over what was spent for it",
    "recovery.png": "errors of the codes over errors of the images, and over the "
    "condition number of the Jacobian",
    "recipes.png": "the share of images whose error is below each value, by recipe",
    "strip.png": "images along the straight line, slerp and the path of least energy",
    "strip-<n>.png": "the same for one pair",
    "metric.png": "the metric along the paths",
    "rho.png": "how much energy the paths need, over its lower bound",
    "realism.png": "how much the images along the paths look like digits",
    "map.png": "the metric on the latent plane, with the paths",
    "path.gif": "the images along the paths as a film",
    "pareto.png": "what the penalties gain on paths, over what they cost in samples",
    "given.png": "energy of paths between given digits over the error of their codes",
    "strips.png": "images along the same paths, without and with the penalty",
    "plane.png": "distortion over rate, a point for each strength of the noise",
    "gaps.png": "what Echo saves at equal β and at equal rate, with intervals",
    "diagnosis.png": "the evidence for the verdict",
    "shannon.png": "rates and squared errors of the codes, and Shannon's curve",
    "diagnosis.txt": "the verdict as text",
    "minima.jsonl": "the number of local minima, one line for each image",
    "results.npz": "the codes that were found, their errors and certificates",
    "errors.npz": "the error of every image with every recipe",
    "path.npz": "the paths, with energies, certificates and the metric along them",
    "curves.npz": "rates and distortions of every test image",
    "films.npz": "images along the judged paths",
    "numbers.json": "the numbers of one trained generator",
    "model/": "the finished networks, to load or to judge",
    "events/": "the curves of the training, for TensorBoard",
    "checkpoint/": "the whole state of the training, for --resume",
    "frames/": "the images of the film",
    "parts/": "finished parts of the computation, for --resume",
    "models/": "the trained generators",
    "GAN/": "samples, log and states of the GANs",
    "WGAN-GP/": "samples, log and states of the WGAN-GPs",
    "step_ms-*.npz": "how long a training step takes",
    "corrupt-step_ms-*.npz": "the same, damaged and set aside",
}
"""What a file or a folder is, by its pattern in `running.written`; folders end in /."""


def caption(pattern: str) -> str:
    """Return what the files are whose pattern a command declares that it writes."""
    folder, inside, _ = pattern.partition("/")
    return CAPTIONS[folder + inside]
