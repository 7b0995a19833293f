"""Names and colours of the two kinds of noisy codes, in tables and figures."""

TITLES = {"gaussian": "β-VAE", "echo": "Echo"}
COLOURS = {"gaussian": "tab:blue", "echo": "tab:orange"}
