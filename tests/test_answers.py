"""Every number of docs/answers.md is in docs/results.md, or follows from what is said.

A number counts if it has two or more digits, wherever it stands but in code, in a link,
in the references, or as the year of one. It has to be in results.md as it is printed:
with as many digits, and as a percentage if it is one. Signs and the commas of thousands
do not matter. A number that no run measured is in `DERIVED`, with the formula, the
default of the code or the rows of results.md that it follows from.
"""

import math
import re
from pathlib import Path

import numpy as np
import pytest
from test_readme import BLOCK

from experiments.running.options import AdversarialOptions
from jaxgan import autoencoders, statistics

DOCS = Path(__file__).parent.parent / "docs"
ANSWERS = (DOCS / "answers.md").read_text()
RESULTS = (DOCS / "results.md").read_text()
NUMBER = re.compile(r"(?<![\w.,])\d[\d,]*(?:\.\d+)?(?:e-?\d+)?(?: ?%)?(?!\d)")


def numbers(text):
    """Find the numbers that count, as printed but without commas and blanks."""
    text = BLOCK.sub(" ", text.split("\n# References\n")[0])
    text = re.sub(r"`[^`]+`", " ", text)
    text = re.sub(r"\]\([^)]*\)|arXiv:\S+|et\s+al\. \(?\d{4}", " ", text)
    found = (re.sub("[, ]", "", match) for match in NUMBER.findall(text))
    return {number for number in found if len(re.sub(r"\D", "", number)) > 1}


def cells(heading, kind):
    """Read β, R and D from one table of rate and distortion in results.md."""
    rows = {}
    for line in RESULTS.split(heading)[1].split("\n\n")[1].splitlines()[2:]:
        name, *values = [cell.strip().split(" ±")[0] for cell in line[1:].split("|")]
        if name == kind:
            beta, rate, distortion = map(float, values[:3])
            rows[beta] = (rate, distortion)
    return rows


def least_misfit(beta):
    """Return R − log N of a β-VAE of the small run, R on its N training images."""
    rows = RESULTS.split(SMALL)[1].split("\n\n")[1].splitlines()
    (row,) = (row for row in rows if row.startswith(f"| β-VAE | {beta} |"))
    return float(row.split(" | ")[7].split(" ± ")[0]) - math.log(4000)


SMALL = "--dataset sample`: 4,000 digits to train on"
FULL = "--units 500 --steps 9360"


def objective_gaps(heading):
    """Compute D + βR of Echo minus that of the β-VAE, for each β of a table.

    Each of the numbers that it follows from is rounded to 0.01.
    """
    gaussian, echo = (cells(heading, kind) for kind in ("β-VAE", "Echo"))
    assert gaussian.keys() == echo.keys() and len(echo) > 7
    return {
        beta: echo[beta][1] - gaussian[beta][1] + beta * (echo[beta][0] - rate)
        for beta, (rate, _) in gaussian.items()
    }


def saved_by_echo(betas):
    """Compute what Echo's point at β = 1.5 saves against a chord of the β-VAE's."""
    gaussian = cells(SMALL, "β-VAE")
    (r1, d1), (r2, d2) = (gaussian[beta] for beta in betas)
    rate, distortion = cells(SMALL, "Echo")[1.5]
    return d1 + (r1 - rate) / (r1 - r2) * (d2 - d1) - distortion


OPTIONS = AdversarialOptions()
ECHO = autoencoders.echo(99)
SECONDS = [
    float(n) for n in re.findall(r"seconds per seed \| (\d+) \| (\d+)", RESULTS)[0]
]
DERIVED = {
    # Settings.
    "5e-4": OPTIONS.learning_rate,
    **{str(width): width for width in OPTIONS.widths},
    "0.99": OPTIONS.beta2,
    "0.999": OPTIONS.average_decay,
    "937": 60_000 // OPTIONS.batch_size,
    # Formulas.
    "1.386": 2 * math.log(2),
    "1.317": ((math.sqrt(2) + math.asinh(1)) / 2) ** 2,
    "0.8359": ECHO.radius,
    "99": ECHO.depth,
    "0.25": 2 / 2**3,
    "0.008": 2 / math.comb(10, 5),
    # What rows of results.md say together.
    "105.65": least_misfit(0.05),
    "20.22": least_misfit(1),
    "4.65": saved_by_echo((1, 3)),
    "0.03": saved_by_echo((1.5, 2)),
    "1.28": SECONDS[1] / SECONDS[0],
}


def close(number, value):
    """Whether a value, rounded as a number is printed, is that number."""
    printed = number.rstrip("%")
    mantissa, _, exponent = printed.partition("e")
    unit = 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
    return abs(abs(value) - float(printed)) <= 0.5001 * unit


def test_numbers_are_found():
    text = "On 1,000 of 60,000 at 5.0 % (−3.70e-3), 7 of `128`; [x](y-12.md)"
    text += "\n```\n34\n```\narXiv:1701.07875 β=0.3, r⁹⁹, 2–4, 14.\n# References\n1953"
    assert numbers(text) == {"1000", "60000", "5.0%", "3.70e-3", "0.3", "14"}


@pytest.mark.parametrize(
    ("number", "value", "is_close"),
    [
        ("1.386", 2 * math.log(2), True),
        ("1.387", 2 * math.log(2), False),
        ("5e-4", 0.0005, True),
        ("5e-4", 0.0006, False),
        ("95%", 94.9, True),
        ("94%", 94.9, False),
        ("0.05", -0.0532, True),
    ],
)
def test_a_value_is_close_where_it_rounds_to_the_number(number, value, is_close):
    assert close(number, value) == is_close


def test_every_number_of_the_answers_is_a_result_or_follows():
    missing = numbers(ANSWERS) - numbers(RESULTS) - DERIVED.keys()
    assert not missing, sorted(missing)


@pytest.mark.parametrize("number", DERIVED)
def test_what_follows_does(number):
    assert number in numbers(ANSWERS)
    assert close(number, DERIVED[number])


@pytest.mark.parametrize("heading", [SMALL, FULL], ids=["small", "full"])
def test_the_comparison_at_equal_beta_is_that_of_the_tables(heading):
    """In results.md, and as the answers print it."""
    gaps = objective_gaps(heading)
    title = "| Echo − β-VAE, nats |"
    rows = [line.strip() for line in RESULTS.splitlines() if title in line]
    (row,) = (row for row in rows if row.count("|") == len(gaps) + 2)
    assert f"{row}\n| 95 % interval |" in ANSWERS
    printed = [float(cell.replace("−", "-")) for cell in row.split("|")[2:-1]]
    for (beta, gap), number in zip(gaps.items(), printed, strict=True):
        assert abs(gap - number) <= 0.005 + 0.01 * (1 + beta)


def test_the_least_p_value_is_that_of_the_test():
    least = statistics.permutation_p(np.arange(5.0), np.arange(5.0, 10.0))
    assert least == pytest.approx(2 / math.comb(10, 5))
