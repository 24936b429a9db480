"""``python -m hybrid_train``."""

import sys

from hybrid_train.cli.program import main

if __name__ == "__main__":
    sys.exit(main())
