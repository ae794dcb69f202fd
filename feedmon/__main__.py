"""``python -m feedmon``: the same as the ``feedmon`` program."""

from feedmon.cli import main

if __name__ == "__main__":
    main()
