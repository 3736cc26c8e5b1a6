"""The server with its page, on the inputs of a soak: `python -m heygem.soak.host FOLDER ENGINE PORT`."""

import sys
from dataclasses import replace
from pathlib import Path

from heygem.server.run import serve
from heygem.soak.victim import engines_named, settings_of


def main(folder: Path, engine: str, port: int) -> int:
    """Serve until told to stop; every model is loaded first."""
    return serve(replace(settings_of(folder), port=port, preload=True), engines_named(engine))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
