"""``python -m easymaker_local``: the same as the command ``easymaker-local``."""

from easymaker_local.cli import main

if __name__ == "__main__":
    main()
