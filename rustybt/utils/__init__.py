"""Where do Zipline's users find what lives elsewhere? Thin re-exports at the paths that they know."""
