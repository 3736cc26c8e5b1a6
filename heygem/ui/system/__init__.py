"""The System tab: what is loaded, what it takes, and how to change that."""
