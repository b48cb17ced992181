"""What makes the tables of the README and the docs, from committed result files."""
