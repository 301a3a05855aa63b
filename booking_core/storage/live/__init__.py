"""Changes as they happen: the change stream, the feed, and what is kept between changes."""
