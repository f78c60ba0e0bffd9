"""The web servers of the lab, one class each, and the site that they serve."""
