"""Explore a latent space in the browser: `python -m experiments.explore`."""

import os
import sys
from dataclasses import dataclass

from experiments.running.command_line import main
from experiments.running.errors import UsageError


@dataclass(frozen=True)
class Config:
    """Draw a digit and find its codes, walk between two, and see the latent space.

    The page is served to this machine only (127.0.0.1), and needs no network. Ctrl-C
    ends it.
    """

    checkpoint: str = "mnist-wgan-gp"
    """Name of a shipped model, or folder of a run."""
    generator: str | None = None
    """MODULE:FUNCTION in place of --checkpoint: a function without arguments that
    returns your own generator, a `jaxgan.networks.FinishedGenerator`."""
    port: int | None = None
    """Port of the page; default: the first free one from 7860."""
    share: bool = False
    """Let others see it: Gradio's servers pass the page on, at a public address."""

    def __post_init__(self) -> None:
        """Raise a `UsageError` if a flag is out of range."""
        if self.port is not None and not 0 < self.port < 65536:
            raise UsageError(f"--port must be in 1…65535, got {self.port}")


def is_free(port: int) -> bool:
    """Return whether nothing listens at a port of this machine."""
    import socket

    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) != 0


def run(config: Config) -> None:
    """Compile everything, serve the page, and wait for Ctrl-C."""
    import signal
    import tempfile
    import threading

    from jaxgan.errors import needs_extra

    if config.port is not None and not is_free(config.port):
        raise UsageError(f"--port {config.port} is in use")
    stopped = threading.Event()
    with tempfile.TemporaryDirectory(prefix="jaxgan-explore-") as folder:
        # Both are read when Gradio is imported; its files end with the app.
        os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
        os.environ["GRADIO_TEMP_DIR"] = folder
        with needs_extra("app"):
            import gradio  # noqa: F401

        from experiments.explore import page, workbench

        app = page.build(workbench.prepare(config.checkpoint, config.generator))
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopped.set())
        address = page.serve(app, config.port, share=config.share)
        print(f"open {address} in a browser; Ctrl-C ends it", flush=True)
        stopped.wait()
        app.close(verbose=False)
    print("ended", file=sys.stderr)


if __name__ == "__main__":
    main(Config, run)
