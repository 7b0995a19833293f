"""Walk from one digit to another along paths of least energy."""
