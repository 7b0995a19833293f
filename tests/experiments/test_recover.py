"""The recovery of codes as users run it, at toy length."""

import json

import numpy as np
from processes import succeed


def test_a_recovery_writes_everything(toy_model, tmp_path):
    out = tmp_path / "run"
    flags = ["--checkpoint", toy_model, "--images", "3", "--starts", "4"]
    succeed("recover", out, *flags)
    summary = json.loads((out / "summary.json").read_text())
    assert summary["num_images"] == 3
    assert summary["code_fraction"] <= summary["exact_fraction"] <= 1
    with np.load(out / "results.npz") as arrays:
        distances = np.linalg.norm(arrays["latents"] - arrays["true"], axis=1)
        relative = distances / np.linalg.norm(arrays["true"], axis=1)
        np.testing.assert_allclose(arrays["latent_errors"], relative)
    assert (out / "recovery.png").exists()
    assert (out / "parts" / "000000.npz").exists()
