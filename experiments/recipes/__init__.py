"""Compare recipes for finding the code of an image at equal cost."""
