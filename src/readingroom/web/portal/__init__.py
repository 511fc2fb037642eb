"""The portal: the customer's administrator opts in and out, and sees everything that concerns its data."""
