"""Compare linear autoencoders of Gaussian points with the best possible rates."""
