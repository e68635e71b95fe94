"""`python -m bench NAME…`: each benchmark prints one JSON line. Ratios are to a limit measured in the same run."""

import json
import sys


def main(names: list[str]) -> int:
    import django

    django.setup()
    from bench import clock, delivery, ground, imports, pages

    known = {"pages": pages.run, "import": imports.run, "delivery": delivery.run, "clock": clock.run}
    unknown = set(names) - set(known)
    if unknown:
        print(f"No benchmark is called {', '.join(sorted(unknown))}. These exist: {', '.join(known)}.", file=sys.stderr)
        return 2
    for name in names or known:
        with ground.database():
            print(json.dumps(known[name]()), flush=True)
    return 0


if __name__ == "__main__":
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crisiscomms.settings")
    sys.exit(main(sys.argv[1:]))
