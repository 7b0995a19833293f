"""Find the latent codes of images, and the minima that the search ends in."""
