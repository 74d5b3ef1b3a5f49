"""`monitord audit`: each promise, what the kernel says of it, and what happened when it was tried."""
