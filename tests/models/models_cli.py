"""`python -m tests.models.models_cli FOLDER ACTION ...`: the models command of a project in FOLDER."""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

from heygem.console import complain
from heygem.errors import HeyGemError
from heygem.models_command import add_models_arguments, run_models
from heygem.settings import Settings, add_settings_arguments


def main() -> int:
    parser = argparse.ArgumentParser()
    add_settings_arguments(parser)
    add_models_arguments(parser)
    arguments = parser.parse_args(sys.argv[2:])
    settings = replace(Settings.from_namespace(arguments, os.environ), models_dir=Path(sys.argv[1], "models"))
    try:
        return run_models(arguments, settings)
    except HeyGemError as error:
        complain(f"heygem: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
