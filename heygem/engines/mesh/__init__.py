"""The bundled engine: a face mesh moves the person's own pixels."""
