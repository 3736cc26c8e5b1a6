"""Teeth of painted mouths: the person's own where they are seen, in the light and as crisp as the clip."""
