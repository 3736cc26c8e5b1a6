"""The library of templates: files, names, pictures, and what an engine has seen in them."""
