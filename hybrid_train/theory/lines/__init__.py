"""What is predicted beside what is measured, line by line."""
