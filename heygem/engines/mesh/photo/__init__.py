"""Photos that live: blinks, slight turns of the head, sampled once from the photo itself."""
