"""The HeyGem app: `python app.py [options]`; ./start_app.sh runs it and starts it again when it dies.

Importing this module builds the studio and starts its engine thread, which waits for the page to be served
before it imports torch. `gradio app.py` runs the module again after each edit: the first studio is kept.
"""

import os
import sys

from heygem.ending import MISUSED
from heygem.errors import HeyGemError
from heygem.log import configure_logging
from heygem.server.gradio_import import importing_gradio
from heygem.server.run import Launch
from heygem.settings import Settings

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
with importing_gradio():
    import gradio as gr

    from heygem.ui.page import build_page

LAUNCH = "heygem_launch"  # attribute of `sys`, which alone survives when modules are imported again


def launch_studio() -> Launch:
    """The studio this command line asks for, started."""
    settings = Settings.from_args(sys.argv[1:] if __name__ == "__main__" else [], os.environ)
    configure_logging(settings.log_dir)
    return Launch(settings)


def main() -> int:
    """Serve the page until told to stop; returns the exit code."""
    return launch.serve(demo)


try:
    if gr.NO_RELOAD and not hasattr(sys, LAUNCH):
        setattr(sys, LAUNCH, launch_studio())
    launch: Launch = getattr(sys, LAUNCH)
    demo = build_page(launch.studio)
    if __name__ == "__main__":
        sys.exit(main())
except HeyGemError as error:
    sys.stderr.write(f"HeyGem: {error}\n")
    sys.exit(MISUSED)  # another start would fail in the same way
