"""Who visits: the processes with visitors, and the owner of the link who adds up what they report."""
