"""The app with a clock that ``soak`` sets to shortly before midnight twice.

``python -m benchmarks.soak_app FIRST SECOND AFTER ...``: the two moments (epoch seconds) to start
from and to jump to, and the delay of the jump (seconds after the start). The other arguments are
passed to Streamlit.
"""

from __future__ import annotations

import sys
import threading

import time_machine
from streamlit.web import cli


def main() -> None:
    first, second, after = map(float, sys.argv[1:4])
    clock = time_machine.travel(first, tick=True).start()
    leap = threading.Timer(after, clock.move_to, (second,))
    leap.daemon = True
    leap.start()
    sys.argv = ["streamlit", "run", "app.py", *sys.argv[4:]]
    cli.main()


if __name__ == "__main__":
    main()
