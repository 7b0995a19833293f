"""Make the report of runs anew: `python -m experiments.report RUN [RUN …]`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.running.command_line import main
from experiments.running.errors import UsageError


@dataclass(frozen=True)
class Config:
    """Make `report.html` of a run anew, or put several runs side by side."""

    runs: tuple[Path, ...]
    """Folders of runs. With one, the page is report.html in it."""
    out: Path | None = None
    """File for several runs; default: report.html beside the first one's folder."""

    def __post_init__(self) -> None:
        """Raise a `UsageError` if there is no folder, or `out` has no effect."""
        if not self.runs:
            raise UsageError("give the folder of at least one run")
        if len(self.runs) == 1 and self.out is not None:
            raise UsageError("--out is for several runs; one has its page inside")


def run(config: Config) -> dict[str, Any]:
    """Write the page; return the path of it."""
    from experiments.reporting import page

    contents = []
    for folder in config.runs:
        try:
            contents.append(page.read(folder))
        except (ValueError, OSError) as error:
            said = error.strerror if isinstance(error, OSError) else str(error)
            raise UsageError(f"{folder}: no report can be made: {said}") from error
    if len(contents) == 1:
        target, text = config.runs[0] / page.NAME, page.render(contents[0])
    else:
        target = config.out or config.runs[0].resolve().parent / page.NAME
        text = page.render_together(contents)
    if target.exists() and not page.is_ours(target):
        raise UsageError(f"{target} is not a report, and would be replaced")
    page.replace(target, text)
    print(f"report in {target}")
    return {"report": str(target)}


if __name__ == "__main__":
    main(Config, run)
