"""Where a run takes place: a site of the lab, or one of the user's own."""
