"""An app to explore a latent space by hand, in a browser on the same machine."""
