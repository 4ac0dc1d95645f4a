"""``python -m ripieno``."""

import sys

from ripieno.cli import main

sys.exit(main())
