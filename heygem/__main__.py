"""`python -m heygem`."""

import os
import sys

from heygem.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
