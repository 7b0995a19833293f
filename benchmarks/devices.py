"""What does dividing work cost? `python -m benchmarks.devices` prints JSON.

Work for each device stays the same while virtual devices on this processor grow from 1
to 8. Where they do not outnumber the cores the wall clock should stay; beyond, the
processor time for each device should.
"""

import json

from benchmarks.measuring import in_own_process, machine

COUNTS = (1, 2, 4, 8)


def main() -> None:
    """Compare the counts in turn, each in a process of its own."""
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
