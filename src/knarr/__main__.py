"""`python -m knarr`: the command line."""

import sys

from knarr.cli import main

sys.exit(main())
