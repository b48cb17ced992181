"""What the tasks of our own share, Box-World and Recall: all environments stepped in numpy."""
