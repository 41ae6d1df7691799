"""TensorBoard for whoever has the key, until nobody has asked for a while (GN-20, EX-L02).

python -I serve.py IDLE_SECONDS [TensorBoard's own options]
"""

import sys
from pathlib import Path

from tensorboard import program

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "web"))

from guard import Guard, take_key


def main():
    """Serve until the end."""
    idle_seconds, *options = sys.argv[1:]
    key = take_key()

    def make_server(app, flags):
        return program.WerkzeugServer(Guard(app, key, float(idle_seconds)), flags)

    board = program.TensorBoard(server_class=make_server)
    board.configure(("tensorboard", *options))
    return board.main()


if __name__ == "__main__":
    sys.exit(main())
