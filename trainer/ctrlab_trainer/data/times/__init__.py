"""Times of rows: one format for the whole column, detected or declared, and their conversion to comparable numbers."""
