"""`monitord ward enroll` and its like: who may speak at the site's broker, and how a room learns of it."""
