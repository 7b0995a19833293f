"""Train a GAN and a WGAN-GP alike, and compare their samples."""
