"""What a run record says of the code, the environment, the machine and the cost."""
