"""Measure the rate and the distortion of Gaussian and of Echo autoencoders."""
