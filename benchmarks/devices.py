"""Cost of dividing work among devices: `python -m benchmarks.devices` prints JSON.

The number of virtual devices on this processor grows from 1 to 8, and the work of each
stays the same. The wall-clock time should not grow while there are as many cores as
devices; with more devices, the processor time per device should not.
"""

import json

from benchmarks.flags import command_line
from benchmarks.machine import machine
from benchmarks.measuring import in_own_process

COUNTS = (1, 2, 4, 8)


def main() -> None:
    """Print one JSON object, from a process for each number of devices."""
    command_line(__doc__).parse_args()
    found = {n: in_own_process("benchmarks.on_devices", devices=n) for n in COUNTS}
    report = {
        what: {
            str(n): {
                "wall_seconds": round(found[n][what]["wall"], 4),
                "wall_over_one": round(found[n][what]["wall"] / one["wall"], 2),
                "processor_over_one_for_each_device": round(
                    found[n][what]["processor"] / one["processor"] / n, 2
                ),
            }
            for n in COUNTS
        }
        for what, one in found[1].items()
    }
    print(json.dumps({"machine": machine(), **report}, indent=2))


if __name__ == "__main__":
    main()
