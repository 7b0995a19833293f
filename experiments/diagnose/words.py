"""The paragraph of a diagnosis: what is at fault, how one knows, what to do."""

import numpy as np

from experiments.diagnose.evidence import (
    BANK,
    Evidence,
    condition_number,
    visible_directions,
)
from experiments.diagnose.judged import Judged
from experiments.diagnose.measures import GRAY_LEVEL
from experiments.diagnose.verdict import Parts, Verdict

HALF = 0.5
"""Other pixels of the targets are proposed if they remove more than half of the error
of the nearest samples; for digits as they are, two numbers remove a sixth."""
LITTLE = 0.25
"""Samples vary little if their variance is below this part of the trivial error; the
shipped models, which make all digits, have 1.1."""
IN_USE = 0.9
"""All dimensions are in use if this part of the directions can be seen; mnist-wgan-gp
uses a quarter of its 64, mnist-wgan-gp-2d both."""
OUTSIDE = 0.99
"""A code is outside of the prior if it is longer than this part of the prior's."""
TRIVIAL = "a trivial image (the mean sample or an even gray, whichever is nearer)"


def in_words(judged: Judged, found: Evidence, verdict: Verdict) -> str:
    """Return the paragraph."""
    say = {"neither": _neither, "search": _search, "generator": _generator}
    return " ".join(filter(None, say[verdict.name](judged, found, verdict)))


def _neither(judged: Judged, found: Evidence, verdict: Verdict) -> list[str]:
    whole, least = found.trivial, found.thorough.errors
    count = len(whole)
    left = found.judged.errors.mean()
    gain = left > max(2 * least.mean(), GRAY_LEVEL)
    return [
        "Neither the search nor the generator is at fault.",
        f"On {_images(count)} {judged.name} leaves "
        f"{_part(found.judged.errors, whole)} of the error of {TRIVIAL}; the nearest "
        f"of {BANK:,} samples leaves {_part(found.nearest.errors, whole)}.",
        f"Badly inverted: {_listed(verdict, count)}." if verdict.bad else "",
        f"A thorough search leaves {_part(least, whole)}"
        + (", so that a better search would still gain." if gain else "."),
        _on_own_images(found),
        _shape(found),
        _lengths(found),
    ]


def _search(judged: Judged, found: Evidence, verdict: Verdict) -> list[str]:
    bad, parts = list(verdict.bad), verdict.parts
    assert parts is not None
    whole = found.trivial[bad]
    some = len(verdict.of_search) < len(bad)
    return [
        "The search is at fault.",
        f"{_capital(judged.name)} leaves {_part(found.judged.errors[bad], whole)} of "
        f"the error of {TRIVIAL} on {_listed(verdict, len(found.trivial))}, and a "
        f"thorough search {_part(found.thorough.errors[bad], whole)}"
        + (f": it mends {len(verdict.of_search)} of them." if some else "."),
        _main_reason(parts, judged, found),
        _on_own_images(found) if parts.flat < max(parts[:3]) else "",
        _shape(found) if parts.flat < max(parts[:3]) else "",
        f"The generator's own part of the error is {parts.generator:.0%}.",
    ]


def _main_reason(parts: Parts, judged: Judged, found: Evidence) -> str:
    most = max(parts[:4])
    judged_length = float(np.median(np.linalg.norm(found.judged.latents, axis=1)))
    if most == parts.steps:
        return (
            f"{most:.0%} of the error goes away when the library's steps go on from "
            "the codes that it found: it stopped too early, or with steps of a wrong "
            "size. Take more steps, or the library's (inversion.invert_many)."
        )
    if most == parts.starts:
        return (
            f"{most:.0%} of the error goes away from other starts only: the search "
            f"ends in poor local minima{_far_away(judged_length, found)}. Take more "
            "starts, some at the nearest samples."
        )
    if most == parts.weight:
        return (
            f"{most:.0%} of the error goes away only without the weight "
            f"κ = {judged.prior_weight:g}, which pulls codes to 0: they have a length "
            f"of {judged_length:.1f}, those of the prior {_prior(found)}. Take a "
            "smaller κ; the figure shows the error at several."
        )
    return (
        "Even the thorough search does not find the generator's own images, which have "
        f"a code: it leaves {_part(found.own, found.own_trivial)} on them. The "
        f"generator is too flat for a search by pixels. {_shape(found)} Search by "
        "logits, as experiments.recover does."
    )


def _far_away(length: float, found: Evidence) -> str:
    if length <= np.quantile(found.prior_norms, OUTSIDE):
        return ""
    return (
        f", at codes with a length of {length:.1f}, where those of the prior have "
        f"{_prior(found)}: its steps may be too large"
    )


def _generator(judged: Judged, found: Evidence, verdict: Verdict) -> list[str]:
    bad, parts = list(verdict.bad), verdict.parts
    assert parts is not None
    whole = found.trivial[bad]
    return [
        "The generator is at fault.",
        f"On {_listed(verdict, len(found.trivial))} even a thorough search leaves "
        f"{_part(found.thorough.errors[bad], whole)} of the error of {TRIVIAL}; "
        f"{judged.name} leaves {_part(found.judged.errors[bad], whole)}. A better "
        f"search would mend {len(verdict.of_search) or 'none'} of them.",
        _on_own_images(found),
        "So the search works, and the rest is out of the generator's reach.",
        _other_pixels(found)
        or f"{_variety(found)} {_shape(found)} {_lengths(found)}".strip(),
    ]


def _on_own_images(found: Evidence) -> str:
    return (
        "On the generator's own images, which have a code, the thorough search leaves "
        f"{_part(found.own, found.own_trivial)}."
    )


def _shape(found: Evidence) -> str:
    """Return how the generator's images change with their codes."""
    visible, condition = visible_directions(found), condition_number(found)
    return (
        f"At the codes that it finds for the targets {visible:.0f} of "
        f"{found.singular_values.shape[1]} directions change the image visibly (the "
        f"Jacobian's condition number is {condition:.0e}); "
        f"{np.median(found.saturated):.0%} of the pixels are saturated there, and "
        f"{np.median(found.own_saturated):.0%} on own images."
    )


def _other_pixels(found: Evidence) -> str:
    """Return what to do to the pixels of the targets, if this explains the error."""
    fits = found.fits
    scale, shift = float(np.median(fits.scale)), float(np.median(fits.shift))
    if fits.errors.mean() > HALF * found.nearest.errors.mean():
        return ""
    if scale < 0:
        return (
            "But the targets look like its samples with black and white exchanged: "
            "invert 1 − x in place of x."
        )
    return (
        "But the targets look like its samples with other pixels, about "
        f"{scale:.2f} p + {shift:.2f} for a pixel p in [0, 1]: scale them first."
    )


def _variety(found: Evidence) -> str:
    """Return what the samples lack, by how much they differ from one another."""
    if found.spread < LITTLE * found.trivial.mean():
        return (
            "Its samples hardly differ from one another: their variance per pixel is "
            f"{found.spread:.1e}, and the trivial error of the targets is "
            f"{found.trivial.mean():.1e}. Modes have collapsed."
        )
    dimensions = found.singular_values.shape[1]
    all_used = visible_directions(found) > IN_USE * dimensions
    few = f", or dimensions (all of its {dimensions} are in use)" if all_used else ""
    return (
        "Its samples vary as much as the targets do, so that it lacks some kinds of "
        f"images, or details{few}: the figure shows which."
    )


def _lengths(found: Evidence) -> str:
    length = np.median(np.linalg.norm(found.thorough.latents, axis=1))
    if length <= np.quantile(found.prior_norms, OUTSIDE):
        return ""
    return (
        f"These codes have a length of {length:.1f}, outside of the prior, whose codes "
        f"have {_prior(found)}: a weight κ keeps them inside, and the figure shows "
        "what that costs."
    )


def _prior(found: Evidence) -> str:
    low, high = np.quantile(found.prior_norms, (0.05, 0.95))
    return f"{low:.1f} to {high:.1f}"


def _part(errors: np.ndarray, whole: np.ndarray) -> str:
    """Return how large errors are in percent of others."""
    part = 100 * errors.mean() / max(whole.mean(), 1e-30)
    if part < 0.01:
        return "less than 0.01%"
    return f"{part:.0f}%" if part >= 0.95 else f"{part:.1g}%"


def _images(count: int) -> str:
    return "the image" if count == 1 else f"all {count} images"


def _listed(verdict: Verdict, count: int) -> str:
    bad = verdict.bad
    if len(bad) == count:
        return _images(count)
    shown = ", ".join(map(str, bad[:8])) + (", …" if len(bad) > 8 else "")
    return f"{len(bad)} of {count} images (from 0: {shown})"


def _capital(name: str) -> str:
    return name[0].upper() + name[1:]
