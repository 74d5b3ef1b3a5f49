// A worker whose clock goes on where a page's own timers are slowed down: one tick a second.
setInterval(() => postMessage(0), 1000);
